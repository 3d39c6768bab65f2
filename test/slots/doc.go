// Package slots tests slots, freezing, snapshots and provisioned concurrency on real sandboxes, through the HTTP API.
// Package functions says which.
package slots

// Package durable has the tests of durable functions as their users see them: handlers written with AWS's own SDKs, in real
// sandboxes, driven by AWS's own clients, on a server that is killed in between.
package durable

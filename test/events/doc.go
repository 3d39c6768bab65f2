// Package events has the tests of asynchronous invocations on whole servers: on real sandboxes with retries and destinations,
// and with a server that is killed again and again while it takes and runs events.
package events

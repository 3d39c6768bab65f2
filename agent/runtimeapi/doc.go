// Package runtimeapi serves Lambda's Runtime API to one runtime process: it hands out events and takes answers. It owns
// the order of calls and the wording of refusals, one file per endpoint; package http1 reads and writes HTTP, and the
// caller brings events (Deliver) and carries answers away (Send).
//
// # Life cycle
//
// A Server belongs to one start of the runtime: New, Serve, Deliver for each event, Drain when the process has ended,
// Close. Nothing is carried over to the next start, neither state nor a waiting connection.
//
// # Order of calls
//
//	starting ──next──> idle ──event──> running ──response, error──> answered ──next──> idle
//	   └──init/error──> failed
//
// With AWS_LAMBDA_INITIALIZATION_TYPE=snap-start a runtime may wait to be copied before its first event; without, the
// two calls do not exist (404):
//
//	starting ──restore/next──> held ──Restored──> restored ──next──> idle
//	                                                 └──restore/error──> failed
//
// In held the process may be checkpointed, and every copy goes on from there, with the variables it was started with:
// the Runtime API has no way to give it others. The table is in state.go; a call the table does not list is refused. While the body of a post is being read nothing
// else may happen. "next" in running gives the same event once more; of two waiting calls the newer one gets the
// event.
//
// # One wake-up per event
//
// A call of next that has to wait leaves its connection with the server, and Deliver writes the event to it on its own
// goroutine. The goroutine of the connection meanwhile reads on, and so learns when the client leaves.
//
// # Trust
//
// The runtime is hostile. What it sends is bounded before memory is taken, what it breaks is its own invocation.
// Nothing here panics on input.
package runtimeapi

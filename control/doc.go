// Package control creates, reads, changes and deletes functions. It owns their state machine and the work that makes a
// function runnable; it knows no wire format and runs no function.
//
// # State machine
//
//	Create ──> Pending ──prepared──> Active            UpdateStatus of an Active function:
//	              └────failed──────> Failed              Update… ──> InProgress ──prepared──> Successful
//	                                                                     └────────failed────> Failed
//
// Preparation means: the code is unpacked into an image and the runtime's image exists. It runs in the background on a
// few workers (prepare.go). While an update is in progress, and after one failed, the function goes on serving the
// configuration it served before, store.Function.Serving. A Failed function never served; it can only be deleted.
//
// # Invariants
//
//   - Every write is a compare-and-set on the stored record: of two updates that race one wins, the other is refused.
//   - RevisionID changes with every write, also with those that only change a state.
//   - What must be prepared is in the store (Pending, InProgress), nowhere else: a restart takes it up again.
//   - Serving is nil until the function was Active once, and never nil after.
//
// # Life cycle
//
// New, Open (starts the workers), calls, Close (stops and waits for them). Methods may be called concurrently.
// Errors that are the caller's doing are *lambda.Error; any other error is ours.
package control

// Package control creates, reads, changes and deletes functions, publishes versions of them, names versions with aliases,
// and keeps their concurrency settings. It owns the state machine and the work that makes a function runnable; it knows no
// wire format and runs no function.
//
// # State machine
//
//	Create ──> Pending ──prepared──> Active            UpdateStatus of an Active function:
//	              └────failed──────> Failed              Update… ──> InProgress ──prepared──> Successful
//	                                                                     └────────failed────> Failed
//
// Preparation means: the code is unpacked into an image, and so are the layers, and the runtime's image exists. It runs in the background on a
// few workers (prepare.go). While an update is in progress, and after one failed, the function goes on serving the
// configuration it served before, store.Function.Serving. A Failed function never served; it can only be deleted.
//
// A published version is Active at once if what it is made of is prepared, else Pending until it is: when it was published
// together with new code, and always with SnapStart, whose preparation includes making the snapshot (optimise.go, on
// workers of its own). After that a version changes no more, but for its provisioned concurrency. A Failed version can
// only be deleted; publishing the same again makes a new one.
//
// # Aliases
//
// An alias (aliases.go) points at $LATEST or a version, or at two versions of which each invocation draws one by weight
// (resolve.go). Whoever writes an alias or deletes a version does it alone (concurrency.go, limit), so each is checked
// against what the other left.
//
// # Concurrency
//
// Share (share.go) is what invocations of a version may use: invoke asks for it each time. Reserved concurrency belongs
// to a function, provisioned concurrency to a version, on its own behalf or on that of one alias that points at it, with
// which it moves. Both are in the store, and Share follows the store at once. Each setting is checked against the sums of
// the account, so they are made one at a time (concurrency.go, limit).
//
// # Invariants
//
//   - Every write is a compare-and-set on the stored record: of two updates that race one wins, the other is refused.
//   - RevisionID changes with every write to $LATEST's configuration, also with those that only change a state or tags. A
//     publication, an alias or a concurrency setting leaves it.
//   - What must be prepared is in the store (Pending, InProgress), nowhere else: a restart takes it up again.
//   - Serving is nil until the function was Active once, and never nil after.
//   - The numbers of a function's versions rise, and none is used twice while the function lives.
//   - An alias points at versions that exist; one that is pointed at cannot be deleted.
//   - What Slots heard last about a version is what the store says about it; Open tells all of it anew.
//   - The account keeps lambda.MinUnreserved unreserved, whatever is set at once.
//
// # Life cycle
//
// New, Open (starts the workers), calls, Close (stops and waits for them). Methods may be called concurrently.
// Errors that are the caller's doing are *lambda.Error; any other error is ours.
package control

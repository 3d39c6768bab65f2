// Package durable runs durable executions: invocations of functions with a DurableConfig, which wait for timers, callbacks and
// other functions without an environment, and go on where they were after anything that ends a process.
//
// It owns the state machine of an execution and its operations, the checkpoints with which a handler drives it, its history, and
// when the handler is invoked. It stands on store.Journals, where everything it promised is, and on invoke.(*Invoker).Sync, which
// is the only way code runs. It does not own the functions (package control), nor who may do what, nor the shapes on the wire (package
// gateway).
//
// # An execution
//
// Start writes the first entry of its journal. From then on the handler is invoked with the operations so far, and answers
// SUCCEEDED, FAILED or PENDING; while it runs it sends checkpoints, each of which is an entry that is on disk before its answer. After
// PENDING nothing runs until an operation's state changes: a wait ends, a retry is due, a callback or another function answers. At
// most one invocation of an execution is under way. An invocation that fails (a crash, a timeout, an error of the handler's
// SDK) is made again, five times in a row at most; one that did not happen (a throttle, an error of ours) until the execution's time
// is over.
//
// # State
//
// The journal holds events (event.go); the state is what applying them gives (state.go), and there is no other way in which it
// changes. That a retry's time has come is no event: it follows from the clock. In memory is a summary of each execution, and the state of
// those of which something runs. A restart reads the summaries, and everything that was under way begins again: invocations of
// the handler see the checkpoints so far, and functions that an execution invoked may be invoked twice. Durable functions are not:
// the child's id follows from its parent's.
//
// # Order
//
// What reads or changes an execution's state takes its turn (execution.take); entries are written meanwhile. The lock mu of
// Executions guards the index and the timers, is taken after a turn, never the other way round, and never held while something
// is written. A child's end is told to its parent by a goroutine that holds neither turn.
//
// *Executions works from Open until Stop; Close waits for what is under way.
package durable

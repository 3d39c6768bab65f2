// Package invoke runs one invocation: admit it, take an environment, deliver the event, enforce the deadline, write
// the platform's log lines, give the environment back.
//
// A function that fails is a value here (Result.FunctionError); a *lambda.Error is the caller's doing; any other error
// is ours. Sync (sync.go) is the only way code runs; other ways of invoking end in the same call. Stream (stream.go) is
// Sync with an answer that leaves while the function makes it: the same life cycle, another receiver.
//
// # Admission
//
// Invocations under way are counted in admission.go, and refused where the function's reservation or the account's
// unreserved concurrency is used up (lambda.Share). An invocation counts from its admission until its environment is free
// again: for custom runtimes that is after the answer. Whatever ends it, a caller that leaves, a failed cold start, a
// timeout, a panic, ends its count. The pool refuses for reasons of its own, growth and room on this host; throttle.go
// gives those their names in the API.
package invoke

// Package invoke runs one invocation: admit it, take an environment, deliver the event, enforce the deadline, write
// the platform's log lines, give the environment back.
//
// A function that fails is a value here (Result.FunctionError); a *lambda.Error is the caller's doing; any other error
// is ours. Sync (sync.go) is the only way code runs; later ways of invoking end in the same call.
package invoke

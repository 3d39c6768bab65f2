// Package sim replays a trace of invocations over keep-alive policies and says what each costs: how many invocations
// met a cold start, and how many GB·s of memory were held for it.
//
// Traces have the form of the public Azure Functions trace of 2019 (Shahrad et al., "Serverless in the Wild", USENIX
// ATC 2020): invocations per minute and function, execution times per function, memory per application. Generate makes
// a synthetic one of the same form.
//
// # Model
//
// A trace says how many invocations a minute has, not when; they are spread over it evenly or at random (Spread). Every
// policy then sees the very same invocations. An invocation takes the function's most recently used idle environment,
// else it is a cold start. Environments serve one invocation at a time, and the number needed is counted exactly. A cold
// start costs memory while it lasts but does not lengthen the invocation, so that all policies face the same
// concurrency. No policy sees what has not happened yet.
//
// An environment is never taken away within ten seconds of its last use, so spells of uses less than that apart are
// replayed as one event. All policies are treated alike in this, and keepalive.Policy decides the same with
// and without the uses in between. The idle time inside a spell counts as busy.
//
// Not modelled: several hosts, failures, waiting for memory, the time that destroying takes.
package sim

// Package pool keeps the execution environments of this host: it creates one when a function needs it, hands it to one
// invocation at a time, keeps it warm for a while, and destroys it when its time is over, its code is replaced or the
// memory is needed.
//
// # Life of an environment
//
//	Acquire ─┬─ an idle one of this revision, most recently used first
//	         └─ coldStart: place (memory, sandbox, agent), code (attach), init (runtime, handler)
//	Release ─┬─ to the first caller that waits for this revision
//	         ├─ to idle, until its keep-alive ends or its memory is needed
//	         └─ destroyed: broken, or its revision was retired
//
// A caller that finds nothing idle waits for whichever comes first: an environment given back, or a cold start. A cold
// start belongs to no caller: if the one that caused it has left or was served otherwise, its environment goes to the
// next waiter or to idle. One mutex decides every such race (the model is net/http's Transport).
//
// # Memory
//
// Every environment reserves its function's memory from one budget until it is destroyed. A cold start that finds the
// budget used up evicts idle environments, least recently used first, and then waits in line.
//
// # What it does not do
//
// It knows nothing of invocations, log lines or billing: package invoke talks to the environment it was handed.
package pool

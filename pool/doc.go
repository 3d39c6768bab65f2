// Package pool keeps the execution environments of this host, and the slots they start in.
//
// # Where a cold start happens
//
//	Acquire ─┬─ an idle environment of this revision, thawed if it was frozen            acquire.go, freeze.go
//	         └─ coldStart                                                                 coldstart.go
//	              place  a hot slot; else a snapshot restored into an empty slot; else an
//	                     empty slot booted; else a sandbox created                        stock.go, snapshot.go, template.go
//	              code   attached to the running sandbox, with the layers if there are any
//	              init   the waiting runtime is specialised, or a process started
//	Release ─┬─ to the first caller that waits for this revision                          release.go
//	         ├─ to idle, until its keep-alive ends or its memory is needed                keepalive.go, memory.go
//	         └─ destroyed: broken, or its revision was retired
//
// A caller that finds nothing idle waits for whichever comes first: an environment given back, or a cold start. A cold
// start belongs to no caller: if the one that caused it has left or was served otherwise, its environment goes to the
// next waiter or to idle, and one that has cost nothing yet is not begun. One mutex decides every such race (the model is
// net/http's Transport).
//
// # Slots
//
// Each runtime image in use has two stocks: hot slots (the runtime is up, warm and has no function) and empty slots
// (the sandbox was created). One goroutine refills them while no cold start needs the CPU (refill.go), to what was asked
// for at most within the time of a refill during the last five minutes (demand.go). A slot that was given a function is
// destroyed with it, never reused.
//
// # Engines
//
// A function's Launch says which engine isolates it. Slots and snapshots belong to one engine and, where the memory of
// a sandbox is fixed when it is made, to one size of it (engine.go): slots of the smallest size are kept ahead of demand, of
// the others as many as were asked for. All engines share the memory budget.
//
// # Memory
//
// Every environment reserves its function's memory from one budget until it is destroyed, and every slot in stock what
// it takes. A cold start that finds the budget used up drains stocks, then evicts idle environments, those the
// keep-alive policy values least first, and then waits in line. Provisioned environments are never evicted.
//
// # Snapshots
//
// A function snapshot is made after init, of an environment that serves nobody, and is keyed by everything it depends
// on. One that cannot be restored is dropped and the cold start goes on without it. Package snapshot keeps the files.
//
// # Freezing
//
// An idle environment is frozen after a grace. Its lock, ice.mu, is held while the sandbox is paused or resumed; the
// pool's mutex may be taken under it, never the other way round.
//
// # What it does not do
//
// It knows nothing of invocations, log lines or billing: package invoke talks to the environment it was handed. What
// happens is told through Options.Trace; Status describes everything at one moment.
package pool

// Package agent is PID 1 of every sandbox: it starts and resets the runtime process, reports how it ends, reaps
// orphans, and serves the Runtime API to runtimes that speak HTTP, the Extensions API to all, and the environment's
// metadata. Package link describes the conversation with the host.
//
// # Life cycle
//
// Run says hello on fd 0 and obeys the host until the host closes that channel. Each Start makes one runtime process;
// Reset ends everything but the agent and leaves the data channel empty, so that the next Start finds a fresh
// environment, in which only /tmp is as it was. A Start without a Reset before it clears the old run first.
//
// # Descriptors
//
// fd 0 is the control channel. fd 1 is the data channel: a runtime of kind "frames" gets it as its fd 3, and the agent
// then writes nothing on it but Sync; for kind "http" it belongs to the agent. fd 2 is the tenant's log: the runtime
// inherits it as stdout and stderr, and the agent writes to it only when it gives up. What is the agent's alone it reads
// through package stream: so one thread serves an order, or an event, from the wake-up to the answer.
//
// # Extensions
//
// External extensions are started by Extend (extend.go) and belong, like the server at 127.0.0.1:9001, to one run: what
// Extend and Start have made since the last Reset. The server is up for bundled runtimes too, from before they are warm,
// because code in them may register as an internal extension. What the agent does not know, which function this is and
// whether init goes on, it asks the host when somebody wants to know (questions.go). shutdown.go is the shutdown phase.
//
// # Processes
//
// One function reaps, for everybody (reap.go): nothing else in this program waits for a child, so no exit status can
// be taken from under someone's feet. This is why package os/exec is not used.
//
// # Snapshots
//
// The sandbox may be checkpointed between a runtime's Ready to Snapshot and Restored. The agent then holds no part of a
// frame, in either direction; every read that waits goes on, and what is read and written next goes to the descriptors'
// new ends. It keeps no clock and no random state over that time.
//
// # What it needs
//
// To be PID 1, as root with CAP_SYS_ADMIN (/tmp), CAP_SETUID and CAP_SETGID (the runtime's user) and CAP_KILL (Reset
// kills processes of that user). The runtime inherits none of them.
//
// The agent is inside the sandbox and so not trusted by the host; nor does it trust the runtime.
package agent

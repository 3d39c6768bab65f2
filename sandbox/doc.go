// Package sandbox is the contract between Thaw and whatever isolates a tenant: gVisor, a microVM, or the fake used in
// tests. It contains no engine.
//
// # Vocabulary
//
// An Engine makes Sandboxes. A sandbox is one isolated machine: a read-only root (a runtime image), a private process
// tree whose PID 1 is our agent, a link to the host, limits. It holds one execution environment and is never given to
// a second tenant.
//
// # Life cycle
//
//	Create ──> created ──Start──> running ──Pause──> paused
//	              │  └──Restore──────^  ^───Resume─────┘
//	              └──────── Destroy from every state ──> destroyed
//
// Create makes everything that does not depend on a tenant: processes, namespaces, cgroup, network device. Start boots
// the agent, which says hello on the control channel. Attach makes an image visible inside a running sandbox. The
// table in state.go lists every allowed step; Guard refuses the others with ErrState.
//
// # Who calls
//
// Calls on one Sandbox may come from several goroutines; Guard serialises those that change its state. Destroy may be
// called at any time, more than once, and makes concurrent calls fail; when it returns nil nothing of the sandbox is
// left: no process, mount, cgroup or file.
//
// # Errors
//
// An error from Create leaves nothing behind. After an error from any other method the sandbox is to be destroyed: its
// state is unknown (Guard marks it broken). Three exceptions change nothing: ErrUnsupported, ErrState, and an error from
// Stats.
//
// # Trust
//
// Everything that comes out of a sandbox is hostile input: the bytes on all three channels, its exit status, its use
// of resources. Engines bound all of them. The sandbox never learns anything of the host or of another tenant.
package sandbox

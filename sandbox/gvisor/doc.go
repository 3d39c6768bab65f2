// Package gvisor is the engine that isolates with gVisor: each sandbox is one sentry, a user-space kernel written in
// Go, and the stub processes whose system calls it takes over. gVisor is used as a library; only its child processes
// are another program (cmd/thaw-sentry).
//
// # What one sandbox is on the host
//
//	StateDir/boxes/ID/        the OCI bundle; exists from before the first process until after the last
//	StateDir/run/runsc-ID.sock   the sentry's control socket
//	an unlinked file          backs /tmp, see tmp.go
//	cgroup CgroupName/ID      limits, see limits.go; one engine at a time per name
//	one sentry + its stubs    uid nobody, own user, mount, pid, net, ipc and uts namespaces, empty root, no capability
//
// There is no gofer process: the root is an EROFS image whose file the sentry holds open and maps. No directory of the
// host is ever visible inside.
//
// # Life
//
// Create starts the sentry (launch.go), which boots up to the point where only the start signal is missing; any number
// of sandboxes can do so at once. Start hands over the network devices and gives that signal by control RPC. Attach is an RPC as well. One goroutine per sandbox waits for
// the sentry's end through a pidfd. Destroy kills the sentry; as the init process of its pid namespace it takes the
// stubs along.
//
// # Freezing
//
// Pause sends SIGSTOP to the sentry, which stops system calls, timers, network and page faults of everything inside,
// and costs nothing to undo. But guest code that needs none of these runs in a stub, on its own: it would spin on. So
// Pause looks at all stub threads, twice; when each slept at both looks and did not run between them, there was a moment
// at which all slept, and since they sleep without a timeout and only the sentry wakes them, they sleep until it
// continues. Where something still runs after a few milliseconds, the sentry is continued, asked to stop all guest tasks
// by preempting their stubs, and stopped again; the same look must then find rest, or Pause fails. Resume is one SIGCONT,
// and a call to the sentry only for those that were stopped the second way. A guest cannot avoid the look: what a
// runnable thread is, the kernel says.
//
// What was tried instead: the cgroup freezer on the whole tree makes futexes of the stubs return in ways gVisor does not
// expect, and sandboxes died after some 500 cycles; so no signal ever goes to a stub. Stopping the guest's tasks each
// time costs half a millisecond more at each thaw. Stopping the sentry alone lets a guest that computes escape.
//
// A stopped sentry is killed like any other: by Destroy, by the parent-death signal, by the OOM killer.
//
// # Snapshots
//
// Checkpoint has the sentry write its kernel, which page of memory is where, and the pages, /tmp's included; the guest
// stands still meanwhile and then goes on. Restore hands a waiting sentry those files instead of the start signal. File
// systems are found again by their place: the images of root and Spec.Mounts must be those of the checkpoint, and an
// image that was attached to a running sandbox has no place, so there is no checkpoint then. Pages of images are never
// part of a snapshot. What the guest held on stdio leads to the new channels, connections are reset, Unix time is now,
// and the monotonic clock has gone on meanwhile. See snapshot.go for what is checked, fingerprint.go for what must be the
// same, mount.go for how a sandbox that waits gets its images.
//
// # Dying with the daemon
//
// Every sentry has a parent-death signal. The kernel binds it to the thread that forked, not to the process, and Go
// forks on whichever thread runs. It ends a thread only when a goroutine ends that is locked to it, so no
// goroutine of a program with sandboxes may do that (TestThreadsAreUnlocked). What a kill -9 leaves behind nevertheless
// (sockets, bundles, cgroups) is Sweep's.
//
// # Invariants
//
//   - A directory below boxes/ exists whenever anything else of that sandbox does, so Sweep finds everything.
//   - No process is signalled by a number that may have been reused: sentries through their pidfd, others only after a
//     look at what they are.
//   - wait4 is only called with the pid of our own child.
package gvisor

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
// Create forks the sentry, which boots up to the point where only the start signal is missing. Start hands over the
// network devices and gives that signal by control RPC. Attach is an RPC as well. One goroutine per sandbox waits for
// the sentry's end through a pidfd. Destroy kills the sentry; as the init process of its pid namespace it takes the
// stubs along.
//
// # Dying with the daemon
//
// Every sentry has a parent-death signal. The kernel binds it to the thread that forked, not to the process, and the
// library forks on whichever thread it gets. Go ends a thread only when a goroutine ends that is locked to it, so no
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

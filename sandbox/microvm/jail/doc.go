// Package jail runs a program, a virtual machine monitor, so that it can do nothing to the host but use the files it
// was given. It knows nothing of monitors.
//
// # What a jailed program is on the host
//
//	a Root           a directory with copies of the program and its libraries, nothing else; shared by many
//	one process      user User, no capability in any set, no_new_privs, namespaces of its own: mount, pid, net, ipc, uts,
//	                 cgroup. It is the init process of its pid namespace, so what it starts ends with it
//	/                the Root, read-only
//	/dev             null, urandom and the devices it was given, read-only
//	/proc            its own processes only, read-only
//	descriptors      0 and 1 lead nowhere, 2 is where its last words come from, and those it was given from 3 on
//	environment      what it was given, nothing of the daemon's
//
// Filtering system calls is the program's own task: QEMU and Firecracker know best which they need.
//
// # Start
//
// Start forks the shim, which is this module's own code in another process (Options.Shim leads to Main): the kernel
// makes the namespaces with the fork, and the shim, still root, waits for a byte. Now Options.Started may move it to a
// cgroup. Then the byte is sent; the shim builds the mounts, pivots, gives up everything and becomes the program.
//
// # Dying with the daemon
//
// The shim has a parent-death signal from the fork on. The kernel forgets it when the user changes, so it is armed again
// after that, and then the shim looks whether the daemon is still there: the socket the byte came from is held open by
// the daemon as long as the process lives. See "Dying with the daemon" in package gvisor for the threads of Go.
//
// What is left nevertheless, Sweep finds by the root directory of processes: none of them can change it.
//
// # Invariants
//
//   - Nothing is mounted in the host's mount namespace.
//   - No process is signalled by a number that may have been reused.
package jail

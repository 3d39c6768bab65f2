// Package pid1 is the first process of a virtual machine: it makes a machine out of a kernel, and on the host's command
// a sandbox out of the machine. Package guest, on the host, says when what happens.
//
// # Two processes
//
// Boot runs as PID 1 of the machine. It loads modules, mounts what needs no knowledge of the sandbox, opens the channels
// and starts the second process, the launcher: this program again, as PID 1 of a process namespace of its own, which
// waits. Then it says Ready, and from there on obeys the manage channel. Setup mounts the images and wakes the launcher,
// which gives up its rights and becomes the agent. So nothing but the agent's own start is left to do after a machine was
// restored from its template.
//
// # What the agent cannot reach
//
// The agent lives below /sandbox, chrooted: the machine's /dev, with drives and ports, its /sys and its cgroups are not
// there. It is root, with the capabilities of agentCapabilities, and what it starts as another user has none. Modules
// cannot be loaded any more by anybody. All processes of the sandbox are in one cgroup with the limits, init is outside.
//
// # Rules
//
// A request is carried out whole or the host destroys the machine: nothing is undone. When the agent ends, init passes on
// what it said, tells the host its exit code, and restarts the machine, which for the monitor is its end. If init itself
// fails, the kernel panics, which is the end as well. The package uses neither fmt nor net, and no garbage collector runs:
// every page and instruction counts once per machine. Between a restore and its answer to Refresh it runs on one thread,
// allocates nothing, and tells Go's scheduler of no system call (package stream, raw.go).
package pid1

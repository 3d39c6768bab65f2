// Package microvm is the engine that isolates with virtual machines: each sandbox is one machine with a kernel of its own,
// in a monitor that is confined itself. It knows no particular monitor (package vmm is the contract) and little of what is
// inside (package guest): what it owns is how machines come into being, share memory, are limited and end.
//
// # What one sandbox is on the host
//
//	cgroup CgroupName/ID   limits, see limits.go; exists from before the first process until after the last
//	one monitor            jailed; see package qemu or firecracker
//	two nameless files     the scratch drive, which is /tmp; the memory the machine shares with others
//	four sockets           the ports: Link's three, and the manage channel to the guest's init
//
// # Nobody boots
//
// To boot takes seconds under emulation and a good part of one elsewhere, so it happens once per shape of machine: a
// guest that has booted and knows nothing of what it will be is saved as the boot template (boot.go), in memory, and on
// disk for the next engine. Create starts a monitor that is bound to a template's memory and waits. Start loads the rest,
// and Setup makes a sandbox of the guest. So no two sandboxes have a boot in common, and what they share of the template is
// mapped privately from a sealed file (saved.go, stash.go): none can change it for another.
//
// A monitor is bound to its memory when it starts. Spec.From says ahead what it will probably be; if it comes otherwise,
// another monitor takes its place (machine.go), which takes some 40 ms longer.
//
// # Drives
//
//	0           the root image
//	1 to 2      images of Spec.Mounts; more if the spec has more
//	the rest    images that are attached while it runs, each on a drive that was never used
//	scratch     /tmp: an empty file system, made anew for each sandbox
//
// # Snapshots
//
// Checkpoint has the guest stop everything but its init (Quiesce), stops the machine, saves it and lets it go on. A
// snapshot's memory is packed (sparse.go), as far as it is not the boot template's (base.go), and checked against sums (snapshot.go). Restore unpacks it once and keeps it as
// long as somebody uses it, so that clones share it like a template. After the load nothing but init runs until Refresh
// has given the guest the time, randomness of its own and its addresses.
//
// # Freezing
//
// Pause stops the monitor's processes by SIGSTOP: see pause.go for why not by the monitor's own means.
//
// # Life of a Sandbox's parts
//
// Each step holds stepMu and ends when the sandbox's life does, so Destroy ends what hangs: it ends life, kills the
// machine, waits for the step under way, and removes the rest. One goroutine per monitor waits for its end and closes
// Done. Lock order: destroyMu, stepMu, then Sandbox.mu or stash.mu, which are never held together.
//
// # Invariants
//
//   - Every process of a machine is in a cgroup of the engine's before it does anything, so Sweep finds all.
//   - What machines share is sealed before the first of them starts.
//   - No process is signalled by a number that may have been reused.
//   - The guest is hostile: its answers are bounded in time and size, and what it counts is for its tenant's information.
package microvm

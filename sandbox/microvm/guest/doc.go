// Package guest is what runs inside a virtual machine, seen from the host: the files it boots from, the disk it writes
// on, and the manage channel to its first process. That process is in package init below, and what both sides say in
// package wire.
//
// # Files
//
// Build takes Debian's stock kernel for clouds out of its package, without installing anything, and writes two files into
// a directory: the kernel, uncompressed as monitors want it, and an initramfs with our init and the kernel modules it
// needs. Equal inputs give equal bytes; names carry their hash, and Open verifies it. No image, no tenant and no setting
// is in them.
//
// # Life of a guest
//
//	boot ──> ready ──Setup──> running ──the agent exits──> exited, power off
//	           ^                 ^
//	        template        snapshot, with Quiesce before it
//
// A guest that has booted knows nothing of what it will be: it says Ready and waits. That is the point at which a
// machine is saved as the template of all others with its shape. Setup gives it root image, limits, name and network, and
// starts the agent, which becomes PID 1 of a process namespace of its own and sees the image, its mounts, /proc, /dev
// and /tmp, and nothing of init, the drives or the channels' devices. After every restore that is not followed by Setup,
// Refresh must come before anything else runs: it gives the guest the time, randomness of its own and its addresses.
//
// # Drives
//
// Drive 0 is the root image. Mount reads a drive's content when it is called, so SetDrive comes first. The writable
// drive holds /tmp; FormatScratch makes the empty file system on it, anew for every machine that has not run Setup yet: a
// machine that is restored later than that needs the content it had when it was saved.
//
// # Channels
//
// The agent's descriptors 0, 1 and 2 are sockets, as its runtimes expect them; init passes the bytes on to and from the
// machine's ports, or from a port of vsock where there are none. It never sees an end of them: a machine whose host hung
// up waits for the next one or for its end.
//
// # Trust
//
// The guest may be in the hands of its tenant. Conn bounds and checks all that it says; what it counts is for reports and
// never decides about anything outside of its own sandbox.
package guest

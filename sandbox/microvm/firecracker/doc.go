// Package firecracker is the monitor driver for Firecracker (https://firecracker-microvm.github.io): it speaks
// Firecracker's HTTP API on a Unix socket and starts it with Firecracker's own jailer. It needs both programs and
// hardware virtualisation; there is no emulation. It knows no engine and no guest.
//
// The API is that of Firecracker 1.8 and later: version 1.8 is the first that describes its devices by ACPI, which a
// kernel whose virtio_mmio is a module needs to find them. Neither program can be had where Thaw is built, so the tests
// run against package double, which behaves as documented; SPECIFICATION.md says how to prove the rest.
//
// # A machine on the host
//
//	supervisor   our child, root, in namespaces of its own; see package supervisor
//	firecracker  its only child, user jail.User, chrooted, no capability, Firecracker's own seccomp filters
//
// All files of a machine are in a tmpfs that only these two see, so they vanish with the supervisor; the supervisor dies
// with the daemon. The monitor's process ID, as package vmm calls it, is the supervisor's.
//
// # What stands for what
//
//	ports      virtio-vsock: the guest listens on vmm.VsockPort+i, the driver connects and relays (relay.go)
//	drives     virtio-block, a file each; images are mounted over the files in the jail (attach.go)
//	memory     for Load, Firecracker's standard input: a sealed memory file has no name that could be mounted
//	network    a tap device, joined by a bridge to one whose frames the driver pumps (frames.go)
//
// The guest finds drives in the order of their numbers and the scratch drive after them.
//
// # Where Firecracker differs from other monitors
//
//   - A snapshot breaks connections over vsock on both sides, in the machine that goes on as well; listeners stay. The
//     driver connects again. What was under way in the moment of Save is lost, so the engine saves when the guest is quiet.
//   - A drive that gets its content while the machine runs has the size of its image, not vmm.MaxDriveBytes, from then
//     on. One that got it before Load keeps the size it was booted with, but reading beyond the image fails.
//   - Firecracker opens files as its own user, by name. The driver lets everybody read the images and gives the
//     scratch file to that user; neither can be reached by a name of the host.
//   - The scratch file must have a name, or have been made with O_TMPFILE: a file whose last name was removed cannot be
//     mounted.
//   - Boot cannot use a given memory file: Save copies the memory into it.
//   - A guest cannot switch itself off, only reboot, which ends Firecracker. Its exit status 148 means that its seccomp
//     filter stopped it.
//
// # Trust
//
// Once a guest runs, Firecracker is hostile. Its answers are bounded in size and time; nothing in the jail is opened
// through a symbolic link or across a mount; what it prints is kept up to 3 KiB; frames and ports are the guest's anyway.
package firecracker

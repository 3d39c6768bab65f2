// Package supervisor is the process between the daemon and one Firecracker: the init process of the machine's pid
// namespace. Firecracker's jailer sets up the jail; the supervisor gives it a place to do so and makes sure that nothing
// outlives the daemon. It knows nothing of Firecracker's API and never sees a byte of the guest.
//
// # Why there is one
//
// The jailer changes its user, and with that the kernel forgets a parent-death signal. The supervisor never does: it dies
// with the daemon, and as the init process of a pid namespace it takes everything of the machine along. Its mount
// namespace holds all the machine's files, so they vanish with it too, and its network namespace holds the tap device.
//
// # Life
//
// The driver starts the supervisor in new mount, pid, network, IPC and UTS namespaces with a parent-death signal; file
// descriptor 0 is what Firecracker finds as its standard input, 1 and 2 take its words, 3 is a SEQPACKET socket. Run reads
// one Start from it, builds the tree below, starts the jailer and answers with descriptors of the jail's root and of the
// tap device. From then on it mounts what the driver sends, unmounts it, and says when the network carries frames, until
// the jailer's process ends; its exit status becomes the supervisor's own. When the driver closes the socket, the
// supervisor ends and so does the machine.
//
//	BASE/                      a tmpfs of this mount namespace alone
//	BASE/NAME/ID/root/         the jail, where NAME is Firecracker's file name
//	    drives/0 … drives/N-1  empty files of DriveBytes, images are mounted over them
//	    drives/scratch         the writable drive is mounted over it
//	    load/                  kernel, initrd and snapshots; the driver writes or mounts them
//	    save/state, memory     what a snapshot is written to
//	    fd/                    Firecracker's own descriptors: fd/0 is the guest's memory
//
// # Mounts that come later
//
// The jailer makes its own copy of the mount namespace, whose mounts are slaves of those here (MS_SLAVE). The tmpfs is
// shared, so what is mounted below it here appears there, also when Firecracker runs already. Nothing goes the other way.
//
// # Trust
//
// The driver is trusted. Firecracker is not, once a guest ran in it, and it owns the jail's root directory: the
// supervisor holds descriptors of the directories it mounts in, which root owns, and follows no symbolic link.
package supervisor

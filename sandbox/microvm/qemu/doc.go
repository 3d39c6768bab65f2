// Package qemu drives QEMU's microvm machine: a PC without a bus, whose devices are virtio's at fixed addresses. It is
// written for QEMU 7.2, Debian 12's, and newer.
//
// # What one machine is on the host
//
//	one process         QEMU, in a jail (package jail); its root holds QEMU, its libraries and a firmware
//	StateDir/root-*     that root, shared by all machines of the driver
//	everything else     comes as a descriptor: ports, drives, memory, network, kernel, QMP
//
// # The machine
//
// Devices have fixed places, and so every machine of a Shape is the same to the guest: the drives come first, in order,
// then the writable drive, so that Linux calls them vda, vdb, …; then network and ports. Under KVM the guest
// sees the host's processor, under TCG QEMU's most capable model. See args.go.
//
// # Drives without content
//
// See drive.go. A drive is a qcow2 image of 16 GiB that has no data of its own and a backing node: at first one of zeros,
// after SetDrive the image's file. Nothing is copied; reading beyond the image's end yields zeros.
//
// # Saving and loading
//
// See save.go and load.go. The state of the devices comes from QEMU's xen-save-devices-state, which leaves memory out
// whatever it is; it is loaded as an incoming migration whose stream has no memory. The memory is the file the machine was
// booted on or, for a machine that was loaded, put together from the file it shares with others and the pages it has
// changed (memory.go). Ports must be silent while a machine is saved: QEMU writes what it receives into the guest's
// memory even then.
//
// # Trust
//
// QEMU is hostile once a guest runs in it: its answers are bounded (qmp.go), what it saves it writes into a
// file of ours that is then copied, and it never gets a descriptor through which it could change what others use: images are reopened
// read-only, the state to load is a copy, the memory to load must be sealed.
package qemu

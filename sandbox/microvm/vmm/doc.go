// Package vmm is the contract between the microvm engine and a virtual machine monitor: QEMU (package qemu) or
// Firecracker (package firecracker). It contains no monitor.
//
// # What a machine is
//
// One or more virtual CPUs, memory of a fixed size, Drives read-only block devices, one writable block device, NumPorts
// byte streams to the guest, and at most one network device. Nothing else: no screen, no keyboard, no disk controller, no
// bus to plug into, and no source of randomness, because the guest is told some before anything runs that needs it.
// Machines with equal Shapes are interchangeable: what one saved the other loads.
//
// # Life cycle
//
//	Boot ─────────────────────────> running ──Stop──> stopped ──Save──> stopped
//	Prepare ──> waiting ──Load────────^  ^──Continue────┘
//	              Kill from everywhere ──> gone
//
// Boot starts a kernel, which takes long; it is how templates are made. Prepare starts a monitor that waits with
// the memory of a snapshot; Load adds the rest of it and lets it run. Every monitor runs jailed from its first instruction on
// that may see input of a guest.
//
// # Drives
//
// A drive has no content until SetDrive gives it one, at any time before Load or while running: the guest sees a device
// whose size is fixed and whose content was zeros. So a machine can wait without knowing its function, and every machine
// of a Shape has the same devices. The guest must not have read the drive before. Nor may it rely on what is behind an
// image's end: there are zeros, or the device ends there, or it fails to read.
//
// # Trust
//
// The monitor is the boundary: all the guest sends, and all the monitor answers once a guest runs in it, is hostile
// input. Drivers bound sizes and waits of both.
package vmm

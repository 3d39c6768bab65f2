package vmm

import (
	"context"
	"net"
	"os"
	"strconv"

	"thaw.dev/thaw/sandbox"
)

// VMM starts machines. Methods may be called concurrently.
type VMM interface {
	// Name is "qemu" or "firecracker".
	Name() string
	// Accelerator is what executes guest code on this host, found out when the driver was opened.
	Accelerator() Accelerator
	// Probe checks that this host can run the monitor and says which accelerator works and why; see sandbox.Engine.
	Probe(ctx context.Context) []sandbox.Check
	// Fingerprint names everything a snapshot depends on besides the Shape and the contents of drives: the monitor's
	// program, the accelerator, the machine type, the CPU model and features the guest sees.
	Fingerprint() (string, error)
	// Boot starts a machine at kernel. It returns when the monitor runs the guest, long before the guest is up.
	Boot(ctx context.Context, m Machine, kernel Kernel) (VM, error)
	// Prepare starts a monitor with an empty machine that waits for Load, and is bound to the memory it will load.
	Prepare(ctx context.Context, m Machine) (VM, error)
	// Sweep ends monitors and removes files that earlier processes with the same state directory left.
	Sweep(ctx context.Context) error
	// Close releases the driver. All its machines are gone by then.
	Close() error
}

// Accelerator is what executes guest code.
type Accelerator string

// The accelerators. TCG is emulation: correct and isolated, and some ten times slower.
const (
	KVM Accelerator = "kvm"
	TCG Accelerator = "tcg"
)

// Shape is everything that must be the same for one machine to load what another saved.
type Shape struct {
	CPUs         int   // virtual CPUs, 1 or more
	MemoryBytes  int64 // guest memory, a multiple of 2 MiB
	Drives       int   // read-only drives, see MaxDrives
	ScratchBytes int64 // size of the writable drive, a multiple of 4 KiB; 0 means there is none
	Network      bool  // has a network device
}

// MaxDrives bounds Shape.Drives. MaxDriveBytes is the size every read-only drive has in the guest's eyes, and so the
// most an image can have.
const (
	MaxDrives     = 16
	MaxDriveBytes = 16 << 30
)

// The ports of a machine by index. Port i appears in the guest under PortNames[i].
const (
	PortManage  = iota // engine and guest's init; see package guest
	PortControl        // sandbox.Link.Control
	PortData           // sandbox.Link.Data
	PortLogs           // sandbox.Link.Logs
	NumPorts
)

// PortNames are the ports' names inside the guest.
var PortNames = [NumPorts]string{"thaw.manage", "thaw.control", "thaw.data", "thaw.logs"}

// VsockPort is the guest's vsock port for port 0 of a monitor that has no named ports; port i is VsockPort + i. The guest
// listens there, and takes the newest connection for the port.
const VsockPort = 1024

// ScratchSerial is the serial number of the writable drive, and DriveSerial that of read-only drive i: by them the guest
// tells its disks from each other. A monitor that cannot set serial numbers shows the read-only drives to the guest
// first, in their order, and then the writable one.
const ScratchSerial = "scratch"

// DriveSerial is described with ScratchSerial.
func DriveSerial(i int) string { return "drive" + strconv.Itoa(i) }

// Machine is one machine to start. Start functions take over all files: the driver closes them, also on error.
type Machine struct {
	// ID names the machine on this host: a sandbox.Spec.ID, or another name of at most 40 letters, digits, dots and
	// dashes.
	ID    string
	Shape Shape
	// Memory is a memfd of Shape.MemoryBytes. Boot maps it shared, so that it holds the guest's memory once the machine
	// stopped; without one the driver makes its own. Prepare needs the one that was saved: it is mapped private, so any
	// number of machines may have it, and must not change as long as one of them lives: give a sealed memfd
	// (F_SEAL_WRITE), each machine with a descriptor of its own.
	Memory *os.File
	// Ports are the guest's ends of four stream sockets. The engine keeps the other ends.
	Ports [NumPorts]*os.File
	// Scratch backs the writable drive; nil if Shape.ScratchBytes is 0. It has a name or can be given one, because it was
	// made with O_TMPFILE.
	Scratch *os.File
	// MaxFileBytes bounds how far into a file the monitor may write, its own state aside; 0 is Shape.ScratchBytes. A file
	// system that uses only the beginning of the writable drive needs no more of it.
	MaxFileBytes int64
	// Network is the guest's end of a SEQPACKET socket with one Ethernet frame per packet; nil if Shape.Network is false.
	Network *os.File
	MAC     net.HardwareAddr
	// Started is called with the monitor's process ID when it exists and before it does anything, so that it can be put
	// into a cgroup; an error ends the start. May be nil.
	Started func(pid int) error
}

// Kernel is what Boot starts. The driver does not close its files; they may be shared among machines.
type Kernel struct {
	Image   *os.File // an uncompressed x86-64 ELF kernel with a PVH entry
	Initrd  *os.File // an uncompressed cpio archive
	Cmdline string   // without what the driver must add for its devices and accelerator
}

// VM is one machine. Methods may be called by one goroutine at a time, except Kill, Done, Exit and PID.
type VM interface {
	// PID is the monitor's process on the host. All other processes of the machine are its descendants.
	PID() int
	// SetDrive makes image the content of drive i. The driver uses the file until the machine is gone and does not close
	// it, so the caller keeps it open as long.
	SetDrive(ctx context.Context, i int, image *os.File) error
	// Load gives a waiting machine, which has the memory already, the state that Save wrote for everything else, read
	// from its beginning, and lets it run. The file belongs to the caller, who may close it afterwards.
	Load(ctx context.Context, state *os.File) error
	// Stop stops the virtual CPUs and returns when they stand and no drive operation is under way. Continue undoes it.
	Stop(ctx context.Context) error
	Continue(ctx context.Context) error
	// Save writes a stopped machine: its memory into memory, an empty file that becomes Shape.MemoryBytes long with holes
	// where the guest's memory is zero, everything else into state. A nil memory leaves the memory out: for a machine
	// that was booted on a Machine.Memory of its own. The machine stays stopped. What is under way on the ports meanwhile
	// may be lost in this machine as well.
	Save(ctx context.Context, memory, state *os.File) error
	// Done is closed when the monitor has ended and nothing of the machine is left; Exit then says why, in a few words
	// and with the monitor's last words if it printed any, at most 4 KiB. Empty if the guest powered off by itself.
	Done() <-chan struct{}
	Exit() string
	// Kill ends the machine and waits until nothing of it is left. Idempotent.
	Kill() error
}

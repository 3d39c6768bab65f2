package firecracker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/sandbox/microvm/firecracker/supervisor"
	"thaw.dev/thaw/sandbox/microvm/jail"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// Bounds of one machine.
const (
	maxStateBytes = 16 << 20 // of a saved state without memory, in bytes; some 100 KiB are usual
	jailSlack     = 4 << 20  // bytes for what else is in a jail: sockets, directories, device nodes
	maxFiles      = 512      // open file descriptors of a Firecracker
	maxCPUs       = 32       // Firecracker's own limit
)

// deviceMTU is what the devices of a machine's network can carry, in bytes; what is sent is for both ends to agree on.
// It is the most that Linux allows a tap device.
const deviceMTU = 65521

// Boot implements vmm.VMM.
func (d *Driver) Boot(ctx context.Context, m vmm.Machine, kernel vmm.Kernel) (vmm.VM, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		closeMachine(m)
		return nil, err
	}
	defer func() { _ = null.Close() }()
	vm, err := d.start(ctx, m, null)
	if err != nil {
		return nil, fmt.Errorf("boot machine %s: %w", m.ID, err)
	}
	if err := vm.boot(ctx, m, kernel); err != nil {
		return nil, fmt.Errorf("boot machine %s: %w", m.ID, vm.abandon(err))
	}
	return vm, nil
}

// Prepare implements vmm.VMM.
func (d *Driver) Prepare(ctx context.Context, m vmm.Machine) (vmm.VM, error) {
	if m.Memory == nil {
		closeMachine(m)
		return nil, fmt.Errorf("prepare machine %s: there is no memory to load", m.ID)
	}
	vm, err := d.start(ctx, m, m.Memory)
	if err != nil {
		return nil, fmt.Errorf("prepare machine %s: %w", m.ID, err)
	}
	return vm, nil
}

// closeMachine closes the files of a machine that was not started.
func closeMachine(m vmm.Machine) {
	_ = hostfile.Close(append(m.Ports[:], m.Memory, m.Scratch, m.Network)...)
}

// check refuses machines that Firecracker cannot be.
func check(s vmm.Shape, m vmm.Machine) error {
	switch {
	case s.CPUs < 1 || s.CPUs > maxCPUs:
		return fmt.Errorf("%d virtual CPUs, Firecracker has 1 to %d", s.CPUs, maxCPUs)
	case s.MemoryBytes <= 0 || s.MemoryBytes%(2<<20) != 0:
		return fmt.Errorf("%d bytes of memory are no multiple of 2 MiB", s.MemoryBytes)
	case s.Drives < 0 || s.Drives > vmm.MaxDrives:
		return fmt.Errorf("%d drives, there can be %d", s.Drives, vmm.MaxDrives)
	case (s.ScratchBytes > 0) != (m.Scratch != nil), s.Network != (m.Network != nil):
		return errors.New("scratch drive or network are not what the shape says")
	}
	return nil
}

// start starts a supervisor and, below it, a Firecracker that waits for its first call. It takes over m's files.
func (d *Driver) start(ctx context.Context, m vmm.Machine, stdin *os.File) (*machine, error) {
	err := check(m.Shape, m)
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		closeMachine(m)
		return nil, err
	}
	p, client, err := startProcess(d.opts.Supervisor, d.opts.StateDir, stdin)
	if err != nil {
		closeMachine(m)
		return nil, err
	}
	vm := newMachine(d, m, p, client)
	err = vm.begin(ctx, m)
	go vm.watchEnd() // ends with the process; Kill waits for it
	if err != nil {
		return nil, vm.abandon(err)
	}
	return vm, nil
}

// begin brings the machine to the point where Firecracker answers.
func (vm *machine) begin(ctx context.Context, m vmm.Machine) error {
	d := vm.driver
	stop := context.AfterFunc(ctx, vm.process.Kill)
	defer stop()
	if err := d.add(vm); err != nil {
		return err
	}
	if m.Started != nil {
		if err := m.Started(vm.process.PID()); err != nil {
			return err
		}
	}
	mtu := 0
	if m.Shape.Network {
		mtu = deviceMTU
	}
	root, tap, err := vm.supervisor.Start(supervisor.Start{
		Base:       d.base(),
		BaseBytes:  d.execBytes + 2*maxStateBytes + jailSlack,
		Root:       filepath.Join(d.base(), filepath.Base(d.opts.Program), jailerID(m.ID), "root"),
		Argv:       d.jailerArgs(m),
		UID:        jail.User,
		GID:        jail.User,
		Drives:     m.Shape.Drives,
		DriveBytes: vmm.MaxDriveBytes,
		MTU:        mtu,
	})
	if err != nil {
		return cause(ctx, err)
	}
	if err := vm.connect(root, tap, m); err != nil {
		return err
	}
	if err := vm.api.await(ctx, vm.process.Done()); err != nil {
		return err
	}
	if m.Scratch != nil {
		return vm.attachOwn(supervisor.Scratch, m.Scratch)
	}
	return nil
}

// jailerID is what the jailer may call a machine: letters, digits and dashes. It need not be unique, because nobody sees
// another machine's jail.
func jailerID(id string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '-'
	}, id)
}

// jailerArgs is the jailer's command line. There is no --cgroup: the engine put the supervisor into one, and its
// children are born there. No --netns and no --new-pid-ns: the supervisor's namespaces are the machine's own already.
// No --daemonize: Firecracker keeps its standard input, which is the guest's memory, and stays the supervisor's child.
func (d *Driver) jailerArgs(m vmm.Machine) []string {
	// What a machine writes are its scratch drive and its snapshots.
	largest := max(m.Shape.MemoryBytes, cmp.Or(m.MaxFileBytes, m.Shape.ScratchBytes), maxStateBytes)
	return []string{
		d.opts.Jailer,
		"--id", jailerID(m.ID),
		"--exec-file", d.opts.Program,
		"--uid", strconv.Itoa(jail.User),
		"--gid", strconv.Itoa(jail.User),
		"--chroot-base-dir", d.base(),
		"--resource-limit", "fsize=" + strconv.FormatInt(largest, 10),
		"--resource-limit", "no-file=" + strconv.Itoa(maxFiles),
		"--",
		"--api-sock", "/" + apiSocket,
		"--level", "Warn",
	}
}

// cmdline is what a kernel needs to be told on Firecracker: there is no PCI bus, of the old keyboard controller there is
// only what reboots the machine, which is how it ends, and no serial port. Source: Firecracker's default boot_args.
const cmdline = "reboot=k pci=off 8250.nr_uarts=0 i8042.noaux i8042.nomux i8042.dumbkbd"

// guestCID is the guest's address on vsock. Firecracker's vsock is a socket in the jail, so all guests can have the same.
const guestCID = 3

// vsockSocket is where Firecracker listens for connections to the guest, in its jail.
const vsockSocket = "run/v.sock"

// scratchID and networkID name the writable drive and the network device.
const (
	scratchID = "scratch"
	networkID = "eth0"
)

func driveID(i int) string { return "d" + strconv.Itoa(i) }

// boot configures the machine and starts it.
func (vm *machine) boot(ctx context.Context, m vmm.Machine, kernel vmm.Kernel) error {
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	if err := vm.attachImage(supervisor.Kernel, kernel.Image); err != nil {
		return err
	}
	if err := vm.attachImage(supervisor.Initrd, kernel.Initrd); err != nil {
		return err
	}
	args := cmdline
	if kernel.Cmdline != "" {
		args = kernel.Cmdline + " " + cmdline
	}
	type step struct {
		path string
		body any
	}
	steps := []step{
		{"/machine-config", machineConfig{CPUs: m.Shape.CPUs, MemoryMiB: m.Shape.MemoryBytes >> 20}},
		{"/boot-source", bootSource{Kernel: supervisor.Kernel.Path(), Initrd: supervisor.Initrd.Path(), Args: args}},
	}
	for i := range m.Shape.Drives {
		steps = append(steps, step{"/drives/" + driveID(i), drive{
			ID: driveID(i), Path: supervisor.Drive(i).Path(), ReadOnly: true, Cache: "Unsafe", Engine: "Sync",
		}})
	}
	if m.Scratch != nil {
		steps = append(steps, step{"/drives/" + scratchID, drive{
			ID: scratchID, Path: supervisor.Scratch.Path(), Cache: "Unsafe", Engine: "Sync",
		}})
	}
	if m.Network != nil {
		steps = append(steps, step{"/network-interfaces/" + networkID, networkInterface{
			ID: networkID, Tap: supervisor.TapName, MAC: m.MAC.String(),
		}})
	}
	steps = append(
		steps,
		step{"/vsock", vsockDevice{CID: guestCID, Path: "/" + vsockSocket}},
		step{"/actions", action{Type: "InstanceStart"}},
	)
	for _, s := range steps {
		if err := vm.api.put(ctx, s.path, s.body); err != nil {
			return err
		}
	}
	return vm.started()
}

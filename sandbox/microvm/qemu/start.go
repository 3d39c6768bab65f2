package qemu

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/sandbox/microvm/jail"
	"thaw.dev/thaw/sandbox/microvm/kvm"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// maxFiles bounds a QEMU's descriptors: those it is given, those of its devices and those of images.
const maxFiles = 256

// Boot starts a machine at kernel, whose files must be readable to everybody.
func (d *Driver) Boot(ctx context.Context, m vmm.Machine, kernel vmm.Kernel) (vmm.VM, error) {
	v, err := d.boot(ctx, &m, kernel)
	if err != nil {
		return nil, fmt.Errorf("boot %s: %w", m.ID, err)
	}
	return v, nil
}

func (d *Driver) boot(ctx context.Context, m *vmm.Machine, kernel vmm.Kernel) (*VM, error) {
	defer closeFiles(m)
	memory := m.Memory
	m.Memory = nil
	if memory == nil {
		var err error
		if memory, err = newMemory(m.Shape.MemoryBytes); err != nil {
			return nil, err
		}
	}
	// It gets no descriptor with which it could write, whatever the caller's are.
	files := []*os.File{kernel.Image, kernel.Initrd}
	for i, f := range files {
		if f == nil {
			continue
		}
		own, err := hostfile.Reopen(f, os.O_RDONLY)
		if err != nil {
			return nil, errors.Join(err, memory.Close())
		}
		defer func() { _ = own.Close() }()
		files[i] = own
	}
	return d.start(ctx, m, memory, true, func(c *commandLine) {
		c.add("-kernel", c.path(files[0]))
		if files[1] != nil {
			c.add("-initrd", c.path(files[1]))
		}
		c.add("-append", d.cmdline(kernel.Cmdline))
	})
}

// Prepare starts QEMU with a machine that waits for Load.
func (d *Driver) Prepare(ctx context.Context, m vmm.Machine) (vmm.VM, error) {
	v, err := d.prepare(ctx, &m)
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", m.ID, err)
	}
	return v, nil
}

func (d *Driver) prepare(ctx context.Context, m *vmm.Machine) (*VM, error) {
	defer closeFiles(m)
	memory := m.Memory
	m.Memory = nil
	if memory == nil {
		return nil, errors.New("no memory to load")
	}
	if err := sealed(memory); err != nil {
		return nil, errors.Join(err, memory.Close())
	}
	v, err := d.start(ctx, m, memory, false, func(c *commandLine) { c.add("-incoming", "defer") })
	if err != nil {
		return nil, err
	}
	if err := v.qmp.do(ctx, command{name: "migrate-set-capabilities", args: object{
		"capabilities": []object{{"capability": "events", "state": true}},
	}}); err != nil {
		err = v.explain(err)
		return nil, errors.Join(err, v.Kill())
	}
	return v, nil
}

// start starts QEMU and waits until it answers. It takes over memory.
func (d *Driver) start(ctx context.Context, m *vmm.Machine, memory *os.File, shared bool, more func(*commandLine)) (*VM, error) {
	v := &VM{shape: m.Shape, memory: memory}
	if err := v.check(m); err != nil {
		return nil, errors.Join(err, memory.Close())
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, errors.Join(err, memory.Close())
	}
	defer func() { _ = theirs.Close() }()
	v.qmp = newQMP(ours)
	c := d.machine(m, memory, theirs, shared)
	more(c)
	o := jail.Options{
		Shim: []string{d.opts.Shim, jail.Word}, Root: d.root, Args: c.args, Files: c.files,
		MaxFiles: maxFiles, MaxFileBytes: uint64(max(cmp.Or(m.MaxFileBytes, m.Shape.ScratchBytes), maxState)), Started: m.Started, //nolint:gosec // checked
	}
	if d.accel == vmm.KVM {
		o.Devices = []string{kvm.Device}
	}
	if v.process, err = jail.Start(ctx, o); err != nil {
		return nil, errors.Join(err, v.qmp.close(), memory.Close())
	}
	_ = theirs.Close() // so that QEMU's end is seen
	if err := v.qmp.greet(ctx); err != nil {
		err = v.explain(err)
		return nil, errors.Join(err, v.Kill())
	}
	return v, nil
}

// check refuses a machine that QEMU would refuse in words nobody understands.
func (v *VM) check(m *vmm.Machine) error {
	s := m.Shape
	info, err := v.memory.Stat()
	if err != nil {
		return err
	}
	switch {
	case s.CPUs < 1, s.MemoryBytes < 2<<20, s.MemoryBytes%(2<<20) != 0, s.Drives < 0, s.Drives > vmm.MaxDrives, s.ScratchBytes < 0, s.ScratchBytes%4096 != 0:
		return fmt.Errorf("impossible shape %+v", s)
	case info.Size() != s.MemoryBytes:
		return fmt.Errorf("memory of %d bytes in a file of %d", s.MemoryBytes, info.Size())
	case (s.ScratchBytes > 0) != (m.Scratch != nil), s.Network != (m.Network != nil):
		return errors.New("writable drive or network do not fit the shape")
	}
	for i, f := range m.Ports {
		if f == nil {
			return fmt.Errorf("port %s is missing", vmm.PortNames[i])
		}
	}
	return nil
}

// closeFiles closes what Boot and Prepare take over. The monitor has its own descriptors by then.
func closeFiles(m *vmm.Machine) {
	_ = hostfile.Close(append(m.Ports[:], m.Memory, m.Scratch, m.Network)...)
}

// socketPair returns a connection and its other end.
func socketPair() (*net.UnixConn, *os.File, error) {
	near, far, err := hostfile.SocketPair("qmp")
	if err != nil {
		return nil, nil, fmt.Errorf("make socket: %w", err)
	}
	defer func() { _ = near.Close() }()
	conn, err := net.FileConn(near)
	if err != nil {
		return nil, nil, errors.Join(err, far.Close())
	}
	return conn.(*net.UnixConn), far, nil
}

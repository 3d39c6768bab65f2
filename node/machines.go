package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm"
	"thaw.dev/thaw/sandbox/microvm/firecracker"
	"thaw.dev/thaw/sandbox/microvm/guest"
	"thaw.dev/thaw/sandbox/microvm/kvm"
	"thaw.dev/thaw/sandbox/microvm/qemu"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// Values of Config.VMM.
const (
	vmmAuto        = "auto"
	vmmQEMU        = "qemu"
	vmmFirecracker = "firecracker"
)

var vmms = []string{vmmAuto, vmmQEMU, vmmFirecracker}

// GuestDir is where a server with this configuration has the kernel of its virtual machines.
func GuestDir(c Config) string {
	if c.GuestDir != "" {
		return c.GuestDir
	}
	return filepath.Join(c.DataDir, "guest")
}

// openMachines opens the engine microvm.
func (p *engineParts) openMachines(ctx context.Context) (_ sandbox.Engine, err error) {
	monitor, err := p.openMonitor(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, monitor.Close())
		}
	}()
	files, err := p.openGuest(ctx)
	if err != nil {
		return nil, err
	}
	p.onClose(func() { _ = files.Close() })
	return microvm.New(p.machines(monitor, files))
}

func (p *engineParts) machines(monitor vmm.VMM, files *guest.Files) microvm.Options {
	return microvm.Options{
		StateDir: stateDir(p.c, microvm.Name), TemplateDir: templateDir(p.c), CgroupName: cgroupName(p.c.DataDir) + "-vm",
		VMM: monitor, Guest: files, Network: p.network, Logger: p.c.Logger,
	}
}

// templateDir is beside the kernel: who shares that shares what was booted of it.
func templateDir(c Config) string { return filepath.Join(GuestDir(c), "templates") }

// openMonitor opens the driver of the configured monitor.
func (p *engineParts) openMonitor(ctx context.Context) (vmm.VMM, error) {
	if p.chooseMonitor(ctx) == vmmFirecracker {
		return firecracker.New(p.firecracker())
	}
	return qemu.New(ctx, p.qemu())
}

// chooseMonitor is the monitor to use: never vmmAuto.
func (p *engineParts) chooseMonitor(ctx context.Context) string {
	if p.c.VMM != vmmAuto {
		return p.c.VMM
	}
	if kvm.Probe(ctx).OK && firecracker.Installed(p.firecracker()) {
		return vmmFirecracker
	}
	return vmmQEMU
}

func (p *engineParts) qemu() qemu.Options {
	return qemu.Options{StateDir: filepath.Join(stateDir(p.c, microvm.Name), vmmQEMU), Shim: p.helpers.Jail, Logger: p.c.Logger}
}

func (p *engineParts) firecracker() firecracker.Options {
	return firecracker.Options{
		StateDir: filepath.Join(stateDir(p.c, microvm.Name), vmmFirecracker), Supervisor: p.helpers.Jail, Logger: p.c.Logger,
	}
}

// openGuest opens what machines boot. The first time it gets a kernel.
func (p *engineParts) openGuest(ctx context.Context) (*guest.Files, error) {
	dir := GuestDir(p.c)
	files, err := guest.Open(dir, p.helpers.Init)
	if !errors.Is(err, guest.ErrMissing) {
		return files, err
	}
	build := guest.Build(ctx, dir, guest.Source{}, func(step string) { p.c.Logger.Info("installing a kernel for virtual machines", "step", step) })
	if build != nil {
		return nil, fmt.Errorf("%w: %w", err, build)
	}
	return guest.Open(dir, p.helpers.Init)
}

// probeMachines checks what the engine microvm needs.
func (p *engineParts) probeMachines(ctx context.Context) []sandbox.Check {
	checks := microvm.ProbeHost()
	if p.chooseMonitor(ctx) == vmmFirecracker {
		checks = append(checks, firecracker.Probe(ctx, p.firecracker())...)
	} else {
		checks = append(checks, qemu.Probe(ctx, p.qemu())...)
	}
	return append(checks, p.probeGuest())
}

func (p *engineParts) probeGuest() sandbox.Check {
	c := sandbox.Check{Name: "guest kernel"}
	version, err := guest.Installed(GuestDir(p.c))
	switch {
	case errors.Is(err, guest.ErrMissing):
		c.Detail, c.Remedy = "none is installed; thaw serve gets Debian's", "thaw runtime kernel"
	case err != nil:
		c.Must, c.Detail, c.Remedy = true, err.Error(), "thaw runtime kernel"
	default:
		c.OK, c.Detail = true, version
	}
	return c
}

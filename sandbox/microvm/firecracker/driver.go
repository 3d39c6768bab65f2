package firecracker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// Name is the monitor's name.
const Name = "firecracker"

// Options configure a driver.
type Options struct {
	// StateDir is where the driver keeps files, created if missing. One driver at a time may use it. It should be on a
	// disk: a machine that is saved leaves its memory there for a moment.
	StateDir string
	// Program is the firecracker executable, whose file name must contain "firecracker"; "firecracker" in PATH if empty.
	Program string
	// Jailer is the jailer executable; if empty, "jailer" beside Program or in PATH.
	Jailer string
	// Supervisor is the path of a program that calls supervisor.Run when its argument 0 is supervisor.Argv0; if empty,
	// this program. It stays as long as the machine, so it should be small.
	Supervisor string
	// Logger gets what an operator may want to know.
	Logger *slog.Logger
}

// ErrNotInstalled is returned by New when there is no firecracker or no jailer.
var ErrNotInstalled = errors.New("firecracker and its jailer are not installed")

// Driver starts machines in Firecracker.
type Driver struct {
	opts        Options
	log         *slog.Logger
	execBytes   int64 // the size of Program
	fingerprint func() (string, error)

	mu       sync.Mutex
	machines map[*machine]struct{} // guarded by mu
	closed   bool                  // guarded by mu
}

var (
	_ vmm.VMM = (*Driver)(nil)
	_ vmm.VM  = (*machine)(nil)
)

// New finds the programs and makes the state directory.
func New(o Options) (*Driver, error) {
	d := &Driver{opts: o, log: o.Logger.With("monitor", Name), machines: map[*machine]struct{}{}}
	if err := d.find(); err != nil {
		return nil, err
	}
	if d.opts.Supervisor == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		d.opts.Supervisor = self
	}
	if err := os.MkdirAll(o.StateDir, 0o700); err != nil {
		return nil, err
	}
	// The jailer resolves links, and so must we to find what it made.
	dir, err := filepath.EvalSymlinks(o.StateDir)
	if err != nil {
		return nil, err
	}
	if d.opts.StateDir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(d.base(), 0o700); err != nil {
		return nil, err
	}
	info, err := os.Stat(d.opts.Program)
	if err != nil {
		return nil, err
	}
	d.execBytes = info.Size()
	d.fingerprint = sync.OnceValues(func() (string, error) { return fingerprintOf(d.opts.Program) })
	return d, nil
}

// find resolves the two programs.
func (d *Driver) find() error {
	program := d.opts.Program
	if program == "" {
		program = "firecracker"
	}
	path, err := resolve(program)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotInstalled, err)
	}
	if !strings.Contains(filepath.Base(path), "firecracker") {
		return fmt.Errorf("%s: the jailer refuses a program whose name does not contain firecracker", path)
	}
	d.opts.Program = path
	jailers := []string{d.opts.Jailer}
	if d.opts.Jailer == "" {
		jailers = []string{filepath.Join(filepath.Dir(path), "jailer"), "jailer"}
	}
	for _, j := range jailers {
		if d.opts.Jailer, err = resolve(j); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: %w", ErrNotInstalled, err)
}

func resolve(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return "", err
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// base is the directory on which each supervisor, in its own mount namespace, mounts its tmpfs. It stays empty.
func (d *Driver) base() string { return filepath.Join(d.opts.StateDir, "jail") }

// Name implements vmm.VMM.
func (d *Driver) Name() string { return Name }

// Accelerator implements vmm.VMM: Firecracker has no other.
func (d *Driver) Accelerator() vmm.Accelerator { return vmm.KVM }

// Fingerprint implements vmm.VMM.
func (d *Driver) Fingerprint() (string, error) { return d.fingerprint() }

// Close implements vmm.VMM. Machines that are left, which there should not be, are killed.
func (d *Driver) Close() error {
	d.mu.Lock()
	d.closed = true
	var left []*machine
	for m := range d.machines {
		left = append(left, m)
	}
	d.mu.Unlock()
	var errs []error
	for _, m := range left {
		errs = append(errs, m.Kill())
	}
	return errors.Join(errs...)
}

var errClosed = errors.New("driver is closed")

// add registers a machine that exists from now on.
func (d *Driver) add(m *machine) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return errClosed
	}
	d.machines[m] = struct{}{}
	return nil
}

func (d *Driver) remove(m *machine) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.machines, m)
}

// cause returns why ctx ended, or err if it did not.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

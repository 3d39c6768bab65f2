package qemu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm/jail"
	"thaw.dev/thaw/sandbox/microvm/kvm"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// program is what QEMU for this kind of machine is called.
const program = "qemu-system-x86_64"

// Options are a driver's settings.
type Options struct {
	// StateDir is the driver's own directory, on a file system from which programs may be executed.
	StateDir string
	// Program is the path of qemu-system-x86_64; empty means the one in PATH.
	Program string
	// Shim is the path of a program that calls jail.Main when its first argument is jail.Word.
	Shim string
	// Accelerator overrides what Probe finds; empty means KVM if it works, else TCG.
	Accelerator vmm.Accelerator
	Logger      *slog.Logger
}

// Driver is a vmm.VMM.
type Driver struct {
	opts  Options
	log   *slog.Logger
	accel vmm.Accelerator
	why   sandbox.Check // kvm's
	root  *jail.Root
	blank *os.File // what every drive is before it has content, see drive.go
	tsc   int      // frequency of the host's time stamp counter, in kHz
}

var _ vmm.VMM = (*Driver)(nil)

// New opens a driver. It copies QEMU into StateDir, some 50 MB.
func New(ctx context.Context, o Options) (*Driver, error) {
	path, err := find(o.Program)
	if err != nil {
		return nil, fmt.Errorf("qemu: %w", err)
	}
	if o.Shim == "" {
		return nil, errors.New("qemu: no program for the jail")
	}
	files, err := companions(path)
	if err != nil {
		return nil, fmt.Errorf("qemu: %w", err)
	}
	d := &Driver{opts: o, log: o.Logger, accel: o.Accelerator, why: kvm.Probe(ctx)}
	switch {
	case d.accel == "" && d.why.OK:
		d.accel = vmm.KVM
	case d.accel == "":
		d.accel = vmm.TCG
	case d.accel != vmm.KVM && d.accel != vmm.TCG:
		return nil, fmt.Errorf("qemu: accelerator %q is neither %q nor %q", d.accel, vmm.KVM, vmm.TCG)
	}
	if d.tsc, err = counterKHz(); err != nil {
		return nil, fmt.Errorf("qemu: %w", err)
	}
	if d.blank, err = blankDrive(); err != nil {
		return nil, fmt.Errorf("qemu: %w", err)
	}
	if d.root, err = jail.NewRoot(ctx, o.StateDir, jail.File{From: path, To: "/usr/bin/" + program}, files...); err != nil {
		_ = d.blank.Close()
		return nil, fmt.Errorf("qemu: %w", err)
	}
	return d, nil
}

// find returns QEMU's path, without symbolic links.
func find(path string) (string, error) {
	if path == "" {
		var err error
		if path, err = exec.LookPath(program); err != nil {
			return "", err
		}
	}
	return filepath.EvalSymlinks(path)
}

// firmwareDir is where QEMU finds its firmware inside its root.
const firmwareDir = "/firmware"

// companions are the files that QEMU reads besides its libraries: the firmware, which starts kernels, and, where TCG is
// a module of its own, that.
func companions(path string) ([]jail.File, error) {
	prefix := filepath.Dir(filepath.Dir(path))
	var files []jail.File
	for _, name := range []string{"bios-microvm.bin", "pvh.bin"} {
		from, err := first(name, prefix+"/share/qemu", prefix+"/share/seabios", prefix+"/share/qemu-firmware")
		if err != nil {
			return nil, err
		}
		files = append(files, jail.File{From: from, To: firmwareDir + "/" + name})
	}
	if module, err := first("accel-tcg-x86_64.so", prefix+"/lib/x86_64-linux-gnu/qemu", prefix+"/lib64/qemu", prefix+"/lib/qemu"); err == nil {
		files = append(files, jail.File{From: module})
	}
	return files, nil
}

// first returns the path of name in the first of dirs that has it.
func first(name string, dirs ...string) (string, error) {
	for _, dir := range dirs {
		if path := filepath.Join(dir, name); exists(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is in none of %q", name, dirs)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Name is "qemu".
func (d *Driver) Name() string { return "qemu" }

// Accelerator is what executes guest code.
func (d *Driver) Accelerator() vmm.Accelerator { return d.accel }

// Sweep ends the machines of earlier drivers with the same state directory and removes their files.
func (d *Driver) Sweep(ctx context.Context) error {
	killed, err := jail.Sweep(ctx, d.opts.StateDir, d.root)
	for _, pid := range killed {
		d.log.Info("killed virtual machine monitor of an earlier run", "pid", pid)
	}
	if err != nil {
		return fmt.Errorf("qemu: %w", err)
	}
	return nil
}

// Close removes the driver's files. All its machines are gone.
func (d *Driver) Close() error { return errors.Join(d.blank.Close(), d.root.Remove()) }

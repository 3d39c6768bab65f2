package firecracker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"thaw.dev/thaw/internal/pidfd"
	"thaw.dev/thaw/sandbox/microvm/firecracker/supervisor"
)

// Sweep implements vmm.VMM. Supervisors die with their daemon; those that are left nevertheless are killed, and files
// removed that had a name for a moment. Mounts and devices are in namespaces that end with the supervisors.
func (d *Driver) Sweep(ctx context.Context) error {
	killed, err := pidfd.KillAll(ctx, d.isSupervisor)
	for _, pid := range killed {
		d.log.Info("killed machine of an earlier run", "pid", pid)
	}
	errs := []error{err}
	for _, prefix := range []string{linkPrefix, savePrefix} {
		names, err := filepath.Glob(filepath.Join(d.opts.StateDir, prefix+"*"))
		errs = append(errs, err)
		for _, name := range names {
			if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}

// isSupervisor reports whether pid is a supervisor of a driver on this state directory, of this process or another.
func (d *Driver) isSupervisor(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && bytes.Equal(b, []byte(supervisor.Argv0+"\x00"+d.opts.StateDir+"\x00"))
}

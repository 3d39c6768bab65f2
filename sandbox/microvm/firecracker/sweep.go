package firecracker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/microvm/firecracker/supervisor"
)

// sweepPatience is how long a killed supervisor may take to end, with everything below it.
const sweepPatience = 10 * time.Second

// Sweep implements vmm.VMM. Supervisors die with their daemon; those that are left nevertheless are killed, and files
// removed that had a name for a moment. Mounts and devices are in namespaces that end with the supervisors.
func (d *Driver) Sweep(ctx context.Context) error {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	var errs []error
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || !d.isSupervisor(pid) {
			continue
		}
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
		killed, err := d.killSupervisor(pid)
		if err != nil {
			errs = append(errs, err)
		}
		if killed {
			d.log.Info("killed machine of an earlier run", "pid", pid)
		}
	}
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

// killSupervisor kills pid if it still is what was seen, and waits until it has ended.
func (d *Driver) killSupervisor(pid int) (bool, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("kill supervisor %d: %w", pid, err)
	}
	defer func() { _ = unix.Close(fd) }()
	if !d.isSupervisor(pid) { // looked at after the pidfd was opened: the number cannot have changed hands since
		return false, nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return false, fmt.Errorf("kill supervisor %d: %w", pid, err)
	}
	deadline := time.Now().Add(sweepPatience)
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return true, fmt.Errorf("kill supervisor %d: it is still there after %s", pid, sweepPatience)
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(left.Milliseconds())+1)
		if n > 0 || (err != nil && !errors.Is(err, unix.EINTR)) {
			return true, err
		}
	}
}

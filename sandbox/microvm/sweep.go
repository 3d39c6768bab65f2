package microvm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/cgroup"
	"thaw.dev/thaw/internal/hostfile"
)

// sweepPatience is how long a killed monitor may take to end.
const sweepPatience = 10 * time.Second

// sweep removes what earlier engines left: monitors, which are in the engine's cgroups from before they do anything, the
// cgroups, files, and boot templates that fit nothing any more.
func (e *Engine) sweep(ctx context.Context) error {
	errs := []error{e.opts.VMM.Sweep(ctx)}
	groups, err := e.tree.Groups()
	errs = append(errs, err)
	for _, g := range groups {
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
		killed, err := killGroup(g)
		if killed > 0 {
			e.log.Info("killed processes of an earlier run", "sandbox", g.Name(), "processes", killed)
		}
		errs = append(errs, err, g.Remove(removeCgroupPatience))
	}
	errs = append(errs, hostfile.Clear(e.tmpDir()), e.sweepTemplates())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}

// sweepTemplates removes templates with another fingerprint and unfinished ones.
func (e *Engine) sweepTemplates() error {
	fingerprint, err := e.fingerprint()
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(e.opts.TemplateDir)
	if err != nil {
		return err
	}
	var errs []error
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), fingerprint[:16]+"-") {
			errs = append(errs, os.RemoveAll(filepath.Join(e.opts.TemplateDir, entry.Name())))
		}
	}
	return errors.Join(errs...)
}

// killGroup kills what is in g and waits for its end.
func killGroup(g *cgroup.Group) (killed int, err error) {
	for deadline := time.Now().Add(sweepPatience); ; {
		pids, err := g.Pids()
		if err != nil || len(pids) == 0 {
			return killed, err
		}
		if time.Now().After(deadline) {
			return killed, fmt.Errorf("processes %v of %s are still there after %s", pids, g.Name(), sweepPatience)
		}
		for _, pid := range pids {
			n, err := killIn(g, pid, deadline)
			killed += n
			if err != nil {
				return killed, fmt.Errorf("kill process %d: %w", pid, err)
			}
		}
	}
}

// killIn kills pid if it is in g, and waits for its end.
func killIn(g *cgroup.Group, pid int, deadline time.Time) (int, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = unix.Close(fd) }()
	// Looked at after the pidfd was opened: the number cannot have changed hands since.
	if pids, err := g.Pids(); err != nil || !slices.Contains(pids, pid) {
		return 0, err
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return 0, err
	}
	for {
		left := time.Until(deadline)
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, max(0, int(left.Milliseconds())))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err == nil && n == 0 {
			err = fmt.Errorf("it is still there after %s", sweepPatience)
		}
		return 1, err
	}
}

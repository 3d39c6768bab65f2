package gvisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/hostfile"
)

// sweepPatience is how long a killed sentry may take to end.
const sweepPatience = 10 * time.Second

// sweep removes what earlier engines on this state directory left. There is nothing to unmount: the sentries' mounts
// are in namespaces that end with them.
func (e *Engine) sweep(ctx context.Context) error {
	var errs []error
	pids, err := sentriesBelow(e.boxesDir())
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	for _, pid := range pids {
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
		killed, err := killSentry(pid, e.boxesDir())
		if err != nil {
			errs = append(errs, err)
		}
		if killed {
			e.log.Info("killed sentry of an earlier run", "pid", pid)
		}
	}
	groups, err := e.tree.Groups()
	if err != nil {
		errs = append(errs, err)
	}
	for _, g := range groups {
		errs = append(errs, g.Remove(removeCgroupPatience))
	}
	for _, dir := range []string{e.runPath(), e.tmpDir(), e.boxesDir()} {
		errs = append(errs, hostfile.Clear(dir))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}

// sentriesBelow returns the processes that are sentries with their bundle below boxes.
func sentriesBelow(boxes string) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && isSentryBelow(pid, boxes) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

func isSentryBelow(pid int, boxes string) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && bytes.HasPrefix(b, []byte(sentryName)) &&
		bytes.Contains(b, []byte("\x00--bundle="+boxes+string(filepath.Separator)))
}

// killSentry kills pid if it still is what sentriesBelow saw, and waits until it has ended.
func killSentry(pid int, boxes string) (bool, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("kill sentry %d: %w", pid, err)
	}
	defer func() { _ = unix.Close(fd) }()
	if !isSentryBelow(pid, boxes) { // looked at after the pidfd was opened: the number cannot have changed hands since
		return false, nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return false, fmt.Errorf("kill sentry %d: %w", pid, err)
	}
	deadline := time.Now().Add(sweepPatience)
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return true, fmt.Errorf("kill sentry %d: it is still there after %s", pid, sweepPatience)
		}
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(left.Milliseconds())+1)
		if n > 0 || (err != nil && !errors.Is(err, unix.EINTR)) {
			return true, err
		}
	}
}

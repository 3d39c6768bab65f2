package jail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// sweepPatience is how long a killed process may take to end.
const sweepPatience = 10 * time.Second

// Sweep ends all programs that run in roots below parent, except keep, which may be nil, and removes those roots. It
// returns the processes it killed.
func Sweep(ctx context.Context, parent string, keep *Root) ([]int, error) {
	dirs, err := filepath.Glob(filepath.Join(parent, "root-*"))
	if err != nil {
		return nil, fmt.Errorf("sweep jails: %w", err)
	}
	var killed []int
	var errs []error
	for _, dir := range dirs {
		if keep != nil && dir == keep.dir {
			continue
		}
		pids, err := killBelow(ctx, dir)
		killed = append(killed, pids...)
		if err == nil {
			err = os.RemoveAll(dir)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return killed, fmt.Errorf("sweep jails: %w", err)
	}
	return killed, nil
}

// killBelow kills all processes whose root directory is dir.
func killBelow(ctx context.Context, dir string) ([]int, error) {
	var root unix.Stat_t
	if err := unix.Stat(dir, &root); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var killed []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || !rootedAt(pid, &root) {
			continue
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			return killed, fmt.Errorf("kill %d: %w", pid, err)
		}
		if rootedAt(pid, &root) { // looked at after the pidfd was opened: the number cannot have changed hands since
			err = end(ctx, fd)
			killed = append(killed, pid)
		}
		_ = unix.Close(fd)
		if err != nil {
			return killed, fmt.Errorf("kill %d: %w", pid, err)
		}
	}
	return killed, nil
}

func rootedAt(pid int, root *unix.Stat_t) bool {
	var st unix.Stat_t
	err := unix.Stat(fmt.Sprintf("/proc/%d/root", pid), &st)
	return err == nil && st.Dev == root.Dev && st.Ino == root.Ino
}

// end kills the process of a pidfd and waits until it has ended.
func end(ctx context.Context, fd int) error {
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	for deadline := time.Now().Add(sweepPatience); ; {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("it is still there after %s", sweepPatience)
		}
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, 100)
		if n > 0 || (err != nil && !errors.Is(err, unix.EINTR)) {
			return err
		}
	}
}

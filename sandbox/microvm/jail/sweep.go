package jail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/pidfd"
)

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
	return pidfd.KillAll(ctx, func(pid int) bool {
		var st unix.Stat_t
		err := unix.Stat(fmt.Sprintf("/proc/%d/root", pid), &st)
		return err == nil && st.Dev == root.Dev && st.Ino == root.Ino
	})
}

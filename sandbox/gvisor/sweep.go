package gvisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/internal/pidfd"
)

// sweep removes what earlier engines on this state directory left. There is nothing to unmount: the sentries' mounts
// are in namespaces that end with them.
func (e *Engine) sweep(ctx context.Context) error {
	killed, err := pidfd.KillAll(ctx, e.isSentry)
	for _, pid := range killed {
		e.log.Info("killed sentry of an earlier run", "pid", pid)
	}
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	groups, err := e.tree.Groups()
	errs := []error{err}
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

// isSentry reports whether pid is a sentry with its bundle in this state directory, of this process or another.
func (e *Engine) isSentry(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && bytes.HasPrefix(b, []byte(sentryName)) &&
		bytes.Contains(b, []byte("\x00--bundle="+e.boxesDir()+string(filepath.Separator)))
}

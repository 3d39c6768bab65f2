package microvm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"thaw.dev/thaw/internal/cgroup"
	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/internal/pidfd"
)

// sweepPatience is how long the processes of one sandbox may take to end.
const sweepPatience = 10 * time.Second

// sweep removes what earlier engines left: monitors, which are in the engine's cgroups from before they do anything, the
// cgroups, files, and boot templates that fit nothing any more.
func (e *Engine) sweep(ctx context.Context) error {
	err := errors.Join(
		e.opts.VMM.Sweep(ctx), clearGroups(ctx, e.tree, e.log), hostfile.Clear(e.tmpDir()), e.sweepTemplates(),
	)
	if err != nil {
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

// clearGroups removes the groups of a tree and kills what is in them.
func clearGroups(ctx context.Context, tree *cgroup.Tree, log *slog.Logger) error {
	groups, err := tree.Groups()
	errs := []error{err}
	for _, g := range groups {
		killed, err := killGroup(ctx, g)
		if killed > 0 {
			log.Info("killed processes of an earlier run", "sandbox", g.Name(), "processes", killed)
		}
		errs = append(errs, err, g.Remove(removeCgroupPatience))
	}
	return errors.Join(errs...)
}

// killGroup kills what is in g and waits for its end.
func killGroup(ctx context.Context, g *cgroup.Group) (killed int, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, sweepPatience, fmt.Errorf("%s is not empty after %s", g.Name(), sweepPatience))
	defer cancel()
	in := func(pid int) bool {
		pids, err := g.Pids()
		return err == nil && slices.Contains(pids, pid)
	}
	for {
		pids, err := g.Pids()
		if err != nil || len(pids) == 0 {
			return killed, err
		}
		for _, pid := range pids {
			if err := context.Cause(ctx); err != nil {
				return killed, err
			}
			ok, err := pidfd.Kill(ctx, pid, in)
			if err != nil {
				return killed, err
			}
			if ok {
				killed++
			}
		}
	}
}

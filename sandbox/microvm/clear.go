package microvm

import (
	"context"
	"errors"
	"fmt"
	"os"

	"thaw.dev/thaw/internal/cgroup"
)

// Clear removes all that an earlier engine with these options left, where no engine is wanted any more: Sweep without a
// monitor and a guest, and then the state directory. Boot templates that are elsewhere stay.
func Clear(ctx context.Context, o Options) error {
	h, err := cgroup.Detect()
	if err != nil {
		return fmt.Errorf("clear: %w", err)
	}
	tree, err := cgroup.Open(h, o.CgroupName)
	if err != nil {
		return fmt.Errorf("clear: %w", err)
	}
	groups, err := tree.Groups()
	errs := []error{err}
	for _, g := range groups {
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("clear: %w", err)
		}
		killed, err := killGroup(g)
		if killed > 0 {
			o.Logger.Info("killed processes of an earlier run", "engine", Name, "sandbox", g.Name(), "processes", killed)
		}
		errs = append(errs, err, g.Remove(removeCgroupPatience))
	}
	errs = append(errs, tree.Remove(removeCgroupPatience))
	if err := errors.Join(errs...); err != nil { // what runs may still need its files
		return fmt.Errorf("clear: %w", err)
	}
	return os.RemoveAll(o.StateDir)
}

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
	if err := o.complete(); err != nil {
		return fmt.Errorf("clear: %w", err)
	}
	h, err := cgroup.Detect()
	if err != nil {
		return fmt.Errorf("clear: %w", err)
	}
	tree, err := cgroup.Open(h, o.CgroupName)
	if err != nil {
		return fmt.Errorf("clear: %w", err)
	}
	err = clearGroups(ctx, tree, o.Logger.With("engine", Name))
	if err := errors.Join(err, tree.Remove(removeCgroupPatience)); err != nil { // what runs may still need its files
		return fmt.Errorf("clear: %w", err)
	}
	return os.RemoveAll(o.StateDir)
}

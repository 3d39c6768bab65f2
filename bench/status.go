package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"thaw.dev/thaw/pool"
)

// status asks the operator's socket what the server holds.
func (d *server) status(ctx context.Context) (*pool.Status, error) {
	r, err := d.ops.Report(ctx)
	if err != nil {
		return nil, err
	}
	return &r.Pool, nil
}

const (
	waitTimeout = 3 * time.Minute // for the slowest: a stock of many slots on a small machine, or of emulated ones
	statusPoll  = 5 * time.Millisecond
)

// wait polls the status until is returns nil. It fails when that takes longer than waitTimeout, with what was missing.
func (d *server) wait(ctx context.Context, every time.Duration, is func(*pool.Status) error) (*pool.Status, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, waitTimeout, errors.New("waited for too long"))
	defer cancel()
	for {
		s, err := d.status(ctx)
		if err != nil {
			return s, err
		}
		if err = is(s); err == nil {
			return s, nil
		}
		if p := pause(ctx, every); p != nil {
			return s, fmt.Errorf("%w: %w", p, err)
		}
	}
}

// quiet is how many times in a row a server must look settled: between two steps of its work it does so for a moment.
const quiet = 3

// settled waits until the server does nothing by itself: no environment starts and no slot is prepared, and one of the
// given kind and runtime is ready if that is a kind of slot.
func (d *server) settled(ctx context.Context, kind Source, runtime string) error {
	_, err := d.wait(ctx, statusPoll, inARow(quiet, func(s *pool.Status) error { return isSettled(s, kind, runtime) }))
	return err
}

// inARow is nil when is was nil so many times in a row.
func inARow(times int, is func(*pool.Status) error) func(*pool.Status) error {
	seen := 0
	return func(s *pool.Status) error {
		if err := is(s); err != nil {
			seen = 0
			return err
		}
		if seen++; seen < times {
			return errors.New("it may have more to do")
		}
		return nil
	}
}

func isSettled(s *pool.Status, kind Source, runtime string) error {
	if s.Snapshots.Making > 0 {
		return fmt.Errorf("%d snapshots are being made", s.Snapshots.Making)
	}
	ready := 0
	for _, st := range s.Stocks {
		if st.Filling > 0 {
			return fmt.Errorf("the stock of %s slots for %s has %d of %d", st.Kind, st.Runtime, st.Ready, st.Target)
		}
		if st.Kind == kind && st.Runtime == runtime {
			if ready += st.Ready; st.Ready == 0 && st.Target > 0 {
				return fmt.Errorf("the stock of %s slots of %d MB for %s has none of %d", st.Kind, st.MemoryMB, st.Runtime, st.Target)
			}
		}
	}
	if (kind == pool.SourceHot || kind == pool.SourceEmpty) && ready == 0 {
		return fmt.Errorf("there is no %s slot for %s", kind, runtime)
	}
	for _, e := range s.Environments {
		if e.State == pool.StateStarting || e.State == pool.StateBusy {
			return fmt.Errorf("environment %s of %s is %s", e.ID, e.Function, e.State)
		}
	}
	return nil
}

// counts returns how many cold starts took a slot of the kind, and how many found none, for all runtimes.
func counts(s *pool.Status, kind Source) (taken, missed int64) {
	for _, st := range s.Stocks {
		if st.Kind == kind {
			taken += st.Taken
			missed += st.Missed
		}
	}
	return taken, missed
}

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
	waitTimeout = 2 * time.Minute // for the slowest: a stock of many slots on a small machine
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

// settled waits until the server does nothing by itself: no environment starts or ends, every stock is full, and that
// of the given kind and runtime has a slot ready if slots are wanted.
func (d *server) settled(ctx context.Context, kind Source, runtime string) error {
	_, err := d.wait(ctx, statusPoll, func(s *pool.Status) error { return isSettled(s, kind, runtime) })
	return err
}

func isSettled(s *pool.Status, kind Source, runtime string) error {
	ready := 0
	for _, st := range s.Stocks {
		if st.Filling > 0 || st.Ready < st.Target {
			return fmt.Errorf("the stock of %s slots for %s has %d of %d", st.Kind, st.Runtime, st.Ready, st.Target)
		}
		if st.Kind == kind && st.Runtime == runtime {
			ready = st.Ready
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

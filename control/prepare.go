package control

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// work is one worker: it prepares functions and versions until the queue closes. Open owns it, Close stops it and waits.
func (s *Functions) work(parent context.Context, q *queue) {
	for {
		k, ctx, ok := q.next(parent)
		if !ok {
			return
		}
		if k.version == "" {
			s.prepare(ctx, k)
		} else {
			s.prepareVersion(ctx, k)
		}
		if ctx.Err() != nil && parent.Err() == nil {
			q.add(k) // a deletion stopped this; by now there may be a new function of that name
		}
		q.done(k)
	}
}

// prepare makes the function runnable and records the outcome. When ctx ends, because of a deletion or of Close, it
// leaves the record alone.
func (s *Functions) prepare(ctx context.Context, k key) {
	f, ok := s.store.Get(k.account, k.name)
	if !ok || !unprepared(&f.Config) {
		return
	}
	log := s.log.With("account", k.account, "function", k.name)
	start := time.Now()
	why, broken := s.build(ctx, &f.Config)
	stored := false
	insist(ctx, log, func() (err error) {
		stored, err = s.settle(ctx, f, why)
		return err
	})
	switch {
	case !stored:
	case broken != nil:
		log.Error("function could not be prepared", "err", broken)
	case why != nil:
		log.Warn("function is not runnable", "reason_code", why.code, "reason", why.reason)
	default:
		log.Info("function is ready", "dur_ms", time.Since(start).Milliseconds())
	}
}

// insist calls write until it succeeds or ctx ends.
func insist(ctx context.Context, log *slog.Logger, write func() error) {
	for pause := 100 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, 5*time.Second) {
		err := write()
		if err == nil {
			return
		}
		log.Error("outcome of a preparation could not be stored", "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// build makes the images c needs. A failure is for the API; err, which comes with some failures, is for the log.
func (s *Functions) build(ctx context.Context, c *lambda.Config) (*failure, error) {
	ctx, cancel := context.WithTimeout(ctx, s.prepareTimeout)
	defer cancel()
	if err := s.ensureRuntime(ctx, c); err != nil {
		return explain(err, lambda.ReasonInvalidRuntime)
	}
	if _, err := s.packages.Image(ctx, c.Code.SHA256); err != nil {
		return explain(err, lambda.ReasonInvalidZip)
	}
	if len(c.Layers) > 0 {
		if _, err := s.packages.Layers(ctx, c.LayerDigests()); err != nil {
			return explain(err, lambda.ReasonInvalidZip)
		}
	}
	return nil, nil
}

// explain turns an error of a preparation into what the API shows: the caller's doing with its text and code, ours
// without any.
func explain(err error, code string) (*failure, error) {
	if e, ok := errors.AsType[*lambda.Error](err); ok && e.Kind != lambda.KindInternal {
		return &failure{code: code, reason: e.Msg}, nil
	}
	return &failure{code: lambda.ReasonInternalError, reason: "The function could not be prepared because of an error inside Thaw."}, err
}

// settle stores the outcome of preparing built and reports whether it did: not if the function is gone or moved on to
// other code, other layers or another runtime.
func (s *Functions) settle(ctx context.Context, built store.Function, why *failure) (bool, error) {
	moved := errors.New("function moved on")
	replaced := false
	f, err := s.modify(ctx, built.Config.Account, built.Config.Name, func(f store.Function) (store.Function, error) {
		if !unprepared(&f.Config) || f.Config.Code != built.Config.Code || f.Config.Runtime != built.Config.Runtime ||
			!slices.Equal(f.Config.Layers, built.Config.Layers) {
			return f, moved
		}
		replaced = f.Serving != nil
		return settled(f, why), nil
	})
	switch {
	case errors.Is(err, moved):
		s.queue.add(keyOf(&built.Config)) // harmless if nothing is left to prepare
		return false, nil
	case lambda.KindOf(err) == lambda.KindNotFound:
		return false, nil
	case err != nil:
		return false, err
	}
	if why == nil {
		if replaced {
			s.discard(f.Config.Account, f.Config.Name, lambda.Latest)
		}
		s.slots.Expect(f.Serving)
	}
	return true, nil
}

package pool

import (
	"context"
	"slices"
	"time"

	"thaw.dev/thaw/lambda"
)

// want is a caller that waits for an environment. An idle environment, a finished cold start, a failed one and the
// caller's own leaving race for it; the pool's mutex decides, and exactly one wins.
type want struct {
	done  bool // delivered or given up; guarded by the pool's mu
	ready chan delivery
}

type delivery struct {
	env *Environment
	err error
}

// deliver needs the pool's mu. It reports false if the want was settled before.
func (w *want) deliver(e *Environment, err error) bool {
	if w.done {
		return false
	}
	w.done = true
	w.ready <- delivery{e, err} // has room for one
	return true
}

// Acquire returns an environment that serves nobody else until Release or Discard. It is warm if one was idle;
// otherwise it is the first that becomes free or ready. A cold start goes on if ctx ends.
//
// Errors: ctx's cause; ErrScaling, ErrOverloaded, ErrTenants, at once; ErrNoMemory; ErrLost; ErrClosed; whatever made the cold start
// fail.
func (p *Pool) Acquire(ctx context.Context, fn *lambda.Config) (*Environment, error) {
	k := keyOf(fn)
	for {
		e, err := p.acquire(ctx, k, fn)
		if err != nil {
			return nil, err
		}
		if err := p.thaw(e); err != nil {
			p.o.Logger.Warn("environment lost while it was frozen", "function", k.name, "sandbox", e.ID(), "error", err)
			p.discard(e, CauseDied)
			continue
		}
		return e, nil
	}
}

func (p *Pool) acquire(ctx context.Context, k key, fn *lambda.Config) (*Environment, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	now := time.Now()
	p.policy.Arrived(policyKey(k), now)
	p.forgetPrewarm(k)
	if e := p.best(k); e != nil {
		p.takeIdle(e)
		e.since, e.invoked = now, true
		p.mu.Unlock()
		p.trace(e, Event{Kind: EventHit})
		return e, nil
	}
	if err := p.admit(k, now); err != nil {
		p.policy.Lost(policyKey(k), now)
		p.mu.Unlock()
		p.o.Trace(Event{Kind: EventThrottled, Account: k.account, Function: k.name, Version: k.version, Runtime: fn.Runtime, Err: err})
		return nil, err
	}
	w := &want{ready: make(chan delivery, 1)}
	p.waiters[k] = append(p.waiters[k], w)
	p.waiting++
	p.startMissing(k, fn)
	p.mu.Unlock()

	select {
	case d := <-w.ready:
		if d.err != nil {
			p.lost(k)
		}
		return d.env, d.err
	case <-ctx.Done():
		return nil, p.giveUp(ctx, k, w)
	}
}

// best needs mu. It is the idle environment to use next: a provisioned one, else the most recently used; nil if none.
func (p *Pool) best(k key) *Environment {
	es := p.idle[k]
	if len(es) == 0 {
		return nil
	}
	if p.provisions[k] != nil {
		for _, e := range slices.Backward(es) {
			if e.Provisioned {
				return e
			}
		}
	}
	return es[len(es)-1]
}

// startMissing needs mu. It keeps up one cold start for each caller that waits, unless an environment is settling for
// it; a cold start whose caller was served otherwise counts for the next.
func (p *Pool) startMissing(k key, fn *lambda.Config) {
	for !p.closed && p.starting[k]+p.settling[k] < len(p.waiters[k]) {
		p.starting[k]++
		p.work.Go(func() { p.coldStart(fn, CauseRequest) })
	}
}

// giveUp withdraws a want; an environment that was delivered at the same moment goes back.
func (p *Pool) giveUp(ctx context.Context, k key, w *want) error {
	p.mu.Lock()
	delivered := w.done
	w.done = true
	p.dropWant(k, w)
	p.mu.Unlock()
	if delivered {
		if d := <-w.ready; d.env != nil {
			p.Release(d.env) // tells the policy
			return context.Cause(ctx)
		}
	}
	p.lost(k)
	return context.Cause(ctx)
}

// lost tells the policy that an invocation that arrived will not have an environment.
func (p *Pool) lost(k key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.policy.Lost(policyKey(k), time.Now())
}

// dropWant needs mu.
func (p *Pool) dropWant(k key, w *want) {
	before := len(p.waiters[k])
	ws := slices.DeleteFunc(p.waiters[k], func(x *want) bool { return x == w })
	p.waiting -= before - len(ws)
	if len(ws) == 0 {
		delete(p.waiters, k)
		return
	}
	p.waiters[k] = ws
}

// nextWant needs mu. It removes and returns the oldest caller that still waits for k, nil if there is none.
func (p *Pool) nextWant(k key) *want {
	ws := p.waiters[k]
	if len(ws) == 0 {
		return nil
	}
	w := ws[0]
	p.dropWant(k, w)
	return w
}

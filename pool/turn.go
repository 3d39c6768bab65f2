package pool

import (
	"context"
	"time"
)

// patience is how long a cold start that has to make its sandbox first looks whether the line of callers gets shorter
// without it.
const patience = 20 * time.Millisecond

// turn waits until e may take what it needs of the host. At most cap(p.starts) sandboxes are made at once: more would only
// make each slower. It returns with a slot in e, if one fits, and a function to call when the sandbox is made.
// errNotNeeded: nobody waits for e any more.
func (p *Pool) turn(ctx context.Context, e *Environment, why Cause) (made func(), err error) {
	p.mu.Lock()
	e.slot = p.take(e, true)
	crowd := why == CauseRequest && (p.alive[e.key] > 0 || p.starting[e.key] > 1)
	p.mu.Unlock()
	if e.slot != nil {
		return func() {}, nil
	}
	if crowd {
		if err := p.watchLine(ctx, e.key); err != nil {
			return nil, err
		}
	}
	select {
	case p.starts <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	made = func() { <-p.starts }
	p.mu.Lock()
	defer p.mu.Unlock()
	if why == CauseRequest && len(p.waiters[e.key]) == 0 && p.alive[e.key] > 0 {
		made()
		return nil, errNotNeeded
	}
	e.slot = p.take(e, false)
	return made, nil
}

// watchLine returns when making another environment for k is worth it: when the callers in line are not served, by the
// environments that there are or that are about to be ready, at a pace that is through with them before it would be made.
func (p *Pool) watchLine(ctx context.Context, k key) error {
	began, before := time.Now(), -1
	for {
		p.mu.Lock()
		left, cost, serving := len(p.waiters[k]), p.makeMean, p.alive[k] > 0
		p.mu.Unlock()
		served := before - left
		switch {
		case left == 0:
			return nil
		case !serving: // the first is on its way
			if time.Since(began) > cost {
				return nil
			}
		case before >= 0 && (served <= 0 || time.Duration(left)*patience > cost*time.Duration(served)):
			return nil
		default:
			before = left
		}
		select {
		case <-time.After(patience):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

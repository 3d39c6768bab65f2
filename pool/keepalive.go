package pool

import (
	"time"

	"thaw.dev/thaw/keepalive"
)

// policyKey names what the keep-alive policy learns about: a version, whatever its revision.
func policyKey(k key) keepalive.Key {
	return keepalive.Key{Account: k.account, Function: k.name, Version: k.version}
}

// putIdle needs mu.
func (p *Pool) putIdle(e *Environment) {
	now := time.Now()
	e.idle, e.since = true, now
	e.keep, e.prewarm = time.Time{}, 0
	var plan keepalive.Plan
	if e.invoked {
		e.invoked = false
		plan = p.policy.Idle(policyKey(e.key), now)
	} else {
		plan = p.policy.Prewarmed(policyKey(e.key), now)
	}
	e.worth = p.policy.Priority(policyKey(e.key)) // of the level that fell idle just now
	if !e.Provisioned {
		e.keep = now.Add(plan.Keep)
		if plan.Prewarm > 0 {
			e.prewarm = max(0, plan.Prewarm-plan.Keep)
		}
	}
	if renew := e.credentials.Renew; !renew.IsZero() && (e.keep.IsZero() || renew.Before(e.keep)) {
		e.keep, e.prewarm = renew, 0
	}
	p.idle[e.key] = append(p.idle[e.key], e)
	p.arm(e)
}

// expire needs mu, which it gives back. It ends an idle environment whose keep-alive is over, and plans to have one
// again when the policy expects the next request.
func (p *Pool) expire(e *Environment, now time.Time) {
	p.takeIdle(e)
	last := len(p.idle[e.key]) == 0
	if last && e.prewarm > 0 && !p.closed {
		p.planPrewarm(e)
	}
	p.mu.Unlock()
	cause := CauseKeepAlive
	if e.outdated(now) {
		cause = CauseOutdated
	}
	p.discard(e, cause)
}

// planPrewarm needs mu. A request that comes first, or the function's end, makes it void.
func (p *Pool) planPrewarm(e *Environment) {
	k, fn := e.key, e.Function
	if t := p.prewarm[k]; t != nil {
		t.Stop()
	}
	p.prewarm[k] = time.AfterFunc(e.prewarm, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.prewarm[k] == nil || p.closed {
			return
		}
		delete(p.prewarm, k)
		if len(p.idle[k]) == 0 && p.starting[k] == 0 {
			p.starting[k]++
			p.work.Go(func() { p.coldStart(fn, CausePrewarm) })
		}
	})
}

// forgetPrewarm needs mu.
func (p *Pool) forgetPrewarm(k key) {
	if t := p.prewarm[k]; t != nil {
		t.Stop()
		delete(p.prewarm, k)
	}
}

// watch removes an environment whose sandbox ended by itself. A busy one is left to the invocation that meets the end.
func (p *Pool) watch(e *Environment) {
	<-e.sandbox.Done()
	p.mu.Lock()
	e.dead = true
	idle := p.takeIdle(e)
	p.mu.Unlock()
	if idle {
		p.o.Logger.Warn("idle sandbox ended by itself", "function", e.key.name, "sandbox", e.ID(),
			"reason", e.sandbox.ExitStatus().Reason)
		p.discard(e, CauseDied)
	}
}

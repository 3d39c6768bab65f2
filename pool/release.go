package pool

import (
	"slices"
	"time"
)

// Release gives an environment back after an invocation. It goes to the oldest waiter for the same revision, else to
// idle, else it is destroyed: because it was retired, is not usable any more, or its memory is waited for.
func (p *Pool) Release(e *Environment) {
	p.mu.Lock()
	if cause := p.unfit(e); cause != "" {
		p.mu.Unlock()
		p.discard(e, cause)
		return
	}
	w := p.nextWant(e.key)
	p.settled(e)
	if w != nil {
		now := time.Now()
		p.endInvocation(e, now)
		w.deliver(e, nil)
		e.since, e.invoked = now, true
		p.mu.Unlock()
		p.trace(e, Event{Kind: EventHandOver})
		return
	}
	if p.shortage() > 0 && !e.Provisioned {
		p.mu.Unlock()
		p.discard(e, CauseEvicted)
		return
	}
	p.putIdle(e)
	p.mu.Unlock()
}

// settlePatience is how long a caller waits for a settling environment before a cold start begins for it.
const settlePatience = 5 * time.Millisecond

// Settle announces that e, which has answered, will be released as soon as its runtime asks for the next event. Callers
// that come in the meantime wait for it a moment instead of causing a cold start.
func (p *Pool) Settle(e *Environment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || !p.live[e] {
		return
	}
	p.settling[e.key]++
	e.settling = time.AfterFunc(settlePatience, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.settled(e)
	})
}

// settled needs mu. It ends what Settle began, if it did not end before.
func (p *Pool) settled(e *Environment) {
	if e.settling == nil {
		return
	}
	e.settling.Stop()
	e.settling = nil
	if p.settling[e.key]--; p.settling[e.key] == 0 {
		delete(p.settling, e.key)
	}
	p.startMissing(e.key, e.Function)
}

// Discard destroys an environment instead of giving it back.
func (p *Pool) Discard(e *Environment) { p.discard(e, CauseBroken) }

// unfit needs mu. It returns why e must not serve again, "" if it may.
func (p *Pool) unfit(e *Environment) Cause {
	switch {
	case p.closed:
		return CauseShutdown
	case e.retired:
		return CauseRetired
	case e.dead:
		return CauseDied
	case e.invoked && e.outdated(time.Now()): // one that comes of a cold start serves whoever waited for it
		return CauseOutdated
	case p.o.KeepAlive <= 0 && len(p.waiters[e.key]) == 0 && !e.Provisioned:
		return CauseKeepAlive
	}
	return ""
}

// takeIdle needs mu. It takes e out of idle and reports whether it was there.
func (p *Pool) takeIdle(e *Environment) bool {
	if !e.idle {
		return false
	}
	e.idle = false
	es := p.idle[e.key]
	if len(es) == 1 {
		delete(p.idle, e.key)
		return true
	}
	i := slices.Index(es, e)
	p.idle[e.key] = slices.Delete(es, i, i+1)
	return true
}

// endInvocation needs mu. It tells the policy that e's invocation, if it had one, ended and e does not become idle.
func (p *Pool) endInvocation(e *Environment, now time.Time) {
	if e.invoked {
		e.invoked = false
		p.policy.Lost(policyKey(e.key), now)
	}
}

// discard destroys e in the background.
func (p *Pool) discard(e *Environment, cause Cause) {
	p.mu.Lock()
	ours := p.condemn(e)
	p.mu.Unlock()
	if ours {
		p.destroy(e, cause)
	}
}

// condemn needs mu. It takes e out of everything and reports whether the caller has to destroy it: false if somebody
// else does.
func (p *Pool) condemn(e *Environment) bool {
	if !p.live[e] {
		return false
	}
	p.takeIdle(e)
	p.settled(e)
	p.endInvocation(e, time.Now())
	delete(p.live, e)
	if p.alive[e.key]--; p.alive[e.key] == 0 {
		delete(p.alive, e.key)
	}
	if e.timer != nil {
		e.timer.Stop()
	}
	p.reprovision(e)
	p.leaving += e.reserved
	p.work.Add(1)
	return true
}

// destroy ends a condemned environment. What it reserved returns to the budget when nothing is left of it.
func (p *Pool) destroy(e *Environment, cause Cause) {
	go func() { // ends with Close's wait for p.work
		defer p.work.Done()
		e.spinDown(cause)
		e.close()
		p.mu.Lock()
		delete(p.inside, e.ID())
		p.leaving -= e.reserved
		p.unreserve(e.reserved)
		p.mu.Unlock()
		p.o.Logger.Debug("environment destroyed", "function", e.key.name, "sandbox", e.ID(), "cause", string(cause))
		p.trace(e, Event{Kind: EventDestroyed, Cause: cause})
	}()
}

package pool

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// freezeTimeout bounds one pause or resume; a sandbox that takes longer is broken.
const freezeTimeout = 5 * time.Second

// ice is whether an environment is frozen.
type ice struct {
	mu     sync.Mutex // held while the sandbox is paused or resumed
	frozen atomic.Bool
}

// arm needs mu. It makes sure that wake(e) runs at the next moment at which something is planned for e.
//
// The timer is left alone while e is busy: what comes too early only looks and arms again. So a busy environment's timer
// costs nothing per invocation.
func (p *Pool) arm(e *Environment) {
	next := e.keep
	if freezeAt := e.since.Add(p.o.FreezeAfter); p.freezes(e) && !e.ice.frozen.Load() && (next.IsZero() || freezeAt.Before(next)) {
		next = freezeAt
	}
	if next.IsZero() || (!e.alarm.IsZero() && !next.Before(e.alarm)) {
		return
	}
	e.alarm = next
	wait := max(0, time.Until(next))
	if e.timer == nil {
		e.timer = time.AfterFunc(wait, func() { p.wake(e) })
		return
	}
	e.timer.Reset(wait)
}

// freezes reports whether e is frozen at all while it is idle.
func (p *Pool) freezes(e *Environment) bool {
	return p.o.FreezeAfter >= 0 && e.launchAs.Engine.Capabilities().Pause
}

// wake does what is due for an idle environment: end it, or freeze it.
func (p *Pool) wake(e *Environment) {
	p.mu.Lock()
	e.alarm = time.Time{}
	if !e.idle {
		p.mu.Unlock()
		return
	}
	now := time.Now()
	switch {
	case !e.keep.IsZero() && !now.Before(e.keep):
		p.expire(e, now) // unlocks
	case p.freezes(e) && !e.ice.frozen.Load() && !now.Before(e.since.Add(p.o.FreezeAfter)):
		p.work.Add(1)
		p.mu.Unlock()
		defer p.work.Done()
		p.freeze(e)
	default:
		p.arm(e)
		p.mu.Unlock()
	}
}

// freeze stops an environment that is still idle.
func (p *Pool) freeze(e *Environment) {
	e.ice.mu.Lock()
	defer e.ice.mu.Unlock()
	p.mu.Lock()
	idle := e.idle && !e.ice.frozen.Load()
	p.mu.Unlock()
	if !idle {
		return // whoever took it waits for ice.mu at most
	}
	e.flushTelemetry()
	ctx, cancel := context.WithTimeout(p.ctx, freezeTimeout)
	defer cancel()
	if err := e.sandbox.Pause(ctx); err != nil {
		select {
		case <-e.sandbox.Done():
			return // watch sees to it
		default:
		}
		p.mu.Lock()
		idle := p.takeIdle(e)
		p.mu.Unlock()
		if idle {
			p.o.Logger.Warn("idle environment could not be frozen", "function", e.key.name, "sandbox", e.ID(), "error", err)
			p.discard(e, CauseBroken)
		}
		return
	}
	e.ice.frozen.Store(true)
	p.mu.Lock()
	if e.idle {
		p.arm(e)
	}
	p.mu.Unlock()
	p.trace(e, Event{Kind: EventFrozen})
}

// thaw makes a taken environment run again.
func (p *Pool) thaw(e *Environment) error {
	e.Thawed = 0
	e.ice.mu.Lock()
	defer e.ice.mu.Unlock()
	if !e.ice.frozen.Load() {
		return nil
	}
	begin := time.Now()
	ctx, cancel := context.WithTimeout(p.ctx, freezeTimeout)
	defer cancel()
	if err := e.sandbox.Resume(ctx); err != nil {
		return fmt.Errorf("thaw: %w", err)
	}
	e.ice.frozen.Store(false)
	e.Thawed = time.Since(begin)
	p.trace(e, Event{Kind: EventThawed, Phases: Phases{Place: e.Thawed}})
	return nil
}

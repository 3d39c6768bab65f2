package pool

import (
	"context"
	"time"

	"thaw.dev/thaw/link"
	"thaw.dev/thaw/sandbox"
)

// How the refill stays out of the way: it waits while cold starts go on, but not for ever, or a stock that is empty would
// keep every cold start slow.
const (
	refillYield    = 10 * time.Millisecond
	refillPatience = 2 * time.Second
	maxBackoff     = time.Minute
	reviewEvery    = 5 * time.Second // how often targets are looked at although nothing happened: demand is forgotten
)

// refill keeps the stocks at their targets, one slot at a time, until the pool closes. It is one goroutine.
func (p *Pool) refill() {
	review := time.NewTicker(reviewEvery)
	defer review.Stop()
	for {
		s := p.neediest()
		if s == nil {
			select {
			case <-p.ctx.Done():
				return
			case <-p.refillWake:
			case <-review.C:
			}
			continue
		}
		p.yield()
		p.fill(s)
	}
}

// wakeRefill needs no lock.
func (p *Pool) wakeRefill() {
	select {
	case p.refillWake <- struct{}{}:
	default:
	}
}

// yield waits while cold starts have the CPU.
func (p *Pool) yield() {
	for deadline := time.Now().Add(refillPatience); time.Now().Before(deadline); {
		p.mu.Lock()
		busy := len(p.starting) > 0
		p.mu.Unlock()
		if !busy {
			return
		}
		select {
		case <-p.ctx.Done():
			return
		case <-time.After(refillYield):
		}
	}
}

// neediest sets all targets and returns the stock that lacks most in proportion, nil if none lacks anything that there
// is memory for. It reserves the memory and drains what is too much.
func (p *Pool) neediest() *stock {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	now := time.Now()
	p.forgetGrowth(now)
	var best *stock
	var lack float64
	for _, s := range p.stocks {
		least := p.o.HotSlots
		if s.kind == SourceEmpty {
			least = p.o.EmptySlots
		}
		if !s.launch.stockedAhead() {
			least = min(least, 0)
		}
		s.target, s.reason = s.demand.target(now, least, s.refill)
		if least < 0 {
			s.target, s.reason = 0, "none are wanted"
		}
		have := len(s.ready) + s.filling
		if have > s.target {
			p.drain(s, have-s.target)
			continue
		}
		if have == s.target || now.Before(s.failed) {
			continue
		}
		if p.stocked+s.bytes() > p.o.SlotMemory {
			s.reason += "; bounded by the memory for slots"
			continue
		}
		if p.used+s.bytes() > p.o.MemoryBudget || len(p.inLine) > 0 {
			s.reason += "; the memory budget is used up"
			if have < least && p.leaving == 0 {
				p.evictStale(now)
			}
			continue
		}
		if part := float64(s.target-have) / float64(s.target); part > lack {
			best, lack = s, part
		}
	}
	if best != nil {
		best.filling++
		p.used += best.bytes()
		p.stocked += best.bytes()
	}
	return best
}

// evictStale needs mu. It evicts, of the environments that were idle for longer than the least keep-alive, the one that is
// worth least: a slot serves any function.
func (p *Pool) evictStale(now time.Time) {
	var stale *Environment
	for _, es := range p.idle {
		for _, e := range es {
			if !e.Provisioned && now.Sub(e.since) > p.o.KeepAliveMin && (stale == nil || e.worth < stale.worth) {
				stale = e
			}
		}
	}
	if stale != nil && p.condemn(stale) {
		p.policy.Evicted(stale.worth)
		p.destroy(stale, CauseEvicted)
	}
}

// fill prepares one slot for s, whose memory is reserved.
func (p *Pool) fill(s *stock) {
	begin := time.Now()
	slot, err := p.prepare(p.ctx, s)
	p.mu.Lock()
	defer p.mu.Unlock()
	s.filling--
	took := time.Since(begin)
	if err != nil || p.closed || s.outdated {
		p.stocked -= s.bytes()
		p.unreserve(s.bytes())
		if err == nil {
			p.work.Go(slot.close)
			return
		}
		if p.ctx.Err() == nil {
			s.failed = time.Now().Add(s.backoff)
			s.reason = "the last refill failed: " + err.Error()
			p.o.Logger.Warn("slot could not be prepared", "kind", string(s.kind), "runtime", s.launch.Runtime,
				"error", err, "again_in", s.backoff)
			s.backoff = min(2*s.backoff, maxBackoff)
		}
		return
	}
	s.refill, s.backoff = took, time.Second
	s.ready = append(s.ready, slot)
	p.drainFor() // somebody may have come to need the memory meanwhile
	p.work.Go(func() {
		select {
		case <-slot.sandbox.Done():
			p.dropDead(s, slot)
		case <-p.ctx.Done():
		}
	})
	if hot := p.stockOf(&s.launch, SourceHot); s == hot || hot.target == 0 { // else the first hot slot has it made
		p.considerTemplate(hot)
	}
	p.o.Trace(Event{Kind: EventStocked, Runtime: s.launch.Runtime, Engine: s.launch.Engine.Name(), Source: s.kind, Phases: Phases{Place: took}})
}

// backgroundLimits hold for slots in stock: enough for a runtime, and CPU only when nobody else wants it.
var backgroundLimits = sandbox.Limits{MemoryBytes: 256 << 20, Background: true}

// stockLimits are backgroundLimits with what holds for every sandbox.
func stockLimits() sandbox.Limits {
	l := backgroundLimits
	l.Pids = maxPids
	return l
}

// prepare makes a slot: the sandbox, and in a hot one the agent and, if it is a bundled one, the runtime.
func (p *Pool) prepare(ctx context.Context, s *stock) (*slot, error) {
	if s.kind == SourceHot {
		if slot := p.copyTemplate(ctx, s); slot != nil {
			return slot, nil
		}
		return p.bootRuntime(ctx, s)
	}
	slot := &slot{launch: s.launch, held: s.bytes()}
	if err := slot.create(ctx, p.templateDir(&s.launch), stockTmpBytes, stockLimits()); err != nil {
		slot.close()
		return nil, err
	}
	return slot, nil
}

// bootRuntime makes a hot slot for s.
func (p *Pool) bootRuntime(ctx context.Context, s *stock) (_ *slot, err error) {
	slot := &slot{launch: s.launch, held: s.bytes()}
	defer func() {
		if err != nil {
			slot.close()
		}
	}()
	if err := slot.create(ctx, "", stockTmpBytes, stockLimits()); err != nil {
		return nil, err
	}
	if err := slot.boot(ctx); err != nil {
		return nil, err
	}
	if s.launch.Kind != link.KindFrames {
		return slot, nil
	}
	if err := slot.startRuntime(nil, baseVariables(s.launch), stockTmpBytes); err != nil {
		return nil, err
	}
	return slot, slot.session.AwaitWarm(time.Now().Add(s.launch.allow(bootTimeout)))
}

package pool

import (
	"slices"
	"time"

	"thaw.dev/thaw/lambda"
)

// stock holds slots of one kind for one runtime image. Its members are guarded by the pool's mu, except kind and launch,
// which do not change.
type stock struct {
	kind    Source // SourceHot or SourceEmpty
	launch  Launch
	ready   []*slot // oldest first
	filling int
	demand  demand
	refill  time.Duration // how long the last refill took
	failed  time.Time     // no refill before this time, because the last one failed
	backoff time.Duration
	target  int
	reason  string

	templated bool // of hot slots: a template was made, or tried
	outdated  bool // the runtime has a newer image

	taken, missed, drained int64
}

// bytes is what one slot of the stock reserves.
func (s *stock) bytes() int64 {
	if s.kind == SourceHot {
		return hotSlotBytes + s.launch.extraBytes()
	}
	return emptySlotBytes + s.launch.extraBytes()
}

// shelf names a stock: what all its slots have in common.
type shelf struct {
	image  string
	kind   Source
	engine string
	memory int64 // see Launch.memory
}

// stockOf needs mu. It returns the stock of the given kind for l, which it opens at the first use.
func (p *Pool) stockOf(l *Launch, kind Source) *stock {
	k := shelf{l.Image, kind, l.Engine.Name(), l.memory}
	if s := p.stocks[k]; s != nil {
		return s
	}
	for old, s := range p.stocks { // the runtime has a new image: nobody will ask for the old one's slots
		if old.image != l.Image && s.launch.Runtime == l.Runtime {
			s.outdated = true
			p.drain(s, len(s.ready))
			delete(p.stocks, old)
		}
	}
	s := &stock{kind: kind, launch: *l, backoff: time.Second}
	s.launch.OwnStart = false
	p.stocks[k] = s
	return s
}

// Expect announces that functions of this runtime may be invoked on this engine, so that slots wait for them.
func (p *Pool) Expect(l Launch) {
	p.complete(&l, 0)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.stockOf(&l, SourceHot)
	p.stockOf(&l, SourceEmpty)
	p.wakeRefill()
}

// stockTmpBytes is the size of /tmp that slots in stock have; a function that wants more needs a sandbox of its own.
const stockTmpBytes = lambda.DefaultEphemeralMB << 20

// fits reports whether slots in stock are of any use to e.
func fits(e *Environment) bool {
	mb := e.Function.EphemeralMB
	return mb == 0 || mb == stockTmpBytes>>20
}

// kinds are the kinds of slot that serve e, the best first.
func (p *Pool) kinds(e *Environment) []Source {
	switch {
	case e.snapshot != nil && e.launchAs.Engine.Capabilities().Bound: // slots wait for their runtime's template
		return nil
	case p.o.HotSlots < 0 || e.snapshot != nil || e.sealed:
		return []Source{SourceEmpty}
	case e.launchAs.OwnStart: // a runtime that is up is of no use to it
		return []Source{SourceEmpty, SourceHot}
	}
	return []Source{SourceHot, SourceEmpty}
}

// take needs mu. It takes the best slot there is for e, nil if none fits; with hot only one that saves making anything.
// What the slot reserved is given back; its new owner reserves for itself.
func (p *Pool) take(e *Environment, hot bool) *slot {
	if !fits(e) {
		return nil
	}
	for _, kind := range p.kinds(e) {
		if hot && (kind != SourceHot || e.launchAs.OwnStart) {
			continue
		}
		s := p.stockOf(&e.launchAs, kind)
		if len(s.ready) == 0 {
			continue
		}
		slot := s.ready[0]
		s.ready = slices.Delete(s.ready, 0, 1)
		s.taken++
		p.stocked -= slot.held
		p.unreserve(slot.held)
		slot.held = 0
		return slot
	}
	return nil
}

// ask needs mu. It counts what e would have liked to begin with as demand, and as missed if it was not there.
func (p *Pool) ask(e *Environment) {
	if !fits(e) {
		return
	}
	kinds := p.kinds(e)
	if len(kinds) == 0 {
		return
	}
	best := kinds[0]
	s := p.stockOf(&e.launchAs, best)
	s.demand.add(time.Now())
	if e.Source == SourceNone || e.Source == SourceEmpty && best == SourceHot {
		s.missed++
	}
	p.wakeRefill()
}

// drain needs mu. It destroys the n oldest slots of s.
func (p *Pool) drain(s *stock, n int) {
	n = min(n, len(s.ready))
	for _, slot := range s.ready[:n] {
		s.drained++
		p.stocked -= slot.held
		p.leaving += slot.held
		p.work.Go(func() {
			slot.close()
			p.mu.Lock()
			p.leaving -= slot.held
			p.unreserve(slot.held)
			p.mu.Unlock()
			p.o.Trace(Event{Kind: EventDrained, Runtime: s.launch.Runtime, Engine: s.launch.Engine.Name(), Source: s.kind})
		})
	}
	s.ready = slices.Delete(s.ready, 0, n)
}

// drainFor needs mu. It drains stocks until those who wait in line for memory have it, or nothing is left.
func (p *Pool) drainFor() {
	for p.shortage() > 0 {
		var fullest *stock
		for _, s := range p.stocks {
			if len(s.ready) > 0 && (fullest == nil || len(s.ready) > len(fullest.ready)) {
				fullest = s
			}
		}
		if fullest == nil {
			return
		}
		p.drain(fullest, 1)
	}
}

// dropDead removes a slot that ended by itself from its stock.
func (p *Pool) dropDead(s *stock, dead *slot) {
	p.mu.Lock()
	i := slices.Index(s.ready, dead)
	if i >= 0 {
		s.ready = slices.Delete(s.ready, i, i+1)
		s.drained++
		p.stocked -= dead.held
		p.unreserve(dead.held)
		p.wakeRefill()
	}
	p.mu.Unlock()
	if i >= 0 {
		p.o.Logger.Warn("slot ended by itself", "runtime", s.launch.Runtime, "sandbox", dead.ID(),
			"reason", dead.sandbox.ExitStatus().Reason)
		dead.close()
	}
}

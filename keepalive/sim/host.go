package sim

import (
	"container/heap"
	"context"
	"errors"
	"strconv"
	"time"

	"thaw.dev/thaw/keepalive"
)

// Costs are what the simulated host knows beside the trace.
type Costs struct {
	// Cold is how long a cold start takes.
	Cold time.Duration
	// Min and Max are the operator's bounds on FamilyThaw's keep-alive.
	Min, Max time.Duration
}

// host is the state of one simulation.
type host struct {
	c      Candidate
	costs  Costs
	load   *Load
	policy *keepalive.Policy
	keys   []keepalive.Key

	functions []fleet
	ranking   ranking // idle environments, the first to be evicted first; only with a budget
	alarms    alarms  // environments to be made ahead
	heldGB    float64 // busy and idle; only with a budget
	now, end  int64
	out       Outcome
	cold      []int64 // cold starts by function
}

// fleet is the environments of one function.
type fleet struct {
	gb   float64
	busy int
	idle []*environment // the most recently used last
	plan int            // number of plans and uses; an alarm of an older one is off
	from int64          // since when busy environments were not charged
}

// environment is one that is idle.
type environment struct {
	function     uint32
	since, until int64
	priority     float64
	rank         int // index into host.ranking
}

// Simulate replays l with one policy.
func Simulate(ctx context.Context, l *Load, c Candidate, costs Costs) (*Outcome, error) {
	h := newHost(l, c, costs)
	for i, e := range l.Events {
		if i%(1<<16) == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		h.now = int64(e.At)
		h.ring()
		if e.Uses > 0 {
			h.begin(e.Function, e.Uses)
		} else {
			h.finish(e.Function)
		}
	}
	return h.close()
}

func newHost(l *Load, c Candidate, costs Costs) *host {
	h := &host{
		c: c, costs: costs, load: l,
		functions: make([]fleet, len(l.Trace.Functions)),
		cold:      make([]int64, len(l.Trace.Functions)),
		end:       int64(l.Trace.Minutes) * 60_000,
	}
	if n := len(l.Events); n > 0 {
		h.end = max(h.end, int64(l.Events[n-1].At))
	}
	if c.Family == FamilyThaw || c.Family == FamilyGreedyDual {
		h.policy = keepalive.New(keepalive.Options{Min: costs.Min, Max: costs.Max, Exchange: c.Exchange, Cost: costs.Cold})
		h.keys = make([]keepalive.Key, len(l.Trace.Functions))
	}
	for i := range l.Trace.Functions {
		f := &l.Trace.Functions[i]
		h.functions[i].gb = f.MemoryMB / 1e3
		if h.policy != nil {
			// Names are short: real ones are as long as the trace's hashes, but that is not what is measured.
			h.keys[i] = keepalive.Key{Function: strconv.Itoa(i)}
		}
	}
	return h
}

// begin serves an event's first use, warm or cold; the others of its spell are warm.
func (h *host) begin(index uint32, uses uint32) {
	f := &h.functions[index]
	f.plan++
	h.arrived(index, uses)
	h.charge(f)
	warm := false
	for n := len(f.idle); n > 0 && !warm; n-- {
		e := f.idle[n-1]
		f.idle = f.idle[:n-1]
		warm = e.until > h.now
		h.leave(f, e, min(e.until, h.now))
	}
	if !warm {
		h.cold[index]++
		h.out.ColdStarts++
		h.start(index)
	}
	f.busy++
	h.heldGB += f.gb
	h.out.Invocations += int64(uses)
	h.evict()
}

// start charges a cold start.
func (h *host) start(index uint32) {
	gb := h.functions[index].gb
	h.out.StartGBs += gb * h.costs.Cold.Seconds()
	if h.policy != nil {
		h.policy.Started(h.keys[index], h.costs.Cold, int64(gb*1e9))
	}
}

// finish makes one environment idle.
func (h *host) finish(index uint32) {
	f := &h.functions[index]
	h.charge(f)
	f.busy--
	h.heldGB -= f.gb
	h.rest(index, h.now, false)
	h.evict()
}

// rest puts an environment among the idle ones.
func (h *host) rest(index uint32, now int64, prewarmed bool) {
	f := &h.functions[index]
	until, again, priority := h.decide(index, now, prewarmed)
	f.plan++
	if again > 0 {
		heap.Push(&h.alarms, alarm{again, index, f.plan})
	}
	e := &environment{function: index, since: now, until: until, priority: priority}
	f.idle = append(f.idle, e)
	h.heldGB += f.gb
	if h.c.BudgetGB > 0 {
		heap.Push(&h.ranking, e)
	}
}

// leave takes an environment that is out of fleet.idle out of everything else. It was there until then.
func (h *host) leave(f *fleet, e *environment, until int64) {
	h.out.IdleGBs += f.gb * float64(until-e.since) / 1e3
	h.heldGB -= f.gb
	if h.c.BudgetGB > 0 {
		heap.Remove(&h.ranking, e.rank)
	}
}

// ring makes environments ahead whose time has come.
func (h *host) ring() {
	for len(h.alarms) > 0 && h.alarms[0].at <= h.now {
		a := heap.Pop(&h.alarms).(alarm)
		if h.functions[a.function].plan != a.plan {
			continue
		}
		h.out.Prewarms++
		h.start(a.function)
		h.rest(a.function, a.at, true)
	}
}

// evict frees memory until the budget is kept or nothing is idle.
func (h *host) evict() {
	if h.c.BudgetGB <= 0 {
		return
	}
	for h.heldGB > h.c.BudgetGB && len(h.ranking) > 0 {
		e := h.ranking[0]
		f := &h.functions[e.function]
		for i := range f.idle {
			if f.idle[i] == e {
				f.idle = append(f.idle[:i], f.idle[i+1:]...)
				break
			}
		}
		h.leave(f, e, h.now)
		if h.policy != nil {
			h.policy.Evicted(e.priority)
		}
	}
}

// charge counts the memory of busy environments until now.
func (h *host) charge(f *fleet) {
	h.out.BusyGBs += f.gb * float64(f.busy) * float64(h.now-f.from) / 1e3
	f.from = h.now
}

// close counts what is still held at the end of the trace.
func (h *host) close() (*Outcome, error) {
	for i := range h.functions {
		f := &h.functions[i]
		if f.busy != 0 {
			return nil, errors.New("internal: environments are busy after the last event")
		}
		for _, e := range f.idle {
			h.out.IdleGBs += f.gb * float64(min(e.until, h.end)-e.since) / 1e3
		}
	}
	if h.out.Invocations != h.load.Invocations {
		return nil, errors.New("internal: invocations were lost")
	}
	h.out.finish(h.c, h.load, h.cold)
	return &h.out, nil
}

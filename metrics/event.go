package metrics

import (
	"errors"
	"time"

	"thaw.dev/thaw/pool"
)

// Event counts one thing that happened in the pool. It is meant for pool.Options.Trace.
func (m *Metrics) Event(e pool.Event) {
	switch e.Kind {
	case pool.EventHit:
		m.hits.Add(1)
	case pool.EventHandOver:
		m.handOvers.Add(1)
	case pool.EventColdStart:
		m.coldStart(&e)
	case pool.EventDestroyed:
		m.destroyed.add(string(e.Cause))
	case pool.EventFrozen:
		m.freezes.Add(1)
	case pool.EventThawed:
		m.thaws.observe(e.Phases.Place)
	case pool.EventThrottled:
		m.refused.add(refusal(e.Err))
	case pool.EventStocked:
		if e.Err == nil {
			m.slots.observe(e.Phases.Place, string(e.Source))
		}
	case pool.EventSnapshot:
		m.snapshots.add(result(e.Err))
	case pool.EventDrained: // the stock counts it: pool.StockStatus.Drained
	}
}

// coldStart counts a cold start. The phases of one that failed are left out: they end anywhere.
func (m *Metrics) coldStart(e *pool.Event) {
	source := string(e.Source)
	m.coldStarts.add(source, string(e.Cause), result(e.Err))
	if e.Err != nil {
		return
	}
	i := sources.index(source)
	row := m.coldPhases.cell[i*len(phases):]
	for p, d := range [...]time.Duration{e.Phases.Place, e.Phases.Code, e.Phases.Init} { // in the order of phases
		row[p].observe(m.coldPhases.bounds, d)
	}
	m.coldTotals.observe(e.Phases.Place+e.Phases.Init, e.Engine)
	m.recent.add(coldStart{time.Now(), i, e.Phases})
}

func result(err error) string {
	if err != nil {
		return resultFailed
	}
	return resultOK
}

// refusal names why the pool refused a caller.
func refusal(err error) string {
	switch {
	case errors.Is(err, pool.ErrNoMemory):
		return "memory"
	case errors.Is(err, pool.ErrScaling):
		return "scaling_rate"
	case errors.Is(err, pool.ErrOverloaded):
		return "overload"
	case errors.Is(err, pool.ErrTenants):
		return "tenants"
	}
	return other
}

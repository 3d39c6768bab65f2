package main

import (
	"time"

	"thaw.dev/thaw/async"
	"thaw.dev/thaw/metrics"
	"thaw.dev/thaw/ops"
)

// topWindow is the time that rates are taken over.
const topWindow = time.Minute

// topHistory holds the counts of the reports of the last topWindow, oldest first.
type topHistory []topSample

type topSample struct {
	at     time.Time
	totals metrics.Totals
	events async.Totals
}

// add appends a report's counts and forgets those too old, and all of them if the server was started anew.
func (h *topHistory) add(r *ops.Report) {
	old := *h
	if n := len(old); n > 0 && (!old[n-1].totals.Since.Equal(r.Totals.Since) || !r.Pool.At.After(old[n-1].at)) {
		old = nil
	}
	for len(old) > 1 && r.Pool.At.Sub(old[0].at) > topWindow {
		old = old[1:]
	}
	s := topSample{at: r.Pool.At, totals: r.Totals}
	if r.Events != nil {
		s.events = r.Events.Totals
	}
	*h = append(old, s)
}

// topRates are what happened between the oldest and the newest sample.
type topRates struct {
	over        time.Duration // 0 while there is only one sample
	hits        int64
	misses      int64
	coldFailed  int64
	coldStarts  map[string]int64 // by source
	destroyed   map[string]int64 // by cause
	invocations int64
	refused     int64
	thaws       int64
	eventsIn    int64 // accepted
	eventsOut   int64 // finished, whatever became of them
}

func (h topHistory) rates() topRates {
	if len(h) < 2 {
		return topRates{}
	}
	from, to := &h[0].totals, &h[len(h)-1].totals
	return topRates{
		over:        h[len(h)-1].at.Sub(h[0].at),
		hits:        to.Hits - from.Hits,
		misses:      to.Misses() - from.Misses(),
		coldFailed:  to.ColdResults["failed"] - from.ColdResults["failed"],
		coldStarts:  growth(from.ColdStarts, to.ColdStarts),
		destroyed:   growth(from.Destroyed, to.Destroyed),
		invocations: total(growth(from.Invocations, to.Invocations)),
		refused:     total(growth(from.Refused, to.Refused)),
		thaws:       to.Thaws - from.Thaws,
		eventsIn:    h[len(h)-1].events.Accepted - h[0].events.Accepted,
		eventsOut:   ended(&h[len(h)-1].events) - ended(&h[0].events),
	}
}

// ended is how many asynchronous invocations came to their end.
func ended(t *async.Totals) int64 { return t.Succeeded + t.Dropped + total(t.Failed) }

// perSecond is a count as a rate.
func (r *topRates) perSecond(n int64) float64 {
	if r.over <= 0 {
		return 0
	}
	return float64(n) / r.over.Seconds()
}

func growth(from, to map[string]int64) map[string]int64 {
	out := make(map[string]int64, len(to))
	for k, n := range to {
		out[k] = n - from[k]
	}
	return out
}

func total(m map[string]int64) int64 {
	sum := int64(0)
	for _, n := range m {
		sum += n
	}
	return sum
}

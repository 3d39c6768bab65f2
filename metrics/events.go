package metrics

import (
	"maps"
	"slices"
	"time"
)

// Events is what the queue of asynchronous invocations holds, and what became of what it held.
type Events struct {
	Due, Later, Running, Undelivered int       // events by state
	Oldest                           time.Time // when the oldest was accepted; zero: there is none

	Accepted, Succeeded, Dropped, Retried, Refused int64
	Failed                                         map[string]int64 // by condition
	Delivered, DeliveryFailures                    int64
}

// WatchEvents has the queue's numbers written, too. Call it before the first Write; events is called for each.
func (m *Metrics) WatchEvents(events func() Events) { m.events = events }

// Values of labels of events.
var (
	eventStates     = values{"due", "later", "running", "undelivered"}
	eventResults    = values{"success", "dropped", "RetriesExhausted", "EventAgeExceeded", "ZeroReservedConcurrency", "RecursiveInvocation"}
	eventRetries    = values{"function_error", "refusal"}
	deliveryResults = values{resultOK, resultFailed}
)

// queued is what the queue said when the page was begun.
func (s *scrape) queued() *Events {
	if s.events == nil {
		s.events = &Events{}
		if s.m.events != nil {
			*s.events = s.m.events()
		}
	}
	return s.events
}

var eventFamilies = []Family{
	{
		"thaw_events", typeGauge, []Label{{"state", eventStates}},
		"Asynchronous invocations and deliveries in the queue: they wait for their turn, for the time of their next try, are being tried, or are kept undelivered.",
		func(s *scrape) {
			e := s.queued()
			for i, n := range []int{e.Due, e.Later, e.Running, e.Undelivered} {
				s.sample("", float64(n), eventStates[i])
			}
		},
	},
	{
		"thaw_event_oldest_seconds", typeGauge, nil,
		"Age of the oldest event in the queue, undelivered ones included; 0 if there is none.",
		func(s *scrape) {
			age := 0.0
			if e := s.queued(); !e.Oldest.IsZero() {
				age = time.Since(e.Oldest).Seconds()
			}
			s.value(age)
		},
	},
	{
		"thaw_events_accepted_total", typeCounter, nil,
		"Asynchronous invocations that were queued.",
		func(s *scrape) { s.value(float64(s.queued().Accepted)) },
	},
	{
		"thaw_events_finished_total", typeCounter, []Label{{"result", eventResults}},
		"Asynchronous invocations that ended: the function answered, it or its qualifier was gone, or the condition of their record.",
		func(s *scrape) {
			e := s.queued()
			s.sample("", float64(e.Succeeded), "success")
			s.sample("", float64(e.Dropped), "dropped")
			for _, condition := range slices.Sorted(maps.Keys(e.Failed)) {
				s.sample("", float64(e.Failed[condition]), condition)
			}
		},
	},
	{
		"thaw_event_retries_total", typeCounter, []Label{{"cause", eventRetries}},
		"Tries of asynchronous invocations after which another follows.",
		func(s *scrape) {
			s.sample("", float64(s.queued().Retried), "function_error")
			s.sample("", float64(s.queued().Refused), "refusal")
		},
	},
	{
		"thaw_event_deliveries_total", typeCounter, []Label{{"result", deliveryResults}},
		"Tries to bring records to destinations and events to dead letter queues.",
		func(s *scrape) {
			s.sample("", float64(s.queued().Delivered), resultOK)
			s.sample("", float64(s.queued().DeliveryFailures), resultFailed)
		},
	},
	{
		"thaw_recursive_invocations_dropped_total", typeCounter, nil,
		"Invocations that were refused because they were one of a loop.",
		func(s *scrape) { s.value(float64(s.m.loops.Load())) },
	},
}

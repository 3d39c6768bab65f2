package pool

import "time"

// Cause says why something happened to an environment; it is a metric label and a log attribute.
type Cause string

// Causes of an environment's end.
const (
	CauseKeepAlive Cause = "keep_alive" // idle for longer than the keep-alive
	CauseEvicted   Cause = "evicted"    // its memory was needed
	CauseRetired   Cause = "retired"    // its code or configuration was replaced
	CauseBroken    Cause = "broken"     // it failed in a way a reset does not mend
	CauseDied      Cause = "died"       // the sandbox ended by itself
	CauseShutdown  Cause = "shutdown"   // the pool was closed
)

// EventKind is a kind of Event.
type EventKind string

// Kinds of Event.
const (
	EventColdStart EventKind = "cold_start" // a cold start ended; Err tells how
	EventHit       EventKind = "hit"        // an idle environment was taken
	EventHandOver  EventKind = "hand_over"  // a released environment went straight to a waiter
	EventDestroyed EventKind = "destroyed"  // an environment is gone; Cause tells why
)

// Event is one thing that happened, for metrics and tests.
type Event struct {
	Kind     EventKind
	Function string
	Cause    Cause
	Phases   Phases
	Err      error
}

// Phases are the parts of a cold start. The same names are used by spans, metrics and benchmarks.
type Phases struct {
	Place time.Duration // memory reserved, sandbox created and started, agent up
	Code  time.Duration // the function's code attached; overlaps with the runtime's start
	Init  time.Duration // runtime started and handler loaded
}

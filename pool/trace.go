package pool

import "time"

// Cause says why something happened to an environment; it is a metric label and a log attribute.
type Cause string

// Causes of an environment's end.
const (
	CauseKeepAlive Cause = "keep_alive" // idle for longer than the keep-alive
	CauseOutdated  Cause = "outdated"   // its credentials were about to end
	CauseEvicted   Cause = "evicted"    // its memory was needed
	CauseRetired   Cause = "retired"    // its code or configuration was replaced
	CauseBroken    Cause = "broken"     // it failed in a way a reset does not mend
	CauseDied      Cause = "died"       // the sandbox ended by itself
	CauseShutdown  Cause = "shutdown"   // the pool was closed
)

// Causes of a cold start.
const (
	CauseRequest     Cause = "request"     // a caller found no idle environment
	CauseProvisioned Cause = "provisioned" // provisioned concurrency
	CausePrewarm     Cause = "prewarm"     // the keep-alive policy expects a request
	CauseSnapshot    Cause = "snapshot"    // to make a snapshot of it
)

// EventKind is a kind of Event.
type EventKind string

// Kinds of Event.
const (
	EventColdStart EventKind = "cold_start" // a cold start ended; Err tells how
	EventHit       EventKind = "hit"        // an idle environment was taken
	EventHandOver  EventKind = "hand_over"  // a released environment went straight to a waiter
	EventDestroyed EventKind = "destroyed"  // an environment is gone; Cause tells why
	EventFrozen    EventKind = "frozen"     // an idle environment was frozen
	EventThawed    EventKind = "thawed"     // a frozen environment was taken and thawed; Phases.Place is how long that took
	EventThrottled EventKind = "throttled"  // a caller was refused; Err tells why
	EventStocked   EventKind = "stocked"    // a slot joined a stock; Phases.Place is how long it took to prepare
	EventDrained   EventKind = "drained"    // a slot left a stock unused
	EventSnapshot  EventKind = "snapshot"   // a function snapshot was made, or Err tells why not
)

// Event is one thing that happened, for metrics and tests.
type Event struct {
	Kind     EventKind
	Account  string
	Function string // empty for slots
	Version  string
	Runtime  string
	Engine   string // of environments and slots that were made; else empty
	Cause    Cause
	Source   Source // of cold starts and slots
	Phases   Phases
	Err      error
}

// trace tells of something that happened to e.
func (p *Pool) trace(e *Environment, ev Event) {
	ev.Account, ev.Function, ev.Version, ev.Runtime = e.key.account, e.key.name, e.key.version, e.Function.Runtime
	ev.Source, ev.Engine = e.Source, e.launchAs.Engine.Name()
	p.o.Trace(ev)
}

// Phases are the parts of a cold start. The same names are used by spans, metrics and benchmarks.
type Phases struct {
	Place time.Duration // memory reserved, sandbox created and started, agent up; from a template the runtime, too
	Code  time.Duration // the function's code attached; overlaps with the runtime's start, from a template with Place
	Init  time.Duration // runtime started and handler loaded; from a snapshot: restored, and the hooks after it run
}

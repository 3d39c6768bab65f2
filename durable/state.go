package durable

import (
	"time"

	"thaw.dev/thaw/lambda"
)

// Status is that of an execution or of an operation. Source: Lambda API, ExecutionStatus and OperationStatus.
type Status string

// Statuses. An execution is RUNNING until it ends; an operation begins as STARTED, and PENDING and READY are a step's between
// two attempts.
const (
	Running   Status = "RUNNING"
	Started   Status = "STARTED"
	Pending   Status = "PENDING"
	Ready     Status = "READY"
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
	Cancelled Status = "CANCELLED"
	TimedOut  Status = "TIMED_OUT"
	Stopped   Status = "STOPPED"
)

// ended reports whether nothing comes after the status.
func (s Status) ended() bool {
	switch s {
	case Succeeded, Failed, Cancelled, TimedOut, Stopped:
		return true
	case Running, Started, Pending, Ready:
	}
	return false
}

// OperationType is a kind of operation. Source: Lambda API, OperationType.
type OperationType string

// Types of operations. Each execution has one of type EXECUTION, the first: itself.
const (
	TypeExecution     OperationType = "EXECUTION"
	TypeContext       OperationType = "CONTEXT"
	TypeStep          OperationType = "STEP"
	TypeWait          OperationType = "WAIT"
	TypeCallback      OperationType = "CALLBACK"
	TypeChainedInvoke OperationType = "CHAINED_INVOKE"
)

// Operation is one operation of an execution as it stands.
type Operation struct {
	ID, Parent, Name, SubType string
	Type                      OperationType
	Status                    Status
	Start, End                time.Time // End is zero until it ended
	// Input is what an execution or a chained invoke was given.
	Input *string
	// Result and Error are those of an operation that ended, or of a step's last attempt.
	Result *string
	Error  *Error
	// Attempt counts the attempts of a step that ended; NextAttempt is when a PENDING one is tried again.
	Attempt     int
	NextAttempt time.Time
	// Until is when a wait ends.
	Until time.Time
	// CallbackID names a callback.
	CallbackID string
	// ReplayChildren is a context's.
	ReplayChildren bool

	timeout      time.Time     // when a callback times out; zero: never
	heartbeat    time.Duration // how long a callback may be silent; 0: for ever
	silent       time.Time     // when a callback will have been silent for too long; zero: never
	lastHeard    time.Time     // when a callback's time of silence began
	function     string        // of a chained invoke
	tenant       string
	trace        string
	child        string // ARN of the execution that it started; "" for none
	touched      int    // the state's changes when it changed last
	payloadBytes int
}

// state is an execution as its events left it. It changes in apply, and in ripen.
type state struct {
	Start
	operations []*Operation // in the order of their starts; the first is the execution itself
	byID       map[string]*Operation
	status     Status
	result     *string
	err        *Error
	ended      time.Time
	timeout    time.Time // when the execution times out
	seconds    int       // its ExecutionTimeout
	events     int       // how many its history has
	bytes      int       // of all payloads and errors, and eventBytes for each event
	changes    int       // counts the changes of operations
	failures   int       // how many invocations failed in a row
	invoke     bool      // the handler is to be invoked, or was and its answer is missing
}

func (s *state) op(id string) *Operation { return s.byID[id] }

// typeOf is the type of operation that an event is about.
func typeOf(t EventType) OperationType {
	switch t {
	case ContextStarted, ContextSucceeded, ContextFailed:
		return TypeContext
	case StepStarted, StepSucceeded, StepFailed:
		return TypeStep
	case WaitStarted, WaitSucceeded, WaitCancelled:
		return TypeWait
	case CallbackStarted, CallbackSucceeded, CallbackFailed, CallbackTimedOut, callbackHeartbeat:
		return TypeCallback
	case ChainedInvokeStarted, ChainedInvokeSucceeded, ChainedInvokeFailed, ChainedInvokeTimedOut, ChainedInvokeStopped, childStarted:
		return TypeChainedInvoke
	case ExecutionStarted, ExecutionSucceeded, ExecutionFailed, ExecutionTimedOut, ExecutionStopped, InvocationCompleted:
	}
	return TypeExecution
}

// statuses are those that events bring.
var statuses = map[EventType]Status{
	ExecutionStarted: Started, ExecutionSucceeded: Succeeded, ExecutionFailed: Failed, ExecutionTimedOut: TimedOut, ExecutionStopped: Stopped,
	ContextStarted: Started, ContextSucceeded: Succeeded, ContextFailed: Failed,
	WaitStarted: Started, WaitSucceeded: Succeeded, WaitCancelled: Cancelled,
	StepStarted: Started, StepSucceeded: Succeeded, StepFailed: Failed,
	ChainedInvokeStarted: Started, ChainedInvokeSucceeded: Succeeded, ChainedInvokeFailed: Failed, ChainedInvokeTimedOut: TimedOut, ChainedInvokeStopped: Stopped,
	CallbackStarted: Started, CallbackSucceeded: Succeeded, CallbackFailed: Failed, CallbackTimedOut: TimedOut,
}

// eventBytes is what an event counts against lambda.MaxExecutionBytes beside its payload: no execution grows for ever.
const eventBytes = 128

// apply takes up an event. It trusts it: what may happen was checked before it was written.
func (s *state) apply(e *Event) {
	if e.Type.shown() {
		s.events = e.Number
	}
	s.bytes += eventBytes + len(text(e.Payload)) + e.Error.size()
	switch e.Type {
	case InvocationCompleted:
		s.failures++
		if e.Error == nil {
			s.failures = 0
		}
		s.invoke = e.Again
		return
	case callbackHeartbeat, childStarted: // no news for the handler
	case ExecutionStarted:
		s.Start, s.status, s.invoke = *e.Start, Running, true
		s.seconds, s.timeout = e.Seconds, e.At.Add(time.Duration(e.Seconds)*time.Second)
		s.byID = map[string]*Operation{}
	default:
		// News for the handler, or something that it did itself: then it ran, and its answer is missing until InvocationCompleted.
		s.invoke = true
	}
	o := s.op(e.Operation)
	if o == nil {
		o = &Operation{ID: e.Operation, Parent: e.Parent, Name: e.Name, SubType: e.SubType, Type: typeOf(e.Type), Start: e.At}
		s.operations = append(s.operations, o)
		s.byID[o.ID] = o
	}
	s.changes++
	o.touched = s.changes
	o.payloadBytes += len(text(e.Payload)) + e.Error.size()
	if status, ok := statuses[e.Type]; ok {
		o.Status = status
	}
	s.describe(o, e)
	if o.Status.ended() {
		o.End = e.At
	}
	if o.Type == TypeExecution && o.Status.ended() {
		s.status, s.result, s.err, s.ended, s.invoke = o.Status, e.Payload, e.Error, e.At, false
	}
}

// describe takes up what an event says beside the operation's status.
func (s *state) describe(o *Operation, e *Event) {
	switch e.Type {
	case ExecutionStarted:
		o.Input = e.Payload
	case StepStarted:
		o.NextAttempt = time.Time{}
	case StepSucceeded, StepFailed:
		o.Attempt, o.Result, o.Error = e.Attempt, e.Payload, e.Error
		if e.Seconds > 0 {
			o.Status, o.NextAttempt = Pending, e.At.Add(time.Duration(e.Seconds)*time.Second)
		}
	case WaitStarted:
		o.Until = e.At.Add(time.Duration(e.Seconds) * time.Second)
	case CallbackStarted:
		o.CallbackID, o.heartbeat = e.CallbackID, time.Duration(e.Heartbeat)*time.Second
		if e.Seconds > 0 {
			o.timeout = e.At.Add(time.Duration(e.Seconds) * time.Second)
		}
		o.heard(e.At)
	case callbackHeartbeat:
		o.heard(e.At)
	case ChainedInvokeStarted:
		o.Input, o.function, o.tenant, o.trace = e.Payload, e.Function, e.Tenant, e.Trace
	case childStarted:
		o.child = e.Child
	default:
		o.Result, o.Error, o.ReplayChildren = e.Payload, e.Error, e.ReplayChildren
	}
}

// heard begins the time anew for which a callback may be silent.
func (o *Operation) heard(at time.Time) {
	if o.lastHeard = at; o.heartbeat > 0 {
		o.silent = at.Add(o.heartbeat)
	}
}

// ripen makes steps ready whose next attempt is due.
func (s *state) ripen(now time.Time) {
	for _, o := range s.operations {
		if o.Status == Pending && !o.NextAttempt.After(now) {
			o.Status, o.NextAttempt = Ready, time.Time{}
			s.changes++
			o.touched = s.changes
			s.invoke = true
		}
	}
}

// due returns the events that time has brought: the execution's end, or the end of waits and callbacks.
func (s *state) due(now time.Time) []Event {
	if s.status != Running {
		return nil
	}
	if !s.timeout.After(now) {
		return []Event{{Type: ExecutionTimedOut, Operation: s.ID, Error: failed("", "Execution timed out after "+seconds(s.seconds)+".")}}
	}
	var events []Event
	for _, o := range s.operations {
		if o.Status != Started {
			continue
		}
		switch {
		case o.Type == TypeWait && !o.Until.After(now):
			events = append(events, Event{Type: WaitSucceeded, Operation: o.ID, Seconds: int(o.Until.Sub(o.Start) / time.Second)})
		case o.Type == TypeCallback && past(o.timeout, now):
			events = append(events, Event{Type: CallbackTimedOut, Operation: o.ID, Error: failed("Callback.Timeout", "Callback timed out")})
		case o.Type == TypeCallback && past(o.silent, now):
			events = append(events, Event{Type: CallbackTimedOut, Operation: o.ID, Error: failed("Callback.Heartbeat", "Callback timed out on heartbeat")})
		}
	}
	return events
}

func past(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }

// wake is when time will change something next; zero for an execution that ended.
func (s *state) wake() time.Time {
	if s.status != Running {
		return time.Time{}
	}
	next := s.timeout
	for _, o := range s.operations {
		if o.Status != Started && o.Status != Pending {
			continue
		}
		for _, t := range []time.Time{o.NextAttempt, o.Until, o.timeout, o.silent} {
			if !t.IsZero() && t.Before(next) {
				next = t
			}
		}
	}
	return next
}

// waits reports whether something is open that can change without the handler.
func (s *state) waits() bool {
	for _, o := range s.operations {
		switch o.Type {
		case TypeStep:
			if o.Status == Pending {
				return true
			}
		case TypeWait, TypeCallback, TypeChainedInvoke:
			if o.Status == Started {
				return true
			}
		case TypeExecution, TypeContext:
		}
	}
	return false
}

// chained returns the chained invokes that have not ended.
func (s *state) chained() []*Operation {
	var open []*Operation
	for _, o := range s.operations {
		if o.Type == TypeChainedInvoke && o.Status == Started {
			open = append(open, o)
		}
	}
	return open
}

// ref is the execution as its ARN names it.
func (s *Start) ref(region string) lambda.ExecutionRef {
	return lambda.ExecutionRef{Region: region, Account: s.Account, Function: s.Function, Version: s.Version, Name: s.Name, ID: s.ID}
}

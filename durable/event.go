package durable

import "time"

// EventType is what happened. Source: Lambda API, EventType; those that begin with a lower-case letter are ours and not
// shown in a history.
type EventType string

// Types of events.
const (
	ExecutionStarted       EventType = "ExecutionStarted"
	ExecutionSucceeded     EventType = "ExecutionSucceeded"
	ExecutionFailed        EventType = "ExecutionFailed"
	ExecutionTimedOut      EventType = "ExecutionTimedOut"
	ExecutionStopped       EventType = "ExecutionStopped"
	ContextStarted         EventType = "ContextStarted"
	ContextSucceeded       EventType = "ContextSucceeded"
	ContextFailed          EventType = "ContextFailed"
	WaitStarted            EventType = "WaitStarted"
	WaitSucceeded          EventType = "WaitSucceeded"
	WaitCancelled          EventType = "WaitCancelled"
	StepStarted            EventType = "StepStarted"
	StepSucceeded          EventType = "StepSucceeded"
	StepFailed             EventType = "StepFailed"
	ChainedInvokeStarted   EventType = "ChainedInvokeStarted"
	ChainedInvokeSucceeded EventType = "ChainedInvokeSucceeded"
	ChainedInvokeFailed    EventType = "ChainedInvokeFailed"
	ChainedInvokeTimedOut  EventType = "ChainedInvokeTimedOut"
	ChainedInvokeStopped   EventType = "ChainedInvokeStopped"
	CallbackStarted        EventType = "CallbackStarted"
	CallbackSucceeded      EventType = "CallbackSucceeded"
	CallbackFailed         EventType = "CallbackFailed"
	CallbackTimedOut       EventType = "CallbackTimedOut"
	InvocationCompleted    EventType = "InvocationCompleted"

	callbackHeartbeat EventType = "callbackHeartbeat"
	childStarted      EventType = "childStarted" // a chained invoke has a durable execution of its own: Child
)

// shown reports whether a history has events of the type.
func (t EventType) shown() bool { return t[0] >= 'A' && t[0] <= 'Z' }

// Error says why something failed. All members may be absent. Source: Lambda API, ErrorObject.
type Error struct {
	ErrorMessage *string  `json:",omitempty"`
	ErrorType    *string  `json:",omitempty"`
	ErrorData    *string  `json:",omitempty"`
	StackTrace   []string `json:",omitempty"`
}

// size is what the error counts against limits, in bytes.
func (e *Error) size() int {
	if e == nil {
		return 0
	}
	n := len(text(e.ErrorMessage)) + len(text(e.ErrorType)) + len(text(e.ErrorData))
	for _, line := range e.StackTrace {
		n += len(line)
	}
	return n
}

// failed is an error with a type and a message; "" leaves the type out.
func failed(errorType, message string) *Error {
	e := &Error{ErrorMessage: &message}
	if errorType != "" {
		e.ErrorType = &errorType
	}
	return e
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Event is something that happened to an execution or one of its operations. It is immutable.
type Event struct {
	// Number counts the events of a history, from 1; 0 for those that it does not show.
	Number int       `json:"n,omitempty"`
	Type   EventType `json:"type"`
	At     time.Time `json:"at"`
	// Operation is the id of the operation that the event is about; Parent, Name and SubType are the operation's.
	Operation string `json:"op,omitempty"`
	Parent    string `json:"parent,omitempty"`
	Name      string `json:"name,omitempty"`
	SubType   string `json:"sub_type,omitempty"`
	// Payload is the input of what starts, the result of what succeeded; nil if there is none.
	Payload *string `json:"payload,omitempty"`
	Error   *Error  `json:"error,omitempty"`
	// Seconds is how long: ExecutionStarted may run, WaitStarted waits, CallbackStarted waits (0: for ever), and until
	// the next attempt after a StepFailed or StepSucceeded that is to be tried again (0: it ended).
	Seconds int `json:"seconds,omitempty"`
	// Heartbeat is how many seconds a callback may be silent; 0: for ever.
	Heartbeat int `json:"heartbeat,omitempty"`
	// Attempt counts the attempts of a step, from 1.
	Attempt int `json:"attempt,omitempty"`
	// CallbackID names a callback to those outside.
	CallbackID string `json:"callback,omitempty"`
	// Function, Tenant and Trace are what a chained invoke is of.
	Function string `json:"function,omitempty"`
	Tenant   string `json:"tenant,omitempty"`
	Trace    string `json:"trace,omitempty"`
	// Child is the ARN of the execution that a chained invoke started.
	Child string `json:"child,omitempty"`
	// ReplayChildren says of a context that ended that its operations are still given to the handler.
	ReplayChildren bool `json:"replay_children,omitempty"`
	// RequestID and Begun are those of an invocation that completed; Again says that another follows.
	RequestID string    `json:"request_id,omitempty"`
	Begun     time.Time `json:"begun,omitzero"`
	Again     bool      `json:"again,omitempty"`
	// Start is there with ExecutionStarted.
	Start *Start `json:"start,omitempty"`
}

// Start is what an execution was started with, but for its payload.
type Start struct {
	ID        string `json:"id"`
	Account   string `json:"account"`
	Function  string `json:"function"` // name
	Version   string `json:"version"`  // "$LATEST" or a number: every invocation is of this one
	Qualifier string `json:"qualifier"`
	Name      string `json:"name"` // the execution's
	// FunctionARN is the function's in the form the caller used; the handler sees it.
	FunctionARN string `json:"arn"`
	// Tenant, Trace and LogTail are the caller's; see invoke.Request.
	Tenant string `json:"tenant,omitempty"`
	Trace  string `json:"trace,omitempty"`
	// Sync says that the caller waits for the result.
	Sync bool `json:"sync,omitempty"`
	// RetentionDays is how long the execution is kept once it ended.
	RetentionDays int `json:"retention_days"`
	// Parent and ParentOperation name the chained invoke that this execution is; "" for one that was started otherwise.
	Parent          string `json:"parent,omitempty"`
	ParentOperation string `json:"parent_operation,omitempty"`
}

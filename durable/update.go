package durable

import (
	"context"
	"time"

	"thaw.dev/thaw/lambda"
)

// Action is what an update does to its operation. Source: Lambda API, OperationAction.
type Action string

// Actions.
const (
	ActionStart   Action = "START"
	ActionSucceed Action = "SUCCEED"
	ActionFail    Action = "FAIL"
	ActionRetry   Action = "RETRY"
	ActionCancel  Action = "CANCEL"
)

// Update is a change of an operation that a checkpoint asks for. Its form was checked: ids, names and numbers are what the API
// model allows. Members that were not given are zero. Source: Lambda API, OperationUpdate.
type Update struct {
	ID, Parent, Name, SubType string
	Type                      OperationType
	Action                    Action
	Payload                   *string
	Error                     *Error
	ReplayChildren            bool
	// RetrySeconds is when a step is tried again; 0: not given.
	RetrySeconds int
	// WaitSeconds is how long a wait takes; 0: not given.
	WaitSeconds int
	// TimeoutSeconds and HeartbeatSeconds are a callback's; 0: none.
	TimeoutSeconds, HeartbeatSeconds int
	// Chained is there with a chained invoke that was given options.
	Chained *Chained
}

// Chained says what a chained invoke is of.
type Chained struct {
	Function lambda.FunctionRef // Region and Account may be absent
	Named    string             // as the handler named it
	Tenant   string
	Trace    *string // nil: the execution's own
	// Denied is why the execution's role may not invoke the function; "" if it may.
	Denied string
}

func invalid(message string) error { return lambda.Errorf(lambda.KindInvalid, "%s", message) }

// checkUpdates refuses updates of one checkpoint that do not go together, or do not fit what is there.
func (s *state) checkUpdates(region string, updates []Update) error {
	last := map[string]*Update{}
	started := map[string]OperationType{}
	added := 0
	for i := range updates {
		u := &updates[i]
		if u.Type == TypeExecution && i != len(updates)-1 {
			return invalid("EXECUTION checkpoint must be the last update.")
		}
		if before := last[u.ID]; before != nil {
			twice := (u.Type == TypeStep || u.Type == TypeContext) && before.Type == u.Type && before.Action == ActionStart && u.Action != ActionStart
			if !twice {
				return invalid("Cannot checkpoint multiple operations with the same ID.")
			}
		}
		if err := s.checkParent(u, started); err != nil {
			return err
		}
		if s.op(u.ID) == nil && last[u.ID] == nil && u.Type != TypeExecution {
			added++
		}
		last[u.ID] = u
		if err := s.checkUpdate(region, u, started[u.ID] != ""); err != nil {
			return err
		}
		if u.Action == ActionStart {
			started[u.ID] = u.Type
		}
	}
	if len(s.operations)-1+added > lambda.MaxOperations {
		return lambda.Errorf(lambda.KindInvalid, "Number of operations must be less than or equal to %d.", lambda.MaxOperations)
	}
	return s.checkRoom(updates)
}

// checkRoom refuses what would make the execution larger than it may be.
func (s *state) checkRoom(updates []Update) error {
	size := s.bytes
	for i := range updates {
		size += len(text(updates[i].Payload)) + updates[i].Error.size()
	}
	if size > lambda.MaxExecutionBytes {
		return lambda.Errorf(lambda.KindInvalid, "Size of the durable execution must be less than or equal to %d bytes.", lambda.MaxExecutionBytes)
	}
	return nil
}

// checkParent refuses a parent that is no context, or not there. started are the operations that earlier updates started.
func (s *state) checkParent(u *Update, started map[string]OperationType) error {
	if u.Parent == "" {
		return nil
	}
	if t, ok := started[u.Parent]; ok {
		if t == TypeContext {
			return nil
		}
	} else if o := s.op(u.Parent); o != nil && o.Type == TypeContext {
		return nil
	}
	return invalid("Invalid parent operation id.")
}

// checkUpdate refuses an update that its operation does not take as it is; begun says that the update before it started it.
func (s *state) checkUpdate(region string, u *Update, begun bool) error {
	o := s.op(u.ID)
	if o != nil {
		switch {
		case o.Type != u.Type:
			return invalid("Inconsistent operation type.")
		case u.SubType != "" && u.SubType != o.SubType:
			return invalid("Inconsistent operation subtype.")
		case u.Name != "" && u.Name != o.Name:
			return invalid("Inconsistent operation name.")
		case u.Parent != "" && u.Parent != o.Parent:
			return invalid("Inconsistent parent operation id.")
		}
	}
	if err := s.checkSize(u); err != nil {
		return err
	}
	if u.Action == ActionSucceed && u.Error != nil {
		return invalid("Cannot provide an Error for SUCCEED action.")
	}
	if u.Action == ActionFail && u.Payload != nil {
		return invalid("Cannot provide a Payload for FAIL action.")
	}
	var status Status
	if o != nil {
		status = o.Status
	}
	if begun {
		status = Started
	}
	switch u.Type {
	case TypeStep:
		return checkStep(u, status)
	case TypeContext:
		return checkContext(u, status)
	case TypeWait:
		return checkWait(u, status)
	case TypeCallback:
		return checkStartOnly(u, status)
	case TypeChainedInvoke:
		if err := checkStartOnly(u, status); err != nil {
			return err
		}
		return s.checkChained(region, u)
	case TypeExecution:
		if u.Action != ActionSucceed && u.Action != ActionFail {
			return invalid("Invalid action for the given operation type.")
		}
		return nil
	}
	return invalid("Unknown operation type.")
}

func (s *state) checkSize(u *Update) error {
	limit := lambda.MaxOperationPayloadBytes
	if u.Type == TypeExecution {
		limit = s.maxOutput()
	}
	if n := len(text(u.Payload)); n > limit {
		what := string(u.Type) + " payload"
		switch u.Type {
		case TypeChainedInvoke:
			what = "CHAINED_INVOKE input payload"
		case TypeExecution:
			what = "Execution output payload"
		default:
		}
		return lambda.Errorf(lambda.KindInvalid, "%s size must be less than or equal to %d bytes.", what, limit)
	}
	if u.Error.size() > lambda.MaxOperationPayloadBytes {
		return lambda.Errorf(lambda.KindInvalid, "Error object size must be less than or equal to %d bytes.", lambda.MaxOperationPayloadBytes)
	}
	return nil
}

// maxOutput is the size of the largest result of the execution, in bytes.
func (s *state) maxOutput() int {
	if s.Sync {
		return lambda.MaxSyncPayloadBytes
	}
	return lambda.MaxOperationPayloadBytes
}

// checkStep refuses what a step does not take in that status; "" is one that does not exist.
func checkStep(u *Update, status Status) error {
	switch u.Action {
	case ActionStart:
		if status != "" && status != Ready {
			return invalid("Invalid current STEP state to start.")
		}
	case ActionSucceed, ActionFail:
		if status != "" && status != Started && status != Ready {
			return invalid("Invalid current STEP state to close.")
		}
	case ActionRetry:
		switch {
		case status != "" && status != Started && status != Ready:
			return invalid("Invalid current STEP state to re-attempt.")
		case u.RetrySeconds == 0:
			return invalid("Invalid StepOptions for the given action.")
		case u.Error != nil && u.Payload != nil:
			return invalid("Cannot provide both error and payload to RETRY a STEP.")
		}
	default:
		return invalid("Invalid action for the given operation type.")
	}
	return nil
}

func checkContext(u *Update, status Status) error {
	switch u.Action {
	case ActionStart:
		if status != "" {
			return invalid("Cannot start a CONTEXT that already exist.")
		}
	case ActionSucceed, ActionFail:
		if status != "" && status != Started {
			return invalid("Invalid current CONTEXT state to close.")
		}
	default:
		return invalid("Invalid action for the given operation type.")
	}
	return nil
}

func checkWait(u *Update, status Status) error {
	switch u.Action {
	case ActionStart:
		if status != "" {
			return invalid("Cannot start a WAIT that already exist.")
		}
		if u.WaitSeconds == 0 {
			return invalid("Invalid WaitOptions for the given action.")
		}
	case ActionCancel:
		if status != Started {
			return invalid("Cannot cancel a WAIT that does not exist or has already completed.")
		}
	default:
		return invalid("Invalid action for the given operation type.")
	}
	return nil
}

// checkStartOnly is for what others end than the handler.
func checkStartOnly(u *Update, status Status) error {
	switch {
	case u.Action != ActionStart:
		return invalid("Invalid action for the given operation type.")
	case status != "":
		return invalid("Cannot start a " + string(u.Type) + " that already exist.")
	}
	return nil
}

func (s *state) checkChained(region string, u *Update) error {
	switch c := u.Chained; {
	case c == nil:
		return invalid("Update for CHAINED_INVOKE operation requires ChainedInvokeOptions.")
	case c.Function.Account != "" && c.Function.Account != s.Account:
		return invalid("Cannot start a CHAINED_INVOKE on a function in another account.")
	case c.Function.Region != "" && c.Function.Region != region:
		return invalid("Cannot start a CHAINED_INVOKE on a function in another region.")
	}
	return nil
}

// event is what an update makes happen. More events may follow it.
func (e *Executions) event(s *state, u *Update) []Event {
	event := Event{
		Operation: u.ID, Parent: u.Parent, Name: u.Name, SubType: u.SubType, Payload: u.Payload, Error: u.Error, ReplayChildren: u.ReplayChildren,
	}
	switch u.Type {
	case TypeExecution:
		event.Type, event.Operation = pick(u.Action, ExecutionStarted, ExecutionSucceeded, ExecutionFailed), s.ID
	case TypeContext:
		event.Type = pick(u.Action, ContextStarted, ContextSucceeded, ContextFailed)
	case TypeStep:
		event.Type = pick(u.Action, StepStarted, StepSucceeded, StepFailed)
		if u.Action == ActionRetry && u.Error == nil {
			event.Type = StepSucceeded
		}
		if u.Action != ActionStart {
			event.Seconds, event.Attempt = u.RetrySeconds, 1
			if o := s.op(u.ID); o != nil {
				event.Attempt = o.Attempt + 1
			}
		}
		if u.Action != ActionRetry {
			event.Seconds = 0
		}
	case TypeWait:
		event.Type, event.Seconds = pick(u.Action, WaitStarted, WaitStarted, WaitCancelled), u.WaitSeconds
		if u.Action == ActionCancel {
			event.Type = WaitCancelled
		}
	case TypeCallback:
		event.Type, event.Seconds, event.Heartbeat = CallbackStarted, u.TimeoutSeconds, u.HeartbeatSeconds
		event.CallbackID = newCallbackID(s.ID)
	case TypeChainedInvoke:
		return e.chainedEvents(s, u, event)
	}
	return []Event{event}
}

// pick is the type of event that an action makes happen.
func pick(a Action, start, succeed, fail EventType) EventType {
	switch a {
	case ActionStart:
		return start
	case ActionSucceed:
		return succeed
	case ActionFail, ActionRetry, ActionCancel:
	}
	return fail
}

// chainedEvents start a chained invoke, and end it at once if nothing can be invoked.
func (e *Executions) chainedEvents(s *state, u *Update, event Event) []Event {
	event.Type, event.Function, event.Tenant, event.Trace = ChainedInvokeStarted, u.Chained.Named, u.Chained.Tenant, s.Trace
	if u.Chained.Trace != nil {
		event.Trace = *u.Chained.Trace
	}
	var why *Error
	if u.Chained.Denied != "" {
		why = failed("AccessDeniedException", u.Chained.Denied)
	} else if _, err := e.functions.Resolve(s.Account, u.Chained.Function.Name, u.Chained.Function.Qualifier); lambda.KindOf(err) == lambda.KindNotFound {
		why = refusal(err)
	}
	if why == nil {
		return []Event{event}
	}
	event.Payload = nil
	return []Event{event, {Type: ChainedInvokeFailed, Operation: u.ID, Error: why}}
}

// clientTokenLife is how long a checkpoint may be repeated. Source: Lambda API, CheckpointDurableExecution, "ClientToken".
const clientTokenLife = 15 * time.Minute

// Checkpoint is what a handler sent.
type Checkpoint struct {
	Token       string
	ClientToken string // "" if none; the same again gets the same answer
	Updates     []Update
}

// Checkpointed is the answer to a checkpoint.
type Checkpointed struct {
	Token      string // for the next one
	Operations []Operation
}

// Checkpoint applies a checkpoint of the invocation under way, all of it or nothing, and returns the operations that changed
// since the handler was told last. Errors: lambda.KindInvalid for a token that is not the one to be spent, and for updates that make no sense;
// nothing happened then.
func (e *Executions) Checkpoint(ctx context.Context, ref lambda.ExecutionRef, c Checkpoint) (*Checkpointed, error) {
	x, err := e.lookup(ref)
	if err != nil {
		return nil, errToken() // the operation has no error for an execution that is not there
	}
	if err := e.take(ctx, x); err != nil {
		return nil, err
	}
	defer e.give(x)
	now := time.Now()
	if a := x.run.repeated(&c, now); a != nil {
		return a, nil
	}
	if !x.run.current(c.Token) {
		return nil, errToken()
	}
	s, r := x.state, x.run
	s.ripen(now)
	if err := e.record(ctx, x, s.due(now)...); err != nil {
		return nil, err
	}
	if s.status != Running {
		return nil, errToken()
	}
	if err := s.checkUpdates(e.region, c.Updates); err != nil {
		return nil, err
	}
	var events []Event
	for i := range c.Updates {
		events = append(events, e.event(s, &c.Updates[i])...)
	}
	if err := e.record(ctx, x, events...); err != nil {
		return nil, err
	}
	a := r.answer(s, &c, now)
	if s.status == Running {
		e.proceed(x)
	}
	return a, nil
}

func errToken() error { return invalid("Invalid checkpoint token") }

package durable

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

// told is what became of a chained invoke.
type told struct {
	operation string
	event     EventType
	result    *string
	err       *Error
}

// chain works on a chained invoke, unless somebody does. The caller has the turn.
func (e *Executions) chain(x *execution, o *Operation) {
	if x.chains[o.ID] {
		return
	}
	s := x.state
	ref, _ := lambda.ParseFunctionRef(o.function) // it was checked
	trace, _ := lambda.Lineage(o.trace, s.Account, s.Function)
	payload := []byte("{}")
	if o.Input != nil {
		payload = []byte(*o.Input)
	}
	req := &invoke.Request{
		ID: uuid.NewString(), Account: s.Account, Function: ref.Name, Qualifier: ref.Qualifier,
		ARN:     lambda.FunctionARN(e.region, s.Account, ref.Name, ref.Qualifier),
		Payload: payload, TraceID: trace, Tenant: o.tenant,
	}
	job := &chained{execution: x, req: req, child: o.child, origin: origin{
		id: childID(s.ID, o.ID), name: childName(s.ID, o.ID), parent: s.ID, parentOperation: o.ID,
	}}
	if e.begin(func() { e.invokeChained(job) }) {
		x.chains[o.ID] = true
	}
}

// chained is a chained invoke that somebody works on.
type chained struct {
	execution *execution
	req       *invoke.Request
	origin    origin
	child     string // ARN of the execution that it started; "" if it has not
}

// childID is the id of the execution that a chained invoke starts: the same each time.
func childID(parent, operation string) string {
	id, _ := uuid.Parse(parent) // we made it
	return uuid.NewSHA1(id, []byte(operation)).String()
}

// childName is that execution's name.
func childName(parent, operation string) string {
	sum := sha256.Sum256([]byte(operation))
	return parent + "-" + hex.EncodeToString(sum[:8])
}

// invokeChained invokes a function for an execution, until that is done or the execution ended.
func (e *Executions) invokeChained(c *chained) {
	x := c.execution
	for refusals := 1; ; refusals++ {
		outcome, err := e.tryChained(c)
		if err == nil && outcome != nil {
			e.tell(c.req.Account, x.id, *outcome)
			return
		}
		if err == nil { // the child tells its end itself
			e.unburden(c)
			return
		}
		timer := time.NewTimer(e.delays.after(refusals))
		select {
		case <-timer.C:
			continue
		case <-x.done:
		case <-e.ctx.Done():
		}
		timer.Stop()
		e.unburden(c)
		return
	}
}

// unburden lets the state of an execution leave the memory while its child goes on.
func (e *Executions) unburden(c *chained) {
	x := c.execution
	<-x.turn
	if x.chains[c.origin.parentOperation] {
		x.chains[c.origin.parentOperation] = false
	}
	e.give(x)
}

// tryChained invokes the function once. It returns what became of it; or nothing if an execution of it goes on; or an error for which
// it makes sense to try again.
func (e *Executions) tryChained(c *chained) (*told, error) {
	req := c.req
	if c.child != "" { // what was begun goes on with the version that was drawn
		ref, _ := lambda.ParseExecutionARN(c.child) // we wrote it
		req.Qualifier = ref.Version
	}
	fn, err := e.Durable(req)
	switch {
	case err != nil:
		return c.refused(err)
	case fn != nil:
		return e.startChild(c, fn)
	}
	result, err := e.invoker.Sync(e.ctx, req)
	operation := c.origin.parentOperation
	switch {
	case err != nil:
		return c.refused(err)
	case e.ctx.Err() != nil && result.FunctionError != "":
		return nil, errStopped
	case result.FunctionError != "":
		return &told{operation, ChainedInvokeFailed, nil, payloadError(result.Payload)}, nil
	case !utf8.Valid(result.Payload):
		return &told{operation, ChainedInvokeFailed, nil, failed("", "CHAINED_INVOKE response could not be decoded as UTF-8.")}, nil
	case len(result.Payload) > lambda.MaxOperationPayloadBytes:
		why := lambda.Errorf(lambda.KindInvalid, "CHAINED_INVOKE output payload size must be less than or equal to %d bytes.", lambda.MaxOperationPayloadBytes)
		return &told{operation, ChainedInvokeFailed, nil, failed("", why.Msg)}, nil
	}
	payload := string(result.Payload)
	return &told{operation, ChainedInvokeSucceeded, &payload, nil}, nil
}

// startChild starts the execution of a durable function, or finds it. Its parent knows of it first.
func (e *Executions) startChild(c *chained, fn *lambda.Config) (*told, error) {
	if c.child == "" {
		ref := lambda.ExecutionRef{Region: e.region, Account: fn.Account, Function: fn.Name, Version: fn.Version, Name: c.origin.name, ID: c.origin.id}
		if err := e.announce(c, ref.ARN()); err != nil {
			return nil, err
		}
	}
	child, err := e.launch(e.ctx, fn, c.req, c.origin)
	if err != nil {
		return c.refused(err)
	}
	if e.summary(child).Status == Running {
		return nil, nil
	}
	if err := e.take(e.ctx, child); err != nil { // it may have told nobody, before a restart
		return nil, err
	}
	outcome := childOutcome(child.state)
	e.give(child)
	return &outcome, nil
}

// errEnded is returned where nobody needs an answer any more.
var errEnded = errors.New("the execution ended")

// announce notes in an execution which other one a chained invoke of it is.
func (e *Executions) announce(c *chained, arn string) error {
	x := c.execution
	if err := e.take(e.ctx, x); err != nil {
		return err
	}
	defer e.give(x)
	if o := x.state.op(c.origin.parentOperation); x.state.status != Running || o.Status != Started {
		return errEnded
	}
	if err := e.record(e.ctx, x, Event{Type: childStarted, Operation: c.origin.parentOperation, Child: arn}); err != nil {
		return err
	}
	c.child = arn
	return nil
}

// refused says what a refused invocation means.
func (c *chained) refused(err error) (*told, error) {
	if passes(err) {
		return nil, err
	}
	return &told{c.origin.parentOperation, ChainedInvokeFailed, nil, refusal(err)}, nil
}

// childOutcome is what the end of an execution means for the chained invoke that it is.
func childOutcome(s *state) told {
	t := told{operation: s.ParentOperation, event: ChainedInvokeFailed, err: errorOf(s)}
	switch s.status {
	case Succeeded:
		t.event, t.result, t.err = ChainedInvokeSucceeded, s.result, nil
	case TimedOut:
		t.event, t.err = ChainedInvokeTimedOut, failed("ChainedInvoke.Timeout", "CHAINED_INVOKE timed out after "+seconds(s.seconds)+".")
	case Stopped:
		t.event = ChainedInvokeStopped
	default:
	}
	return t
}

// tell brings the end of a chained invoke to its execution.
func (e *Executions) tell(account, id string, outcome told) {
	x := e.find(account, id)
	if x == nil {
		return
	}
	if err := e.take(context.WithoutCancel(e.ctx), x); err != nil {
		<-x.turn
		delete(x.chains, outcome.operation)
		x.turn <- struct{}{}
		e.later(x, err)
		return
	}
	defer e.give(x)
	delete(x.chains, outcome.operation)
	e.conclude(x, outcome)
}

// conclude ends a chained invoke, unless it or the execution has ended. The caller has the turn.
func (e *Executions) conclude(x *execution, outcome told) {
	o := x.state.op(outcome.operation)
	if x.state.status != Running || o == nil || o.Status != Started {
		return
	}
	event := Event{Type: outcome.event, Operation: outcome.operation, Payload: outcome.result, Error: outcome.err}
	if err := e.record(context.WithoutCancel(e.ctx), x, event); err != nil {
		e.later(x, err)
		return
	}
	e.proceed(x)
}

package durable

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

const (
	// maxFailures is how many invocations in a row may fail before the execution does. Source: AWS's local runner,
	// aws-durable-execution-sdk-python-testing, MAX_CONSECUTIVE_FAILED_ATTEMPTS.
	maxFailures = 5
	// maxIdlePending is the same for answers PENDING with nothing to wait for. Source: as above, MAX_CONSECUTIVE_INVALID_PENDING_ATTEMPTS.
	maxIdlePending = 3
)

// run is an invocation of the handler, as far as its checkpoints are concerned. It belongs to whoever has the execution's turn.
type run struct {
	token string // that the next checkpoint must spend
	seen  int    // the state's changes that the handler knows

	spent, client string // tokens of the last checkpoint
	last          *Checkpointed
	at            time.Time // of the last checkpoint
}

// newToken makes a token that nobody can guess. Source of the form: Lambda API model, CheckpointToken.
func newToken() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // it never fails
	return base64.StdEncoding.EncodeToString(b)
}

func (r *run) current(token string) bool {
	return r != nil && subtle.ConstantTimeCompare([]byte(r.token), []byte(token)) == 1
}

// repeated is the answer to a checkpoint that is the last one again; nil if it is another.
func (r *run) repeated(c *Checkpoint, now time.Time) *Checkpointed {
	if r == nil || r.last == nil || c.ClientToken == "" || c.ClientToken != r.client || now.Sub(r.at) > clientTokenLife ||
		subtle.ConstantTimeCompare([]byte(r.spent), []byte(c.Token)) != 1 {
		return nil
	}
	return r.last
}

// answer is that to a checkpoint which was applied; its token is spent.
func (r *run) answer(s *state, c *Checkpoint, now time.Time) *Checkpointed {
	r.spent, r.client, r.at = c.Token, c.ClientToken, now
	r.token = newToken()
	r.last = &Checkpointed{Token: r.token, Operations: s.news(r.seen)}
	r.seen = s.changes
	return r.last
}

// news are copies of the operations that changed after seen.
func (s *state) news(seen int) []Operation {
	var list []Operation
	for _, o := range s.operations {
		if o.touched > seen && o.Type != TypeExecution {
			list = append(list, *o)
		}
	}
	return list
}

// start invokes the handler. The caller has the turn.
func (e *Executions) start(x *execution) {
	s := x.state
	r := &run{token: newToken(), seen: s.changes}
	operations, next := s.page(0, maxFirstPageBytes, lambda.MaxOperations)
	payload, err := handlerEvent(s.ref(e.region).ARN(), r.token, operations, next)
	if err != nil {
		e.log.Error("durable execution cannot be given to its handler", "execution", x.id, "err", err)
		return
	}
	req := &invoke.Request{
		ID: uuid.NewString(), Account: s.Account, Function: s.Function, Qualifier: s.Version, ARN: s.FunctionARN,
		Payload: payload, TraceID: s.Trace, Tenant: s.Tenant, LogTail: x.wantTail,
	}
	if e.begin(func() { e.invoke(x, req) }) {
		x.run, x.running = r, true
	}
}

// invoke runs one invocation of the handler and takes up what came of it.
func (e *Executions) invoke(x *execution, req *invoke.Request) {
	begun := time.Now().UTC().Truncate(time.Millisecond)
	result, err := e.invoker.Sync(e.ctx, req)
	<-x.turn
	r := x.run
	x.run, x.running = nil, false
	if x.state == nil {
		var readErr error
		if x.state, readErr = e.read(context.WithoutCancel(e.ctx), x.id); readErr != nil {
			x.turn <- struct{}{}
			e.later(x, readErr)
			return
		}
	}
	defer e.give(x)
	if e.ctx.Err() != nil && (err != nil || result.FunctionError != "") {
		return // what ended the handler may have been the server's end: the next one invokes it again
	}
	if x.state.status != Running {
		if err == nil {
			x.tail = result.LogTail
			e.note(x, req, begun, result)
		}
		return
	}
	if err != nil {
		e.refused(x, err)
		return
	}
	x.refusals, x.tail = 0, result.LogTail
	events := e.outcome(x.state, r, result)
	events[0].RequestID, events[0].Begun = req.ID, begun
	if events[0].Again && events[0].Error != nil {
		x.rest = time.Now().Add(e.delays.after(x.state.failures + 1))
	}
	if err := e.record(context.WithoutCancel(e.ctx), x, events...); err != nil {
		e.later(x, err)
		return
	}
	if x.state.status == Running {
		e.proceed(x)
	}
}

// note adds an invocation to the history of an execution that ended meanwhile.
func (e *Executions) note(x *execution, req *invoke.Request, begun time.Time, result *invoke.Result) {
	event := Event{Type: InvocationCompleted, RequestID: req.ID, Begun: begun}
	if result.FunctionError != "" {
		event.Error = payloadError(result.Payload)
	}
	if err := e.record(context.WithoutCancel(e.ctx), x, event); err != nil {
		e.log.Error("invocation missing in a history", "execution", x.id, "err", err)
	}
}

// refused takes up that the handler was not invoked: it will be later, unless it cannot be.
func (e *Executions) refused(x *execution, err error) {
	if !passes(err) {
		if err := e.record(e.ctx, x, Event{Type: ExecutionFailed, Operation: x.state.ID, Error: refusal(err)}); err != nil {
			e.later(x, err)
		}
		return
	}
	x.refusals++
	x.rest = time.Now().Add(e.delays.after(x.refusals))
	if lambda.KindOf(err) == lambda.KindInternal {
		e.log.Warn("handler of a durable execution could not be invoked", "execution", x.id, "function", x.state.Function, "err", err)
	}
	e.proceed(x)
}

// passes reports whether what refused an invocation may be gone later: a throttle, a function that is being prepared, a disabled account, an
// error of ours.
func passes(err error) bool {
	switch lambda.KindOf(err) {
	case lambda.KindInternal, lambda.KindThrottled, lambda.KindConflict, lambda.KindNotReady, lambda.KindDenied, lambda.KindSnapStartNotReady, lambda.KindSnapStartTimeout:
		return true
	default:
		return false
	}
}

// outcome are the events that an invocation's answer makes happen, first that it completed. r is nil if its checkpoints came to nothing.
func (e *Executions) outcome(s *state, r *run, result *invoke.Result) []Event {
	completed := Event{Type: InvocationCompleted}
	end := func(t EventType, result *string, why *Error) []Event {
		return []Event{completed, {Type: t, Operation: s.ID, Payload: result, Error: why}}
	}
	retry := func(why *Error, most int) []Event {
		completed.Error = why
		if s.failures+1 >= most {
			return end(ExecutionFailed, nil, why)
		}
		completed.Again = true
		return []Event{completed}
	}
	if result.FunctionError != "" {
		return retry(payloadError(result.Payload), maxFailures)
	}
	answer, err := parseAnswer(result.Payload, s.maxOutput())
	if err != nil {
		return end(ExecutionFailed, nil, failed("InvalidParameterValueException", err.Error()))
	}
	switch answer.status {
	case Succeeded:
		return end(ExecutionSucceeded, answer.result, nil)
	case Failed:
		return end(ExecutionFailed, nil, answer.err)
	default:
	}
	s.ripen(time.Now())
	completed.Again = r == nil || len(s.news(r.seen)) > 0
	if !completed.Again && !s.waits() {
		return retry(failed("InvalidParameterValueException", "Cannot return PENDING status with no pending operations."), maxIdlePending)
	}
	return []Event{completed}
}

// answer is what a handler answered.
type answer struct {
	status Status // Succeeded, Failed or Pending
	result *string
	err    *Error
}

// parseAnswer reads a handler's answer, which may be anything. most bounds the result, in bytes. The error's text is for the execution's.
func parseAnswer(payload []byte, most int) (answer, error) {
	var a struct {
		Status Status
		Result *string
		Error  *Error
	}
	if err := json.Unmarshal(payload, &a); err != nil {
		return answer{}, errors.New("Invalid Status in invocation output.")
	}
	switch {
	case a.Status != Succeeded && a.Status != Failed && a.Status != Pending:
		return answer{}, errors.New("Invalid Status in invocation output.")
	case a.Status == Failed && a.Result != nil:
		return answer{}, errors.New("Cannot provide a Result for FAILED status.")
	case a.Status == Succeeded && a.Error != nil:
		return answer{}, errors.New("Cannot provide an Error for SUCCEEDED status.")
	case len(text(a.Result)) > most:
		return answer{}, lambda.Errorf(lambda.KindInvalid, "Execution output payload size must be less than or equal to %d bytes.", most)
	case a.Error.size() > lambda.MaxOperationPayloadBytes:
		return answer{}, lambda.Errorf(lambda.KindInvalid, "Error object size must be less than or equal to %d bytes.", lambda.MaxOperationPayloadBytes)
	}
	return answer{a.Status, a.Result, a.Error}, nil
}

// payloadError reads the error object of a function that failed.
func payloadError(payload []byte) *Error {
	var a struct {
		ErrorType, ErrorMessage *string
		StackTrace              []string
		Trace                   []string // Node.js's word for the same
	}
	if json.Unmarshal(payload, &a) != nil || a.ErrorType == nil && a.ErrorMessage == nil {
		return failed("", string(payload[:min(len(payload), 1<<10)]))
	}
	if a.StackTrace == nil {
		a.StackTrace = a.Trace
	}
	e := &Error{ErrorMessage: a.ErrorMessage, ErrorType: a.ErrorType, StackTrace: a.StackTrace}
	if e.size() > lambda.MaxOperationPayloadBytes {
		return failed("", "The function's error is too large to be kept.")
	}
	return e
}

// refusal is the error of an invocation that was refused. Source of the types: Lambda API, errors of Invoke.
func refusal(err error) *Error {
	types := map[lambda.Kind]string{
		lambda.KindNotFound: "ResourceNotFoundException", lambda.KindInvalid: "InvalidParameterValueException",
		lambda.KindValidation: "ValidationException", lambda.KindTooLarge: "RequestTooLargeException", lambda.KindInvalidContent: "InvalidRequestContentException",
		lambda.KindRecursive: "RecursiveInvocationException", lambda.KindDenied: "AccessDeniedException", lambda.KindConflict: "ResourceConflictException",
		lambda.KindExecutionExists: "DurableExecutionAlreadyStartedException", lambda.KindSnapStart: "SnapStartException",
	}
	t, ok := types[lambda.KindOf(err)]
	if e, isOurs := errors.AsType[*lambda.Error](err); ok && isOurs {
		return failed(t, e.Msg)
	}
	return failed("ServiceException", "An error occurred and the request cannot be processed.")
}

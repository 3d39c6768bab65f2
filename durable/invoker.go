package durable

import (
	"context"
	"encoding/json"
	"errors"

	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

// errNotStored is returned to whoever asked for an execution while another caller's attempt to store it failed.
var errNotStored = errors.New("the execution could not be stored")

// Sync invokes a function as invoke.(*Invoker).Sync does. If it is durable, the invocation is an execution with a made up name, and its
// result that of the execution.
func (e *Executions) Sync(ctx context.Context, req *invoke.Request) (*invoke.Result, error) {
	fn, err := e.Durable(req)
	if err != nil {
		return nil, err
	}
	if fn == nil {
		return e.invoker.Sync(ctx, req)
	}
	result, _, err := e.Await(ctx, fn, req, "")
	return result, err
}

// Stream invokes a function as invoke.(*Invoker).Stream does. Durable functions do not stream: lambda.KindInvalid.
func (e *Executions) Stream(ctx context.Context, req *invoke.Request, to invoke.Sink) (*invoke.StreamResult, error) {
	fn, err := e.Durable(req)
	if err != nil {
		return nil, err
	}
	if fn != nil {
		return nil, lambda.Errorf(lambda.KindInvalid, "Durable functions do not support InvokeWithResponseStream.")
	}
	return e.invoker.Stream(ctx, req, to)
}

// Await begins an execution, or finds that of the same name and input, and waits for its end. fn is what Durable returned for the request. If ctx ends first the execution goes on.
// An execution that did not succeed is a value: FunctionError, and the error as functions' errors look. Errors: those of Start, and lambda.KindInvalid
// for a function whose executions may last longer than anybody waits.
func (e *Executions) Await(ctx context.Context, fn *lambda.Config, req *invoke.Request, name string) (*invoke.Result, lambda.ExecutionRef, error) {
	if fn.Durable.ExecutionTimeout > lambda.MaxSyncExecutionSeconds {
		return nil, lambda.ExecutionRef{}, lambda.Errorf(lambda.KindInvalid, "You cannot synchronously invoke a durable function with an executionTimeout greater than 15 minutes.")
	}
	x, err := e.launch(ctx, fn, req, origin{name: name, sync: true})
	if err != nil {
		return nil, lambda.ExecutionRef{}, err
	}
	select {
	case <-x.done:
	case <-ctx.Done():
		return nil, lambda.ExecutionRef{}, context.Cause(ctx)
	case <-e.ctx.Done():
		return nil, lambda.ExecutionRef{}, errStopped
	}
	if err := e.take(ctx, x); err != nil {
		return nil, lambda.ExecutionRef{}, err
	}
	defer e.give(x)
	s := x.state
	result := &invoke.Result{ExecutedVersion: s.Version, TraceID: s.Trace, LogTail: x.tail, Payload: []byte(text(s.result))}
	if s.status != Succeeded {
		result.FunctionError, result.ErrorType = "Unhandled", text(errorOf(s).ErrorType)
		if result.Payload, err = functionError(errorOf(s)); err != nil {
			return nil, lambda.ExecutionRef{}, err
		}
	}
	if len(result.Payload) == 0 {
		result.Payload = []byte("null")
	}
	return result, s.ref(e.region), nil
}

// errorOf is why an execution failed, never nil.
func errorOf(s *state) *Error {
	if s.err == nil {
		return &Error{}
	}
	return s.err
}

// functionError writes an error as functions' errors look.
func functionError(why *Error) ([]byte, error) {
	return json.Marshal(struct {
		ErrorType    *string  `json:"errorType,omitempty"`
		ErrorMessage *string  `json:"errorMessage,omitempty"`
		ErrorData    *string  `json:"errorData,omitempty"`
		StackTrace   []string `json:"stackTrace,omitempty"`
	}{why.ErrorType, why.ErrorMessage, why.ErrorData, why.StackTrace})
}

// Later is an Invoker for requests whose senders do not wait for the answer: a durable function's execution is started, once
// for each request however often it comes, and its result is for nobody.
type Later struct{ *Executions }

// Sync invokes a function as Executions.Sync does. If it is durable, its execution is named by the request's id, and the result is null.
func (l Later) Sync(ctx context.Context, req *invoke.Request) (*invoke.Result, error) {
	fn, err := l.Durable(req)
	if err != nil {
		return nil, err
	}
	if fn == nil {
		return l.invoker.Sync(ctx, req)
	}
	ref, err := l.Start(ctx, fn, req, req.ID)
	if err != nil {
		return nil, err
	}
	return &invoke.Result{Payload: []byte("null"), ExecutedVersion: ref.Version, TraceID: req.TraceID}, nil
}

package durable

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"time"

	"github.com/google/uuid"

	"thaw.dev/thaw/lambda"
)

// secretBytes is how much of a callback's id nobody can guess.
const secretBytes = 24

// newCallbackID names a callback of an execution to those outside. Its form is base64 of the execution's id and a secret. Source of
// the form: Lambda API model, CallbackId.
func newCallbackID(execution string) string {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b) // it never fails
	return base64.StdEncoding.EncodeToString(append([]byte(execution), b...))
}

// executionOf is the id of the execution that a callback's id is of; false if it cannot be one.
func executionOf(callbackID string) (string, bool) {
	b, err := base64.StdEncoding.DecodeString(callbackID)
	if err != nil || len(b) <= secretBytes {
		return "", false
	}
	id := string(b[:len(b)-secretBytes])
	_, err = uuid.Parse(id)
	return id, err == nil
}

// CallbackRef is the execution of an account that a callback's id is of; false if there is none.
func (e *Executions) CallbackRef(account, callbackID string) (lambda.ExecutionRef, bool) {
	id, ok := executionOf(callbackID)
	if !ok {
		return lambda.ExecutionRef{}, false
	}
	x := e.find(account, id)
	if x == nil {
		return lambda.ExecutionRef{}, false
	}
	s := e.summary(x)
	return s.Ref(e.region), true
}

// SucceedCallback ends a callback with a result of at most lambda.MaxOperationPayloadBytes. Of all three alike: errors are lambda.KindNotFound for
// an id that is no callback's of the account, and KindCallbackTimeout for one that has ended, or whose execution has.
func (e *Executions) SucceedCallback(ctx context.Context, account, id string, result []byte) error {
	payload := string(result)
	return e.callback(ctx, account, id, Event{Type: CallbackSucceeded, Payload: &payload})
}

// FailCallback ends a callback with an error, which may be empty.
func (e *Executions) FailCallback(ctx context.Context, account, id string, why *Error) error {
	if why == nil {
		why = &Error{}
	}
	return e.callback(ctx, account, id, Event{Type: CallbackFailed, Error: why})
}

// heartbeatGrain is how long after a heartbeat another one changes nothing: timeouts are whole seconds, and each that counts is written.
const heartbeatGrain = time.Second

// Heartbeat begins the time anew for which a callback may be silent.
func (e *Executions) Heartbeat(ctx context.Context, account, id string) error {
	return e.callback(ctx, account, id, Event{Type: callbackHeartbeat})
}

func (e *Executions) callback(ctx context.Context, account, callbackID string, event Event) error {
	unknown := lambda.Errorf(lambda.KindNotFound, "Callback not found.")
	id, ok := executionOf(callbackID)
	if !ok {
		return unknown
	}
	x := e.find(account, id)
	if x == nil {
		return unknown
	}
	if err := e.take(ctx, x); err != nil {
		return err
	}
	defer e.give(x)
	s := x.state
	var o *Operation
	for _, candidate := range s.operations {
		if candidate.Type == TypeCallback && subtle.ConstantTimeCompare([]byte(candidate.CallbackID), []byte(callbackID)) == 1 {
			o = candidate
		}
	}
	if o == nil {
		return unknown
	}
	if err := e.record(ctx, x, s.due(time.Now())...); err != nil { // what is late is late, whether the clock was looked at or not
		return err
	}
	if s.status != Running || o.Status != Started {
		if s.status == Running {
			e.proceed(x)
		}
		return lambda.Errorf(lambda.KindCallbackTimeout, "The callback has expired or was closed already.")
	}
	if event.Type == callbackHeartbeat && (o.heartbeat == 0 || time.Since(o.lastHeard) < heartbeatGrain) {
		return nil
	}
	event.Operation = o.ID
	if err := e.record(ctx, x, event); err != nil {
		return err
	}
	e.proceed(x)
	return nil
}

package gateway

import (
	"strconv"
	"time"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/durable"
	"thaw.dev/thaw/lambda"
)

// Limits of the bodies of durable operations, in bytes: a result of 6 MiB as a JSON string may be twice as long, and errors have
// some more than their text.
const (
	checkpointBody = 16 << 20
	callbackBody   = lambda.MaxOperationPayloadBytes
	errorBody      = 3 << 20
)

var durableHandlers = map[string]handler{
	"CheckpointDurableExecution":            {(*call).checkpointDurableExecution, checkpointBody},
	"GetDurableExecutionState":              {(*call).getDurableExecutionState, smallBody},
	"GetDurableExecution":                   {(*call).getDurableExecution, smallBody},
	"GetDurableExecutionHistory":            {(*call).getDurableExecutionHistory, smallBody},
	"ListDurableExecutionsByFunction":       {(*call).listDurableExecutionsByFunction, smallBody},
	"StopDurableExecution":                  {(*call).stopDurableExecution, errorBody},
	"SendDurableExecutionCallbackSuccess":   {(*call).sendDurableExecutionCallbackSuccess, callbackBody},
	"SendDurableExecutionCallbackFailure":   {(*call).sendDurableExecutionCallbackFailure, errorBody},
	"SendDurableExecutionCallbackHeartbeat": {(*call).sendDurableExecutionCallbackHeartbeat, smallBody},
}

// execution is the execution that the path names, which must be one of the caller's account. Its form was checked.
func (c *call) execution() (lambda.ExecutionRef, error) {
	arn := c.label(0)
	ref, ok := lambda.ParseExecutionARN(arn)
	switch {
	case !ok:
		return ref, lambda.Errorf(lambda.KindInvalid, "Invalid durable execution ARN: %.256s", arn)
	case ref.Account != c.caller.AccountID:
		return ref, c.denied(c.route.action, arn, noResourcePolicy)
	}
	return ref, nil
}

// durablePage reads MaxItems, and returns how many that asks for, as well as it stands for the constraint layer.
func (c *call) durablePage() (limit *int, items int, err error) {
	if limit, err = maxItems(c.query("MaxItems")); err != nil {
		return nil, 0, err
	}
	if limit == nil || *limit == 0 {
		return limit, defaultDurableItems, nil
	}
	return limit, *limit, nil
}

// defaultDurableItems is the size of a page unless MaxItems says otherwise. Source: Lambda API, GetDurableExecutionHistory and others.
const defaultDurableItems = 100

// boolQuery reads a query parameter that is true or false; other is what its absence means.
func (c *call) boolQuery(name string, other bool) (bool, error) {
	text := c.query(name)
	if text == "" {
		return other, nil
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		return false, lambda.Errorf(lambda.KindValidation,
			"1 validation error detected: Value '%.64s' at '%s' failed to satisfy constraint: Member must be a boolean", text, name)
	}
	return b, nil
}

// timeQuery reads a query parameter that is a time, zero if it is absent.
func (c *call) timeQuery(name string) (time.Time, error) {
	text := c.query(name)
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	if s, err := strconv.ParseFloat(text, 64); err == nil && s >= 0 && s < 1e12 {
		return time.UnixMilli(int64(s * 1000)), nil
	}
	return time.Time{}, lambda.Errorf(lambda.KindValidation,
		"1 validation error detected: Value '%.64s' at '%s' failed to satisfy constraint: Member must be a timestamp", text, name)
}

// durableError reads a body that is an error, nil if it is empty.
func (c *call) durableError() (*durable.Error, error) {
	if len(c.body) == 0 {
		return nil, nil
	}
	var in api.ErrorObject
	if err := api.Decode(c.body, &in); err != nil {
		return nil, err
	}
	e := durable.Error(in)
	if n := len(value(e.ErrorMessage)) + len(value(e.ErrorType)) + len(value(e.ErrorData)); n > lambda.MaxOperationPayloadBytes {
		return nil, lambda.Errorf(lambda.KindInvalid, "Error object size must be less than or equal to %d bytes.", lambda.MaxOperationPayloadBytes)
	}
	return &e, nil
}

// errorObject is how the API shows e.
func errorObject(e *durable.Error) *api.ErrorObject {
	if e == nil {
		return nil
	}
	o := api.ErrorObject(*e)
	return &o
}

// shownOperations is how the API shows operations.
func shownOperations(list []durable.Operation) []durable.Shown {
	shown := make([]durable.Shown, len(list))
	for i := range list {
		shown[i] = list[i].Show(api.FormatSeconds)
	}
	return shown
}

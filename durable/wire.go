package durable

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// Shown is an operation as handlers see it, in the event that they are invoked with and in the API's answers. The two write
// times in another way. Source: Lambda API, Operation.
type Shown struct {
	ID                   string `json:"Id"`
	ParentID             string `json:"ParentId,omitempty"`
	Name                 string `json:",omitempty"`
	Type                 OperationType
	SubType              string `json:",omitempty"`
	StartTimestamp       json.Number
	EndTimestamp         json.Number `json:",omitempty"`
	Status               Status
	ExecutionDetails     *ExecutionDetails `json:",omitempty"`
	ContextDetails       *ContextDetails   `json:",omitempty"`
	StepDetails          *StepDetails      `json:",omitempty"`
	WaitDetails          *WaitDetails      `json:",omitempty"`
	CallbackDetails      *CallbackDetails  `json:",omitempty"`
	ChainedInvokeDetails *Outcome          `json:",omitempty"`
}

// ExecutionDetails are those of the execution itself.
type ExecutionDetails struct {
	InputPayload *string `json:",omitempty"`
}

// Outcome is how an operation ended.
type Outcome struct {
	Result *string `json:",omitempty"`
	Error  *Error  `json:",omitempty"`
}

// ContextDetails are those of a context.
type ContextDetails struct {
	ReplayChildren bool `json:",omitempty"`
	Outcome
}

// StepDetails are those of a step.
type StepDetails struct {
	Attempt              int
	NextAttemptTimestamp json.Number `json:",omitempty"`
	Outcome
}

// WaitDetails are those of a wait.
type WaitDetails struct {
	ScheduledEndTimestamp json.Number
}

// CallbackDetails are those of a callback.
type CallbackDetails struct {
	CallbackID string `json:"CallbackId"`
	Outcome
}

// Show returns how the operation is shown, with times as stamp writes them.
func (o *Operation) Show(stamp func(time.Time) json.Number) Shown {
	s := Shown{ID: o.ID, ParentID: o.Parent, Name: o.Name, Type: o.Type, SubType: o.SubType, StartTimestamp: stamp(o.Start), Status: o.Status}
	if !o.End.IsZero() {
		s.EndTimestamp = stamp(o.End)
	}
	outcome := Outcome{o.Result, o.Error}
	switch o.Type {
	case TypeExecution:
		s.ExecutionDetails = &ExecutionDetails{o.Input}
	case TypeContext:
		s.ContextDetails = &ContextDetails{o.ReplayChildren, outcome}
	case TypeStep:
		s.StepDetails = &StepDetails{Attempt: o.Attempt, Outcome: outcome}
		if !o.NextAttempt.IsZero() {
			s.StepDetails.NextAttemptTimestamp = stamp(o.NextAttempt)
		}
	case TypeWait:
		s.WaitDetails = &WaitDetails{stamp(o.Until)}
	case TypeCallback:
		s.CallbackDetails = &CallbackDetails{o.CallbackID, outcome}
	case TypeChainedInvoke:
		s.ChainedInvokeDetails = &outcome
	}
	return s
}

// millis writes a time as handlers' events have it: a number of milliseconds since 1970. Source: the SDKs,
// aws-durable-execution-sdk-python, Operation.from_json_dict.
func millis(t time.Time) json.Number { return json.Number(strconv.FormatInt(t.UnixMilli(), 10)) }

// handlerEvent is what a handler is invoked with. Source: the SDKs, DurableExecutionInvocationInput.
func handlerEvent(arn, token string, operations []Operation, next string) ([]byte, error) {
	event := struct {
		DurableExecutionArn   string
		CheckpointToken       string
		InitialExecutionState struct {
			Operations []Shown
			NextMarker string
		}
	}{DurableExecutionArn: arn, CheckpointToken: token}
	event.InitialExecutionState.Operations = make([]Shown, len(operations))
	for i := range operations {
		event.InitialExecutionState.Operations[i] = operations[i].Show(millis)
	}
	event.InitialExecutionState.NextMarker = next
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(event); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

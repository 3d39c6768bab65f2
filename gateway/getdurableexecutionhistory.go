package gateway

import (
	"net/http"
	"time"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/durable"
)

func (c *call) getDurableExecutionHistory() error {
	limit, items, err := c.durablePage()
	if err != nil {
		return err
	}
	if err := api.CheckExecution(c.label(0), limit); err != nil {
		return err
	}
	ref, err := c.execution()
	if err != nil {
		return err
	}
	included, err := c.boolQuery("IncludeExecutionData", true)
	if err != nil {
		return err
	}
	newestFirst, err := c.boolQuery("ReverseOrder", false)
	if err != nil {
		return err
	}
	list, next, err := c.executions.History(c.r.Context(), ref, c.query("Marker"), items, newestFirst)
	if err != nil {
		return err
	}
	answer := api.HistoryAnswer{Events: make([]api.HistoryEvent, len(list)), NextMarker: next}
	for i := range list {
		answer.Events[i] = historyEvent(&list[i], included)
	}
	return c.json(http.StatusOK, answer)
}

// historyEvent is how the API shows an event; without data it says only that there is some.
func historyEvent(e *durable.Event, included bool) api.HistoryEvent {
	a := api.HistoryEvent{
		EventType: string(e.Type), SubType: e.SubType, EventId: e.Number, Id: e.Operation, Name: e.Name, EventTimestamp: api.FormatSeconds(e.At), ParentId: e.Parent,
	}
	outcome := historyOutcome(e, included)
	step := &api.HistoryStep{HistoryOutcome: *outcome, RetryDetails: api.HistoryRetry{CurrentAttempt: e.Attempt, NextAttemptDelaySeconds: e.Seconds}}
	switch e.Type {
	case durable.ExecutionStarted:
		a.ExecutionStartedDetails = &api.HistoryStarted{Input: *historyData(e.Payload, included), ExecutionTimeout: e.Seconds}
	case durable.ExecutionSucceeded:
		a.ExecutionSucceededDetails = outcome
	case durable.ExecutionFailed:
		a.ExecutionFailedDetails = outcome
	case durable.ExecutionTimedOut:
		a.ExecutionTimedOutDetails = outcome
	case durable.ExecutionStopped:
		a.ExecutionStoppedDetails = outcome
	case durable.ContextStarted:
		a.ContextStartedDetails = &struct{}{}
	case durable.ContextSucceeded:
		a.ContextSucceededDetails = outcome
	case durable.ContextFailed:
		a.ContextFailedDetails = outcome
	case durable.WaitStarted:
		a.WaitStartedDetails = &api.HistoryWait{Duration: e.Seconds, ScheduledEndTimestamp: api.FormatSeconds(e.At.Add(time.Duration(e.Seconds) * time.Second))}
	case durable.WaitSucceeded:
		a.WaitSucceededDetails = &api.HistoryWait{Duration: e.Seconds}
	case durable.WaitCancelled:
		a.WaitCancelledDetails = outcome
	case durable.StepStarted:
		a.StepStartedDetails = &struct{}{}
	case durable.StepSucceeded:
		a.StepSucceededDetails = step
	case durable.StepFailed:
		a.StepFailedDetails = step
	case durable.ChainedInvokeStarted:
		a.ChainedInvokeStartedDetails = historyChained(e, included)
	case durable.ChainedInvokeSucceeded:
		a.ChainedInvokeSucceededDetails = outcome
	case durable.ChainedInvokeFailed:
		a.ChainedInvokeFailedDetails = outcome
	case durable.ChainedInvokeTimedOut:
		a.ChainedInvokeTimedOutDetails = outcome
	case durable.ChainedInvokeStopped:
		a.ChainedInvokeStoppedDetails = outcome
	case durable.CallbackStarted:
		a.CallbackStartedDetails = &api.HistoryCallback{CallbackId: e.CallbackID, HeartbeatTimeout: e.Heartbeat, Timeout: e.Seconds}
	case durable.CallbackSucceeded:
		a.CallbackSucceededDetails = outcome
	case durable.CallbackFailed:
		a.CallbackFailedDetails = outcome
	case durable.CallbackTimedOut:
		a.CallbackTimedOutDetails = outcome
	case durable.InvocationCompleted:
		a.InvocationCompletedDetails = &api.HistoryInvocation{
			StartTimestamp: api.FormatSeconds(e.Begun), EndTimestamp: api.FormatSeconds(e.At), RequestId: e.RequestID, Error: outcome.Error,
		}
	default: // a history has no other events
	}
	return a
}

// historyOutcome is the result of what succeeded, the error of what did not.
func historyOutcome(e *durable.Event, included bool) *api.HistoryOutcome {
	switch e.Type {
	case durable.ExecutionSucceeded, durable.ContextSucceeded, durable.StepSucceeded, durable.ChainedInvokeSucceeded, durable.CallbackSucceeded:
		return &api.HistoryOutcome{Result: historyData(e.Payload, included)}
	case durable.WaitCancelled, durable.InvocationCompleted:
		if e.Error == nil {
			return &api.HistoryOutcome{}
		}
	default:
	}
	a := &api.HistoryError{Truncated: !included}
	if included {
		a.Payload = errorObject(e.Error)
	}
	return &api.HistoryOutcome{Error: a}
}

func historyData(payload *string, included bool) *api.HistoryData {
	if !included {
		return &api.HistoryData{Truncated: true}
	}
	return &api.HistoryData{Payload: payload}
}

func historyChained(e *durable.Event, included bool) *api.HistoryChainedInvoke {
	a := &api.HistoryChainedInvoke{FunctionName: e.Function, DurableExecutionArn: e.Child}
	if e.Payload != nil {
		a.Input = historyData(e.Payload, included)
	}
	return a
}

package api

import (
	"encoding/json"
	"strconv"

	"thaw.dev/thaw/lambda"
)

// ErrorObject says why something durable failed.
type ErrorObject struct {
	ErrorMessage *string  `json:",omitempty"`
	ErrorType    *string  `json:",omitempty"`
	ErrorData    *string  `json:",omitempty"`
	StackTrace   []string `json:",omitempty"`
}

// CheckpointRequest is the body of CheckpointDurableExecution.
type CheckpointRequest struct {
	CheckpointToken *string
	Updates         []OperationUpdate
	ClientToken     *string
}

// OperationUpdate is one change of an operation.
type OperationUpdate struct {
	Id             *string
	ParentId       *string
	Name           *string
	Type           *string
	SubType        *string
	Action         *string
	Payload        *string
	Error          *ErrorObject
	ContextOptions *struct {
		ReplayChildren *bool
	}
	StepOptions *struct {
		NextAttemptDelaySeconds *int
	}
	WaitOptions *struct {
		WaitSeconds *int
	}
	CallbackOptions *struct {
		TimeoutSeconds          *int
		HeartbeatTimeoutSeconds *int
	}
	ChainedInvokeOptions *struct {
		FunctionName *string
		TenantId     *string
		XAmznTraceId *string
	}
}

// Source of the patterns: Lambda API model.
var (
	executionARN    = newPattern(`arn:([a-zA-Z0-9-]+):lambda:([a-zA-Z0-9-]+):(\d{12}):function:([a-zA-Z0-9_-]+):(\$LATEST(?:\.PUBLISHED)?|[0-9]+)/durable-execution/([a-zA-Z0-9_-]+)/([a-zA-Z0-9_-]+)`)
	base64Text      = newPattern(`[A-Za-z0-9+/]+={0,2}`)
	clientToken     = newPattern(`[\x21-\x7E]+`)
	operationID     = newPattern(`[a-zA-Z0-9-_]+`)
	operationName   = newPattern(`[\x20-\x7E]+`)
	durableTenant   = newPattern(`[a-zA-Z0-9\._:\/=+\-@ ]+`)
	executionStates = []string{"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED", "DELETING", "PAUSING", "PAUSED"}
)

// maxCallbackSeconds is the longest timeout of a callback. Source: Lambda API model, CallbackOptions.
const maxCallbackSeconds = 99_999_999

func (c *Constraints) executionARN(arn string) {
	c.Length("durableExecutionArn", &arn, 1, 1024)
	c.Match("durableExecutionArn", &arn, executionARN)
}

func (c *Constraints) checkpointToken(token *string) {
	c.Required("checkpointToken", token != nil)
	c.Length("checkpointToken", token, 1, 2048)
	c.Match("checkpointToken", token, base64Text)
}

// Check is the constraint layer; arn is the path label.
func (r *CheckpointRequest) Check(arn string) error {
	var c Constraints
	c.executionARN(arn)
	c.checkpointToken(r.CheckpointToken)
	c.Length("clientToken", r.ClientToken, 1, 64)
	c.Match("clientToken", r.ClientToken, clientToken)
	for i := range r.Updates {
		r.Updates[i].check(&c, "updates."+strconv.Itoa(i+1)+".member.")
	}
	return c.Err()
}

func (u *OperationUpdate) check(c *Constraints, at string) {
	c.Required(at+"id", u.Id != nil)
	c.Length(at+"id", u.Id, 1, 64)
	c.Match(at+"id", u.Id, operationID)
	c.Length(at+"parentId", u.ParentId, 1, 64)
	c.Match(at+"parentId", u.ParentId, operationID)
	c.Length(at+"name", u.Name, 1, 256)
	c.Match(at+"name", u.Name, operationName)
	c.Length(at+"subType", u.SubType, 1, 32)
	c.Match(at+"subType", u.SubType, operationID)
	c.Required(at+"type", u.Type != nil)
	c.Enum(at+"type", u.Type, "EXECUTION", "CONTEXT", "STEP", "WAIT", "CALLBACK", "CHAINED_INVOKE")
	c.Required(at+"action", u.Action != nil)
	c.Enum(at+"action", u.Action, "START", "SUCCEED", "FAIL", "RETRY", "CANCEL")
	if o := u.StepOptions; o != nil {
		c.Range(at+"stepOptions.nextAttemptDelaySeconds", o.NextAttemptDelaySeconds, 1, lambda.MaxExecutionSeconds)
	}
	if o := u.WaitOptions; o != nil {
		c.Range(at+"waitOptions.waitSeconds", o.WaitSeconds, 1, lambda.MaxExecutionSeconds)
	}
	if o := u.CallbackOptions; o != nil {
		c.Range(at+"callbackOptions.timeoutSeconds", o.TimeoutSeconds, 0, maxCallbackSeconds)
		c.Range(at+"callbackOptions.heartbeatTimeoutSeconds", o.HeartbeatTimeoutSeconds, 0, maxCallbackSeconds)
	}
	if o := u.ChainedInvokeOptions; o != nil {
		c.Required(at+"chainedInvokeOptions.functionName", o.FunctionName != nil)
		c.Length(at+"chainedInvokeOptions.functionName", o.FunctionName, 1, 256)
		c.Match(at+"chainedInvokeOptions.functionName", o.FunctionName, namespacedName)
		c.Length(at+"chainedInvokeOptions.tenantId", o.TenantId, 1, 256)
		c.Match(at+"chainedInvokeOptions.tenantId", o.TenantId, durableTenant)
		c.Length(at+"chainedInvokeOptions.xAmznTraceId", o.XAmznTraceId, 0, 8192)
	}
}

// CheckExecution is the constraint layer of operations that name an execution and have a MaxItems, nil if not.
func CheckExecution(arn string, maxItems *int) error {
	var c Constraints
	c.executionARN(arn)
	c.Range("maxItems", maxItems, 0, 1000)
	return c.Err()
}

// CheckExecutionState is the constraint layer of GetDurableExecutionState; token is "" if it is absent.
func CheckExecutionState(arn, token string, maxItems *int) error {
	var c Constraints
	c.executionARN(arn)
	if token == "" {
		c.checkpointToken(nil)
	} else {
		c.checkpointToken(&token)
	}
	c.Range("maxItems", maxItems, 0, 1000)
	return c.Err()
}

// CheckCallback is the constraint layer of the operations on callbacks.
func CheckCallback(id string) error {
	var c Constraints
	c.Length("callbackId", &id, 1, 1024)
	c.Match("callbackId", &id, base64Text)
	return c.Err()
}

// CheckExecutionList is the constraint layer of ListDurableExecutionsByFunction; query has its parameters.
func CheckExecutionList(function, version string, query map[string][]string, maxItems *int) error {
	var c Constraints
	if err := CheckName(function, version); err != nil {
		return err
	}
	if name, ok := query["DurableExecutionName"]; ok {
		c.Length("durableExecutionName", &name[0], 1, 64)
		c.Match("durableExecutionName", &name[0], operationID)
	}
	c.EnumList("statuses", query["Statuses"], 1, 10, executionStates...)
	c.Range("maxItems", maxItems, 0, 1000)
	return c.Err()
}

// DurableExecution is the answer of GetDurableExecution, and with fewer members what lists have.
type DurableExecution struct {
	DurableExecutionArn               string
	DurableExecutionName              string
	FunctionArn                       string
	InputPayload                      *string      `json:",omitempty"`
	Result                            *string      `json:",omitempty"`
	Error                             *ErrorObject `json:",omitempty"`
	StartTimestamp                    json.Number
	Status                            string
	EndTimestamp                      json.Number          `json:",omitempty"`
	Version                           string               `json:",omitempty"`
	TraceHeader                       *TraceHeader         `json:",omitempty"`
	ExecutionDataIncluded             *bool                `json:",omitempty"`
	DurableConfig                     *DurableConfigAnswer `json:",omitempty"`
	ExpectedExecutionTimeoutTimestamp json.Number          `json:",omitempty"`
}

// TraceHeader carries an execution's trace header.
type TraceHeader struct {
	XAmznTraceId string
}

// ListDurableExecutionsAnswer is the answer of ListDurableExecutionsByFunction.
type ListDurableExecutionsAnswer struct {
	DurableExecutions []DurableExecution
	NextMarker        string `json:",omitempty"`
}

// StopDurableExecutionAnswer is the answer of StopDurableExecution.
type StopDurableExecutionAnswer struct {
	StopTimestamp json.Number
}

// HistoryAnswer is the answer of GetDurableExecutionHistory.
type HistoryAnswer struct {
	Events     []HistoryEvent
	NextMarker string `json:",omitempty"`
}

// HistoryEvent is one event of a history, with the details of its type.
type HistoryEvent struct {
	EventType                     string
	SubType                       string `json:",omitempty"`
	EventId                       int
	Id                            string `json:",omitempty"`
	Name                          string `json:",omitempty"`
	EventTimestamp                json.Number
	ParentId                      string                `json:",omitempty"`
	ExecutionStartedDetails       *HistoryStarted       `json:",omitempty"`
	ExecutionSucceededDetails     *HistoryOutcome       `json:",omitempty"`
	ExecutionFailedDetails        *HistoryOutcome       `json:",omitempty"`
	ExecutionTimedOutDetails      *HistoryOutcome       `json:",omitempty"`
	ExecutionStoppedDetails       *HistoryOutcome       `json:",omitempty"`
	ContextStartedDetails         *struct{}             `json:",omitempty"`
	ContextSucceededDetails       *HistoryOutcome       `json:",omitempty"`
	ContextFailedDetails          *HistoryOutcome       `json:",omitempty"`
	WaitStartedDetails            *HistoryWait          `json:",omitempty"`
	WaitSucceededDetails          *HistoryWait          `json:",omitempty"`
	WaitCancelledDetails          *HistoryOutcome       `json:",omitempty"`
	StepStartedDetails            *struct{}             `json:",omitempty"`
	StepSucceededDetails          *HistoryStep          `json:",omitempty"`
	StepFailedDetails             *HistoryStep          `json:",omitempty"`
	ChainedInvokeStartedDetails   *HistoryChainedInvoke `json:",omitempty"`
	ChainedInvokeSucceededDetails *HistoryOutcome       `json:",omitempty"`
	ChainedInvokeFailedDetails    *HistoryOutcome       `json:",omitempty"`
	ChainedInvokeTimedOutDetails  *HistoryOutcome       `json:",omitempty"`
	ChainedInvokeStoppedDetails   *HistoryOutcome       `json:",omitempty"`
	CallbackStartedDetails        *HistoryCallback      `json:",omitempty"`
	CallbackSucceededDetails      *HistoryOutcome       `json:",omitempty"`
	CallbackFailedDetails         *HistoryOutcome       `json:",omitempty"`
	CallbackTimedOutDetails       *HistoryOutcome       `json:",omitempty"`
	InvocationCompletedDetails    *HistoryInvocation    `json:",omitempty"`
}

// HistoryData is an input or a result; without data it says that it was left out.
type HistoryData struct {
	Payload   *string `json:",omitempty"`
	Truncated bool
}

// HistoryError is an error; without data it says that it was left out.
type HistoryError struct {
	Payload   *ErrorObject `json:",omitempty"`
	Truncated bool
}

// HistoryOutcome are the details of what ended.
type HistoryOutcome struct {
	Result *HistoryData  `json:",omitempty"`
	Error  *HistoryError `json:",omitempty"`
}

// HistoryStarted are the details of ExecutionStarted.
type HistoryStarted struct {
	Input            HistoryData
	ExecutionTimeout int // seconds
}

// HistoryWait are the details of a wait.
type HistoryWait struct {
	Duration              int         // seconds
	ScheduledEndTimestamp json.Number `json:",omitempty"`
}

// HistoryStep are the details of a step's attempt.
type HistoryStep struct {
	HistoryOutcome
	RetryDetails HistoryRetry
}

// HistoryRetry says which attempt it was, and when the next one is.
type HistoryRetry struct {
	CurrentAttempt          int
	NextAttemptDelaySeconds int `json:",omitempty"`
}

// HistoryChainedInvoke are the details of a chained invoke.
type HistoryChainedInvoke struct {
	FunctionName        string
	Input               *HistoryData `json:",omitempty"`
	ExecutedVersion     string       `json:",omitempty"`
	DurableExecutionArn string       `json:",omitempty"`
}

// HistoryCallback are the details of a callback.
type HistoryCallback struct {
	CallbackId       string
	HeartbeatTimeout int `json:",omitempty"` // seconds
	Timeout          int `json:",omitempty"` // seconds
}

// HistoryInvocation are the details of an invocation.
type HistoryInvocation struct {
	StartTimestamp json.Number
	EndTimestamp   json.Number
	RequestId      string
	Error          *HistoryError `json:",omitempty"`
}

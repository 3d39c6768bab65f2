package invoke

import (
	"encoding/json"
	"errors"
	"fmt"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/pool"
	"thaw.dev/thaw/telemetry"
)

// unhandled is the only value X-Amz-Function-Error has in practice. Source: recordings of AWS answers.
const unhandled = "Unhandled"

// Error types that the platform itself gives to failed invocations. Source: AWS's Runtime Interface Emulator.
const (
	typeTimeout     = pool.TypeTimeout
	typeSandbox     = "Sandbox.Failure"
	typeExit        = pool.TypeExit
	typeOutOfMemory = "Runtime.OutOfMemory"
	typeUnknown     = pool.TypeUnknown
	typeTooLarge    = "Function.ResponseSizeTooLarge"
	typeTruncated   = "Runtime.TruncatedResponse"
)

const (
	endedUnexpectedly = "The execution environment ended unexpectedly"
	killed            = "Runtime exited with error: signal: killed"
)

// lost is the result of an invocation for which no environment lives through its init.
func lost(req *Request, version string) *Result {
	return &Result{
		Payload:         errorObject(typeSandbox, "RequestId: "+req.ID+" Error: "+endedUnexpectedly),
		FunctionError:   unhandled,
		ErrorType:       typeSandbox,
		ExecutedVersion: version,
	}
}

// failure is an invocation that went wrong by the function's doing.
type failure struct {
	payload   []byte
	status    telemetry.Status
	errorType string
}

// failure returns what went wrong with the invocation, nil if it succeeded.
func (r *run) failure(reply link.Reply, err error) *failure {
	switch {
	case err == nil && reply.TooLarge:
		return &failure{
			payload: errorObject(typeTooLarge, fmt.Sprintf(
				"Response payload size exceeded maximum allowed payload size (%d bytes).", lambda.MaxResponseBytes)),
			status: telemetry.Error, errorType: typeTooLarge,
		}
	case err == nil && reply.Failed && reply.ErrorType == typeTruncated && r.env.OutOfMemory(false):
		return &failure{
			payload: errorObject(typeOutOfMemory, "RequestId: "+r.req.ID+" Error: "+killed),
			status:  telemetry.Error, errorType: typeOutOfMemory,
		}
	case err == nil && reply.Failed:
		return &failure{payload: reply.Payload, status: telemetry.Error, errorType: pool.CleanErrorType(reply.ErrorType)}
	case err == nil:
		return nil
	}
	if e, ok := errors.AsType[*link.InitError](err); ok {
		return &failure{payload: e.Payload, status: telemetry.Error, errorType: pool.CleanErrorType(e.ErrorType)}
	}
	if errors.Is(err, link.ErrStreamTooLong) {
		return &failure{
			payload: errorObject(typeTooLarge, fmt.Sprintf(
				"Response payload size exceeded maximum allowed payload size (%d bytes).", link.MaxStreamBytes)),
			status: telemetry.Error, errorType: typeTooLarge,
		}
	}
	status, errorType, text := telemetry.Failure, typeSandbox, endedUnexpectedly
	exit, exited := errors.AsType[*link.ExitError](err)
	extension, broke := errors.AsType[*link.ExtensionError](err)
	switch {
	case broke:
		errorType, text = pool.CleanErrorType(extension.Type), cleanText(extension.Message)
	case errors.Is(err, link.ErrTimeout):
		status, errorType = telemetry.Timeout, typeTimeout
		text = fmt.Sprintf("Task timed out after %.2f seconds", r.env.Function.TimeoutDuration().Seconds())
	case (exited || errors.Is(err, link.ErrClosed)) && r.env.OutOfMemory(!exited):
		errorType, text = typeOutOfMemory, killed
	case exited:
		errorType, text = describeExit(exit)
	case errors.Is(err, link.ErrProtocol):
		status, errorType, text = telemetry.Error, typeUnknown, "Runtime sent something that is no answer"
	}
	return &failure{
		payload: errorObject(errorType, "RequestId: "+r.req.ID+" Error: "+text),
		status:  status, errorType: errorType,
	}
}

func describeExit(e *link.ExitError) (errorType, text string) {
	switch {
	case e.StartError != "":
		return pool.CleanErrorType(e.StartError), e.Message
	case e.Signal != "":
		return typeExit, "Runtime exited with error: signal: " + e.Signal
	case e.Code == 0:
		return typeExit, "Runtime exited without providing a reason"
	}
	return typeExit, fmt.Sprintf("Runtime exited with error: exit status %d", e.Code)
}

func errorObject(errorType, message string) []byte {
	b, _ := json.Marshal(struct { // strings cannot fail to encode
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}{errorType, message})
	return b
}

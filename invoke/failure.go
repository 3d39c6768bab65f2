package invoke

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
)

// unhandled is the only value X-Amz-Function-Error has in practice. Source: recordings of AWS answers.
const unhandled = "Unhandled"

// Error types that the platform itself gives to failed invocations. Source: AWS's Runtime Interface Emulator.
const (
	typeTimeout     = "Sandbox.Timedout"
	typeSandbox     = "Sandbox.Failure"
	typeExit        = "Runtime.ExitError"
	typeOutOfMemory = "Runtime.OutOfMemory"
	typeUnknown     = "Runtime.Unknown"
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
	status    string
	errorType string
}

// failure returns what went wrong with the invocation, nil if it succeeded.
func (r *run) failure(reply link.Reply, err error) *failure {
	switch {
	case err == nil && reply.TooLarge:
		return &failure{
			payload: errorObject(typeTooLarge, fmt.Sprintf(
				"Response payload size exceeded maximum allowed payload size (%d bytes).", lambda.MaxResponseBytes)),
			status: statusError, errorType: typeTooLarge,
		}
	case err == nil && reply.Failed && reply.ErrorType == typeTruncated && r.env.OutOfMemory(false):
		return &failure{
			payload: errorObject(typeOutOfMemory, "RequestId: "+r.req.ID+" Error: "+killed),
			status:  statusError, errorType: typeOutOfMemory,
		}
	case err == nil && reply.Failed:
		return &failure{payload: reply.Payload, status: statusError, errorType: cleanErrorType(reply.ErrorType)}
	case err == nil:
		return nil
	}
	if e, ok := errors.AsType[*link.InitError](err); ok {
		return &failure{payload: e.Payload, status: statusError, errorType: cleanErrorType(e.ErrorType)}
	}
	if errors.Is(err, link.ErrStreamTooLong) {
		return &failure{
			payload: errorObject(typeTooLarge, fmt.Sprintf(
				"Response payload size exceeded maximum allowed payload size (%d bytes).", link.MaxStreamBytes)),
			status: statusError, errorType: typeTooLarge,
		}
	}
	status, errorType, text := statusError, typeSandbox, endedUnexpectedly
	exit, exited := errors.AsType[*link.ExitError](err)
	extension, broke := errors.AsType[*link.ExtensionError](err)
	switch {
	case broke:
		errorType, text = cleanErrorType(extension.Type), cleanText(extension.Message)
	case errors.Is(err, link.ErrTimeout):
		status, errorType = statusTimeout, typeTimeout
		text = fmt.Sprintf("Task timed out after %.2f seconds", r.env.Function.TimeoutDuration().Seconds())
	case (exited || errors.Is(err, link.ErrClosed)) && r.env.OutOfMemory(!exited):
		errorType, text = typeOutOfMemory, killed
	case exited:
		errorType, text = describeExit(exit)
	case errors.Is(err, link.ErrProtocol):
		errorType, text = typeUnknown, "Runtime sent something that is no answer"
	}
	return &failure{
		payload: errorObject(errorType, "RequestId: "+r.req.ID+" Error: "+text),
		status:  status, errorType: errorType,
	}
}

func describeExit(e *link.ExitError) (errorType, text string) {
	switch {
	case e.StartError != "":
		return cleanErrorType(e.StartError), e.Message
	case e.Signal != "":
		return typeExit, "Runtime exited with error: signal: " + e.Signal
	case e.Code == 0:
		return typeExit, "Runtime exited without providing a reason"
	}
	return typeExit, fmt.Sprintf("Runtime exited with error: exit status %d", e.Code)
}

// maxErrorType bounds an error type that a runtime made up, for log lines.
const maxErrorType = 128

// cleanErrorType makes an error type out of a sandbox fit for a log line.
func cleanErrorType(s string) string {
	out := make([]byte, 0, min(len(s), maxErrorType))
	for i := 0; i < len(s) && i < maxErrorType; i++ {
		if c := s[i]; c > ' ' && c < 0x7f {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return typeUnknown
	}
	return string(out)
}

func errorObject(errorType, message string) []byte {
	b, _ := json.Marshal(struct { // strings cannot fail to encode
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}{errorType, message})
	return b
}

// logInitFailure writes the INIT_REPORT line of an init phase that failed before this invocation.
func (r *run) logInitFailure() {
	status, errorType := statusError, typeExit
	err := r.env.InitFailure
	if e, ok := errors.AsType[*link.InitError](err); ok {
		errorType = cleanErrorType(e.ErrorType)
	} else if e, ok := errors.AsType[*link.ExitError](err); ok {
		errorType, _ = describeExit(e)
	} else if e, ok := errors.AsType[*link.ExtensionError](err); ok {
		errorType = cleanErrorType(e.Type)
	}
	line := fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: init\tStatus: ", millis(r.env.Cold.Init.Round(time.Microsecond)))
	if errors.Is(err, link.ErrTimeout) {
		status = statusTimeout
	}
	line += status
	if status == statusError {
		line += "\tError Type: " + errorType
	}
	r.env.Log.Printf("%s", line)
}

package invoke

import "time"

// Request is one synchronous invocation as the gateway decoded it.
type Request struct {
	ID            string // UUID; the caller's x-amzn-RequestId and the function's request id
	Account       string // the authenticated caller's account
	Function      string // name
	Qualifier     string // "" or "$LATEST"; anything else is KindNotFound until versions exist
	ARN           string // the function's ARN in the form the caller used; the function sees it
	Payload       []byte // the event: JSON, at most lambda.MaxSyncPayloadBytes
	ClientContext string // JSON text, already base64-decoded; "" if none
	TraceID       string // X-Amzn-Trace-Id; "" if none
	LogTail       bool   // return the end of the invocation's log
}

// Result is the answer of a function, also of one that failed.
type Result struct {
	Payload         []byte // the function's result, or an error object
	FunctionError   string // "" or "Unhandled"
	ExecutedVersion string // "$LATEST"
	LogTail         []byte // the last lambda.LogTailBytes of the log, if asked for
	Phases          []Phase
}

// Phase is one timed part of an invocation.
type Phase struct {
	Name     string // place, code and init of a cold start, and invoke
	Duration time.Duration
}

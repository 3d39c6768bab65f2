package invoke

import "time"

// Request is one invocation as the gateway decoded it.
type Request struct {
	ID            string // UUID; the caller's x-amzn-RequestId and the function's request id
	Account       string // the authenticated caller's account
	Function      string // name
	Qualifier     string // version, "$LATEST", or "" for that
	ARN           string // the function's ARN in the form the caller used; the function sees it
	Payload       []byte // the event: JSON, at most lambda.MaxSyncPayloadBytes
	ClientContext string // JSON text, already base64-decoded; "" if none
	TraceID       string // X-Amzn-Trace-Id as the caller sent it; "" if none
	Tenant        string // whom of the caller's tenants it is for; "" if none
	LogTail       bool   // return the end of the invocation's log
	Queued        bool   // comes from the queue of events: no rate of requests bounds it
}

// Result is the answer of a function, also of one that failed.
type Result struct {
	Payload         []byte // the function's result, or an error object
	FunctionError   string // "" or "Unhandled"
	ErrorType       string // what failed, as in the REPORT line: "Runtime.ExitError", …; "" if nothing did
	ExecutedVersion string // "$LATEST" or a number
	TraceID         string // X-Amzn-Trace-Id as the function got it
	LogTail         []byte // the last lambda.LogTailBytes of the log, if asked for
	StreamedBytes   int64  // how much of a streamed answer came, also before it failed
	Phases          []Phase
}

// Phase is one timed part of an invocation that its caller waited for.
type Phase struct {
	Name     string // one of the constants below
	Duration time.Duration
	Source   string // of PhasePlace: what the cold start began with, a pool.Source; "" for the others
}

// Names of phases, in the order in which they come. The first three are there after a cold start, PhaseThaw where the
// environment was frozen, PhaseInvoke always.
const (
	PhasePlace  = "place"
	PhaseCode   = "code"
	PhaseInit   = "init"
	PhaseThaw   = "thaw"
	PhaseInvoke = "invoke"
)

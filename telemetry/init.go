package telemetry

import "fmt"

// Phases in which a runtime is initialised.
const (
	PhaseInit      = "init"       // the init phase
	PhaseInvoke    = "invoke"     // again, inside an invocation
	PhaseSnapStart = "snap-start" // to make a snapshot of it
)

// InitStart says that init begins.
type InitStart struct {
	InitializationType string `json:"initializationType"` // AWS_LAMBDA_INITIALIZATION_TYPE
	Phase              string `json:"phase"`
	RuntimeVersion     string `json:"runtimeVersion,omitempty"` // "python:3.11.7"
	RuntimeVersionARN  string `json:"runtimeVersionArn,omitempty"`
	FunctionName       string `json:"functionName"`
	FunctionVersion    string `json:"functionVersion"`
	FunctionARN        string `json:"functionArn,omitempty"`
	InstanceID         string `json:"instanceId"`
	InstanceMaxMemory  int    `json:"instanceMaxMemory"` // MB
}

// Type implements Record.
func (InitStart) Type() string { return "platform.initStart" }

// Text implements Record. An init inside an invocation has no line of its own.
func (r InitStart) Text() string {
	if r.Phase == PhaseInvoke {
		return ""
	}
	return versionLine("INIT_START", r.RuntimeVersion, r.RuntimeVersionARN)
}

// Level implements Record.
func (r InitStart) Level() Level { return withVersion(r.RuntimeVersion) }

func versionLine(what, label, arn string) string {
	return what + " Runtime Version: " + label + "\tRuntime Version ARN: " + arn
}

func withVersion(label string) Level {
	if label == "" {
		return Debug
	}
	return Info
}

// InitRuntimeDone says how the runtime's part of init ended.
type InitRuntimeDone struct {
	InitializationType string `json:"initializationType"`
	Phase              string `json:"phase"`
	Status             Status `json:"status"`
	ErrorType          string `json:"errorType,omitempty"`
	Spans              []Span `json:"spans,omitempty"`
}

// Type implements Record.
func (InitRuntimeDone) Type() string { return "platform.initRuntimeDone" }

// Text implements Record.
func (InitRuntimeDone) Text() string { return "" }

// Level implements Record.
func (r InitRuntimeDone) Level() Level { return worse(r.Status, Debug) }

// InitReport is the account of an init.
type InitReport struct {
	InitializationType string      `json:"initializationType"`
	Phase              string      `json:"phase"`
	Status             Status      `json:"status"`
	ErrorType          string      `json:"errorType,omitempty"`
	Metrics            InitMetrics `json:"metrics"`
	Spans              []Span      `json:"spans,omitempty"`
}

// InitMetrics are the numbers of an InitReport or a RestoreReport.
type InitMetrics struct {
	Duration Millis `json:"durationMs"`
}

// Type implements Record.
func (InitReport) Type() string { return "platform.initReport" }

// Text implements Record. Only a failed init has a line; the REPORT line shows the others.
func (r InitReport) Text() string {
	if r.Status == Success {
		return ""
	}
	return fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: %s\t%s", r.Metrics.Duration.float(), r.Phase,
		statusFields(r.Status, r.ErrorType))
}

// Level implements Record.
func (r InitReport) Level() Level {
	if r.InitializationType == "on-demand" {
		return worse(r.Status, Debug)
	}
	return worse(r.Status, Info)
}

// statusFields end a line about a failed init or restore. A timeout needs no error type.
func statusFields(s Status, errorType string) string {
	if s == Timeout || errorType == "" {
		return "Status: " + string(s)
	}
	return "Status: error\tError Type: " + errorType
}

// RestoreStart says that an environment is restored from its function's snapshot.
type RestoreStart struct {
	RuntimeVersion    string `json:"runtimeVersion,omitempty"`
	RuntimeVersionARN string `json:"runtimeVersionArn,omitempty"`
	FunctionName      string `json:"functionName"`
	FunctionVersion   string `json:"functionVersion"`
	FunctionARN       string `json:"functionArn,omitempty"`
	InstanceID        string `json:"instanceId"`
	InstanceMaxMemory int    `json:"instanceMaxMemory"` // MB
}

// Type implements Record.
func (RestoreStart) Type() string { return "platform.restoreStart" }

// Text implements Record.
func (r RestoreStart) Text() string {
	return versionLine("RESTORE_START", r.RuntimeVersion, r.RuntimeVersionARN)
}

// Level implements Record.
func (r RestoreStart) Level() Level { return withVersion(r.RuntimeVersion) }

// RestoreRuntimeDone says how the hooks after a restore ended.
type RestoreRuntimeDone struct {
	Status    Status `json:"status"`
	ErrorType string `json:"errorType,omitempty"`
	Spans     []Span `json:"spans,omitempty"`
}

// Type implements Record.
func (RestoreRuntimeDone) Type() string { return "platform.restoreRuntimeDone" }

// Text implements Record.
func (RestoreRuntimeDone) Text() string { return "" }

// Level implements Record.
func (r RestoreRuntimeDone) Level() Level { return worse(r.Status, Debug) }

// RestoreReport is the account of a restore.
type RestoreReport struct {
	Status    Status      `json:"status"`
	ErrorType string      `json:"errorType,omitempty"`
	Metrics   InitMetrics `json:"metrics"`
	Spans     []Span      `json:"spans,omitempty"`
}

// Type implements Record.
func (RestoreReport) Type() string { return "platform.restoreReport" }

// Text implements Record.
func (r RestoreReport) Text() string {
	line := fmt.Sprintf("RESTORE_REPORT Restore Duration: %.2f ms", r.Metrics.Duration.float())
	if r.Status != Success {
		line += "\t" + statusFields(r.Status, r.ErrorType)
	}
	return line
}

// Level implements Record.
func (r RestoreReport) Level() Level { return worse(r.Status, Info) }

package telemetry

import (
	"fmt"
	"strings"
	"time"
)

// Start says that an invocation begins.
type Start struct {
	RequestID string   `json:"requestId"`
	Version   string   `json:"version,omitempty"`
	TenantID  string   `json:"tenantId,omitempty"`
	Tracing   *Tracing `json:"tracing,omitempty"`
}

// Type implements Record.
func (Start) Type() string { return "platform.start" }

// Text implements Record.
func (r Start) Text() string { return "START RequestId: " + r.RequestID + " Version: " + r.Version }

// Level implements Record.
func (Start) Level() Level { return Info }

// TimedOut is the line about a timeout that stands before the invocation's END. It is no event of the Telemetry API,
// where Report says it, nor of a log of format JSON.
type TimedOut struct {
	At        time.Time
	RequestID string
	After     time.Duration // the function's timeout
}

// Type implements Record.
func (TimedOut) Type() string { return "" }

// Text implements Record.
func (r TimedOut) Text() string {
	return fmt.Sprintf("%s %s Task timed out after %.2f seconds", r.At.UTC().Format(TimeFormat), r.RequestID, r.After.Seconds())
}

// Level implements Record.
func (TimedOut) Level() Level { return Never }

// RuntimeDone says how the runtime's part of an invocation ended.
type RuntimeDone struct {
	RequestID string             `json:"requestId"`
	Status    Status             `json:"status"`
	ErrorType string             `json:"errorType,omitempty"`
	Metrics   RuntimeDoneMetrics `json:"metrics"`
	Spans     []Span             `json:"spans,omitempty"`
	Tracing   *Tracing           `json:"tracing,omitempty"`
}

// RuntimeDoneMetrics are the numbers of a RuntimeDone.
type RuntimeDoneMetrics struct {
	Duration      Millis `json:"durationMs"`
	ProducedBytes int    `json:"producedBytes"` // of the answer
}

// Type implements Record.
func (RuntimeDone) Type() string { return "platform.runtimeDone" }

// Text implements Record.
func (RuntimeDone) Text() string { return "" }

// Level implements Record.
func (r RuntimeDone) Level() Level { return worse(r.Status, Debug) }

// End says that an invocation is over. It is an event of the Logs API only, and a line of text.
type End struct {
	RequestID string `json:"requestId"`
}

// Type implements Record.
func (End) Type() string { return "platform.end" }

// Text implements Record.
func (r End) Text() string { return "END RequestId: " + r.RequestID }

// Level implements Record.
func (End) Level() Level { return Never }

// Report is the account of an invocation.
type Report struct {
	RequestID string        `json:"requestId"`
	Status    Status        `json:"status"`
	ErrorType string        `json:"errorType,omitempty"`
	Metrics   ReportMetrics `json:"metrics"`
	Spans     []Span        `json:"spans,omitempty"`
	Tracing   *Tracing      `json:"tracing,omitempty"`
	// Engine is what isolates the function, where the operator lets its owner know; Lambda has no such member.
	Engine string `json:"engine,omitempty"`
	// Segment ends the text; its zero value stands for a trace that is not sampled.
	Segment Segment `json:"-"`
}

// Segment names the function's own part of a sampled trace.
type Segment struct{ TraceID, ID string }

// ReportMetrics are the numbers of a Report. 0 leaves out those of a cold start.
type ReportMetrics struct {
	Duration      Millis `json:"durationMs"`
	Billed        int64  `json:"billedDurationMs"`
	MemoryMB      int    `json:"memorySizeMB"`
	PeakMB        int    `json:"maxMemoryUsedMB"`
	Init          Millis `json:"initDurationMs,omitzero"`
	Restore       Millis `json:"restoreDurationMs,omitzero"`
	BilledRestore int64  `json:"billedRestoreDurationMs,omitempty"`
}

// Bill computes the billed durations: the cold start and the invocation together, rounded up once. Init counts since
// August 2025. Source: AWS Lambda pricing.
func (m *ReportMetrics) Bill() {
	m.Billed = (m.Duration + m.Init + m.Restore).ceil()
	// Lambda bills only what the function's hooks do after the memory was loaded; nobody tells those apart here.
	m.BilledRestore = m.Restore.ceil()
}

// Type implements Record.
func (Report) Type() string { return "platform.report" }

// Text implements Record.
func (r Report) Text() string {
	var b strings.Builder
	m := &r.Metrics
	fmt.Fprintf(&b, "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		r.RequestID, m.Duration.float(), m.Billed, m.MemoryMB, m.PeakMB)
	if m.Init > 0 {
		fmt.Fprintf(&b, "Init Duration: %.2f ms\t", m.Init.float())
	}
	if m.Restore > 0 {
		fmt.Fprintf(&b, "Restore Duration: %.2f ms\tBilled Restore Duration: %d ms\t", m.Restore.float(), m.BilledRestore)
	}
	if r.Status != Success {
		status := r.Status
		if status == Failure { // the line has one word for both
			status = Error
		}
		fmt.Fprintf(&b, "Status: %s\t", status)
		if r.ErrorType != "" {
			fmt.Fprintf(&b, "Error Type: %s\t", r.ErrorType)
		}
	}
	if r.Engine != "" {
		fmt.Fprintf(&b, "Engine: %s\t", r.Engine)
	}
	if r.Segment != (Segment{}) {
		fmt.Fprintf(&b, "\nXRAY TraceId: %s\tSegmentId: %s\tSampled: true\t", r.Segment.TraceID, r.Segment.ID)
	}
	return b.String()
}

// Level implements Record.
func (r Report) Level() Level { return worse(r.Status, Info) }

// Fault is a failure of the environment in the words of a log. It is for subscribers; logs have it in other events.
type Fault string

// Type implements Record.
func (Fault) Type() string { return "platform.fault" }

// Text implements Record.
func (Fault) Text() string { return "" }

// Level implements Record.
func (Fault) Level() Level { return Never }

package telemetry

import (
	"bytes"
	"encoding/json"
	"math"
	"time"
)

// Record is what one platform event says. The types of this package are all there are.
type Record interface {
	// Type is the event's name on the wire, "platform.start".
	Type() string
	// Text is the event's line in a log of format Text, without the newline; "" if it has none there.
	Text() string
	// Level is the least system log level at which a log of format JSON has the event.
	Level() Level
}

// TimeFormat is how events show a time, which must be UTC.
const TimeFormat = "2006-01-02T15:04:05.000Z"

// Encode returns the event as one line of JSON: {"time", "type", "record"}.
func Encode(at time.Time, r Record) []byte { return encode(at, r.Type(), r) }

func encode(at time.Time, kind string, record any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // an ARN or a line reads as it was written
	_ = e.Encode(struct {  // strings, numbers and lists of them always encode
		Time   string `json:"time"`
		Type   string `json:"type"`
		Record any    `json:"record"`
	}{at.UTC().Format(TimeFormat), kind, record})
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}

// Status is how a phase or an invocation ended.
type Status string

// Values of Status.
const (
	Success Status = "success"
	Failure Status = "failure" // the runtime ended
	Error   Status = "error"   // the runtime reported an error, or the answer was none
	Timeout Status = "timeout"
)

// Millis is a duration, which events show in milliseconds with up to three decimals.
type Millis time.Duration

// MarshalJSON implements json.Marshaler.
func (m Millis) MarshalJSON() ([]byte, error) { return json.Marshal(math.Round(m.float()*1000) / 1000) }

func (m Millis) float() float64 { return float64(m) / float64(time.Millisecond) }

// ceil is the duration in whole milliseconds, rounded up.
func (m Millis) ceil() int64 { return int64(math.Ceil(m.float())) }

// Span is a timed part of a phase.
type Span struct {
	Name     string `json:"name"` // a Span constant
	Start    string `json:"start"`
	Duration Millis `json:"durationMs"`
}

// Names of spans.
const (
	SpanResponseLatency  = "responseLatency"  // from the event's delivery to the first of the answer
	SpanResponseDuration = "responseDuration" // from there to the answer's end
)

// NewSpan returns the part called name that began at start.
func NewSpan(name string, start time.Time, d time.Duration) Span {
	return Span{Name: name, Start: start.UTC().Format(TimeFormat), Duration: Millis(d)}
}

// Tracing ties an event to an X-Ray trace.
type Tracing struct {
	SpanID string `json:"spanId,omitempty"` // of the function's own segment; "" if the trace is not sampled
	Type   string `json:"type"`             // TracingType
	Value  string `json:"value"`            // the trace header that the function sees
}

// TracingType is the only value of Tracing.Type.
const TracingType = "X-Amzn-Trace-Id"

package gateway

import (
	"net/http"
	"strings"
	"time"

	"thaw.dev/thaw/telemetry"
)

// Bounds on a caller's trace headers, in bytes: the first goes into every environment it reaches. Source of the second:
// W3C Trace Context, "tracestate Limits".
const (
	maxTraceID    = 1024
	maxTraceState = 512
)

// traceID is the caller's trace as an X-Ray header, from its header of that kind or else from a W3C traceparent; without
// one that can be used it is a new trace, about which nobody has decided yet whether it is sampled.
func traceID(h http.Header) string {
	if id := h.Get("X-Amzn-Trace-Id"); id != "" && len(id) <= maxTraceID && strings.IndexFunc(id, unprintable) < 0 {
		return id
	}
	if w3c, ok := telemetry.FromTraceparent(h.Get("Traceparent")); ok {
		return w3c.String()
	}
	return telemetry.TraceHeader{Root: telemetry.NewTraceRoot(time.Now()), Parent: telemetry.NewSegmentID()}.String()
}

// answerTrace tells the caller the trace that the function had, in W3C's form as well if the caller speaks that.
func (c *call) answerTrace(trace string) {
	h := c.w.Header()
	h["X-Amzn-Trace-Id"] = []string{trace}
	if c.r.Header.Get("Traceparent") == "" {
		return
	}
	if parent := telemetry.ParseTraceHeader(trace).Traceparent(); parent != "" {
		h["Traceparent"] = []string{parent}
		if state := c.r.Header.Get("Tracestate"); state != "" && len(state) <= maxTraceState && strings.IndexFunc(state, unprintable) < 0 {
			h["Tracestate"] = []string{state}
		}
	}
}

func unprintable(r rune) bool { return r < ' ' || r > '~' }

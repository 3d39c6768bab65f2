package invoke

import (
	"math/rand/v2"
	"sync"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/telemetry"
)

// sampleShare of the invocations are sampled beyond the first of each second, of every function with active tracing whose
// callers have not decided. Source: AWS Lambda developer guide, "Visualize Lambda function invocations using AWS X-Ray".
const sampleShare = 0.05

// trace is the X-Ray trace that an invocation belongs to.
type trace struct {
	header  string            // as the function gets it
	segment telemetry.Segment // the function's own; zero if there is none
}

// event is the trace as events show it, nil if the invocation has none.
func (t trace) event() *telemetry.Tracing {
	if t.header == "" {
		return nil
	}
	return &telemetry.Tracing{SpanID: t.segment.ID, Type: telemetry.TracingType, Value: t.header}
}

// sampler decides which traces are sampled.
type sampler struct {
	mu   sync.Mutex
	last map[functionKey]int64 // the second in which an invocation was sampled last; of functions with active tracing only
}

// trace is the trace of an invocation of fn that came with this header, which may be "".
//
// Without active tracing the header is passed on as it is; a trace nobody has decided about is then not sampled. With
// active tracing a sampled invocation is a segment of its trace, and the function's work is below that.
func (s *sampler) trace(header string, fn *lambda.Config, now time.Time) trace {
	h := telemetry.ParseTraceHeader(header)
	active := fn.Tracing == lambda.TracingActive
	if h.Root == "" {
		if header != "" && !active {
			return trace{header: header} // not for us to read
		}
		h.Root, h.Parent = telemetry.NewTraceRoot(now), telemetry.NewSegmentID()
	} else if !active && h.Decided() {
		return trace{header: header}
	}
	if !h.Decided() {
		h.Sampled = "0"
		if active && s.sample(functionKey{fn.Account, fn.Name}, now) {
			h.Sampled = "1"
		}
	}
	t := trace{}
	if active && h.Sampled == "1" {
		h.Parent = telemetry.NewSegmentID()
		t.segment = telemetry.Segment{TraceID: h.Root, ID: h.Parent}
	}
	t.header = h.String()
	return t
}

func (s *sampler) sample(fn functionKey, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if second := now.Unix(); s.last[fn] != second {
		if len(s.last) > maxIdle || s.last == nil {
			s.last = map[functionKey]int64{}
		}
		s.last[fn] = second
		return true
	}
	return rand.Float64() < sampleShare //nolint:gosec // which invocations are looked at is no secret
}

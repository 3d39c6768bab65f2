package invoke

import (
	"time"

	"thaw.dev/thaw/link"
	"thaw.dev/thaw/pool"
	"thaw.dev/thaw/telemetry"
)

// account is what the platform says about one invocation.
type account struct {
	id        string
	trace     trace
	memoryMB  int
	engine    string        // "" if nobody is to know
	begun     time.Time     // when the event was on its way
	took      time.Duration // until the answer, and then until the extensions were through
	spans     []telemetry.Span
	produced  int
	status    telemetry.Status // "" for success
	errorType string
}

func (a *account) start(version string) telemetry.Start {
	return telemetry.Start{RequestID: a.id, Version: version, Tracing: a.trace.event()}
}

// answered takes the times of the answer, or of its failure to come.
func (a *account) answered(reply link.Reply) {
	end := time.Now()
	a.took, a.produced = end.Sub(a.begun), len(reply.Payload)+int(reply.Streamed)
	if !reply.Began.IsZero() {
		a.spans = []telemetry.Span{
			telemetry.NewSpan(telemetry.SpanResponseLatency, a.begun, reply.Began.Sub(a.begun)),
			telemetry.NewSpan(telemetry.SpanResponseDuration, reply.Began, end.Sub(reply.Began)),
		}
	}
}

// runtimeDone tells of the answer.
func (a *account) runtimeDone(env *pool.Environment) {
	if a.status == "" {
		a.status = telemetry.Success
	}
	env.Say(telemetry.RuntimeDone{
		RequestID: a.id, Status: a.status, ErrorType: a.errorType, Spans: a.spans, Tracing: a.trace.event(),
		Metrics: telemetry.RuntimeDoneMetrics{Duration: telemetry.Millis(a.took), ProducedBytes: a.produced},
	})
}

// report tells of the invocation's end, when extensions are through with it, too. Source: AWS Lambda developer guide,
// "Lambda execution environment lifecycle": the duration is the sum of all invocation time, runtime and extensions.
func (a *account) report(env *pool.Environment, first bool) {
	if a.status == telemetry.Failure {
		env.Say(telemetry.Fault("RequestId: " + a.id + " Process exited before completing request"))
	}
	env.Say(telemetry.End{RequestID: a.id})
	report := telemetry.Report{
		RequestID: a.id, Status: a.status, ErrorType: a.errorType, Spans: a.spans, Tracing: a.trace.event(),
		Segment: a.trace.segment, Engine: a.engine,
		Metrics: telemetry.ReportMetrics{Duration: telemetry.Millis(a.took), MemoryMB: a.memoryMB, PeakMB: env.PeakMemoryMB(a.took)},
	}
	if first {
		addColdStart(&report.Metrics, env)
	}
	report.Metrics.Bill()
	env.Say(report)
}

package python_test

import (
	"slices"
	"testing"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/runtimes/runtimetest"
)

// BenchmarkWarm measures a round trip between the host and a warm function over a socket pair, without a sandbox.
func BenchmarkWarm(b *testing.B) {
	b.Run("runtime=python", func(b *testing.B) {
		p := runtimetest.Start(b, bootstrap)
		if err := p.Become(b, "def handler(event, context):\n    return {'hello': event['name']}\n"); err != nil {
			b.Fatal(err)
		}
		ev := link.Event{EventMeta: link.EventMeta{ID: "8476a536-e9f4-11e8-9739-2dfe598c3fcd", ARN: "arn"}, Payload: []byte(`{"name":"world"}`)}
		deadline := time.Now().Add(time.Hour)
		var took []time.Duration
		b.ReportAllocs()
		for b.Loop() {
			begin := time.Now()
			reply, err := p.Invoke(&ev, deadline, lambda.MaxResponseBytes)
			if err != nil || reply.Failed || !reply.Idle {
				b.Fatalf("reply %+v, error %v", reply, err)
			}
			took = append(took, time.Since(begin))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-µs")
		b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
	})
}

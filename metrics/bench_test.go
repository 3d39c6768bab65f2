package metrics_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"thaw.dev/thaw/metrics"
	"thaw.dev/thaw/pool"
)

var hot = []struct {
	name string
	run  func(*metrics.Metrics)
}{
	{"hit", func(m *metrics.Metrics) { m.Event(pool.Event{Kind: pool.EventHit, Function: "hello"}) }},
	{"thawed", func(m *metrics.Metrics) {
		m.Event(pool.Event{Kind: pool.EventThawed, Phases: pool.Phases{Place: time.Millisecond}})
	}},
	{"throttled", func(m *metrics.Metrics) { m.Event(pool.Event{Kind: pool.EventThrottled, Err: pool.ErrOverloaded}) }},
	{"cold_start", func(m *metrics.Metrics) {
		m.Event(pool.Event{Kind: pool.EventColdStart, Source: pool.SourceNone, Cause: pool.CauseSnapshot, Phases: pool.Phases{Place: time.Second}})
	}},
	{"invocation", func(m *metrics.Metrics) {
		m.Observe(metrics.Invocation{Outcome: metrics.OutcomeTimeout, Wait: time.Second, Duration: time.Minute})
	}},
}

// TestCountingAllocatesNothing: it happens on the path of every invocation.
func TestCountingAllocatesNothing(t *testing.T) {
	m := metrics.New()
	for _, c := range hot {
		if n := testing.AllocsPerRun(100, func() { c.run(m) }); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

func BenchmarkCount(b *testing.B) {
	m := metrics.New()
	for _, c := range hot {
		b.Run("what="+c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.run(m)
			}
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, n := range []int{0, 1000} {
		b.Run(fmt.Sprint("environments=", n), func(b *testing.B) {
			m, status := metrics.New(), pool.Status{Environments: make([]pool.EnvironmentStatus, n)}
			b.ReportAllocs()
			for b.Loop() {
				_ = m.Write(io.Discard, status)
			}
		})
	}
}

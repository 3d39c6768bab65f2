package bench

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	t.Parallel()
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	for _, c := range []struct {
		samples []float64
		p, want float64
	}{
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 100, 100},
		{[]float64{3}, 50, 3},
		{[]float64{3}, 99, 3},
		{[]float64{4, 1, 3, 2}, 50, 2},
		{[]float64{4, 1, 3, 2}, 90, 4},
	} {
		if got := percentile(c.samples, c.p); got != c.want {
			t.Errorf("p%v of %d samples: got %v, want %v", c.p, len(c.samples), got, c.want)
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	r := newReport(&Options{Kind: Cold, Engine: "gvisor", N: 3, Concurrency: 1}, "python3.11", "python3")
	for _, ms := range []time.Duration{30, 10, 20} {
		r.add(ms*time.Millisecond, ms*time.Millisecond/4, Phases{Place: float64(ms), Init: 2 * float64(ms)})
	}
	r.finish(50)
	if r.P50 != 20 || r.P99 != 30 || r.Baseline.P50 != 5 || r.RatioP50 != 4 || r.Phases != (Phases{Place: 20, Init: 40}) {
		t.Errorf("got %+v", r)
	}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(b, &object); err != nil {
		t.Fatal(err)
	}
	want := strings.Fields("baseline commit cpus engine kernel n name p50_ms p90_ms p99_ms phases ratio_p50 rps runtime")
	if got := slices.Sorted(maps.Keys(object)); !slices.Equal(got, want) {
		t.Errorf("members: got %v, want %v", got, want)
	}
	var text strings.Builder
	if err := r.WriteTable(&text); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"cold invocations, python3.11 on gvisor, 3 samples", "20.00   30.00   30.00", "ratio of the medians: 4.00"} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("%q is missing in:\n%s", part, text.String())
		}
	}
}

func TestParseTiming(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]Phases{
		"":                 {},
		"invoke;dur=0.812": {Invoke: 0.812},
		"place;dur=80.1, code;dur=1.2, init;dur=40.3, invoke;dur=1.1": {80.1, 1.2, 40.3, 1.1},
		"total;dur=9,invoke;dur=1, cache;desc=x":                      {Invoke: 1},
	} {
		if got, err := parseTiming(header); err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", header, got, err, want)
		}
	}
	if _, err := parseTiming("invoke;dur=soon"); err == nil {
		t.Error("a duration that is no number was accepted")
	}
}

func TestVmRSS(t *testing.T) {
	t.Parallel()
	got, err := vmRSS("Name:\tthaw\nVmHWM:\t  9 kB\nVmRSS:\t   68412 kB\nThreads:\t7\n")
	if err != nil || got != 68412 {
		t.Errorf("got %d, %v", got, err)
	}
	if _, err := vmRSS("Name:\tkthreadd\n"); err == nil {
		t.Error("a status without VmRSS was accepted")
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{}, {Kind: "hot", N: 1}, {Kind: Warm}, {Kind: Cold, N: -1}, {Kind: Cold, N: 1, Concurrency: -1}} {
		if err := o.check(); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
	o := Options{Kind: Cold, N: 1}
	if err := o.check(); err != nil || o.Concurrency != 1 {
		t.Errorf("got %+v, %v", o, err)
	}
}

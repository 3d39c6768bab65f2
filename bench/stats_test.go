package bench

import (
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

func TestLatency(t *testing.T) {
	t.Parallel()
	var s samples
	if got := s.latency(); got != (Latency{}) {
		t.Errorf("of nothing: %+v", got)
	}
	for _, ms := range []time.Duration{30, 10, 20, 40} {
		s.add(ms * time.Millisecond)
	}
	if got, want := s.latency(), (Latency{4, 20, 40, 40, 40}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestRatio(t *testing.T) {
	t.Parallel()
	if got := ratio(1, 3); got != 0.3333 {
		t.Errorf("got %v", got)
	}
	if got := ratio(1, 0); got != 0 {
		t.Errorf("over nothing: %v", got)
	}
}

func TestMedians(t *testing.T) {
	t.Parallel()
	got := medians([]Phases{{Place: 3, Init: 1}, {Place: 1, Init: 2, Thaw: 1}, {Place: 2, Init: 3, Invoke: 9}})
	if want := (Phases{Place: 2, Init: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := medians(nil); got != (Phases{}) {
		t.Errorf("of nothing: %+v", got)
	}
}

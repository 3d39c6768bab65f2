package bench

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Latency summarises samples, in milliseconds. Percentiles are nearest-rank.
type Latency struct {
	N   int     `json:"n"`
	P50 float64 `json:"p50_ms"`
	P90 float64 `json:"p90_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

// String is l on one line.
func (l Latency) String() string {
	return fmt.Sprintf("p50 %.2f ms, p99 %.2f, max %.2f (%d samples)", l.P50, l.P99, l.Max, l.N)
}

// samples are durations in milliseconds.
type samples []float64

func (s *samples) add(d time.Duration) { *s = append(*s, millis(d)) }

// latency summarises s; without samples all is zero.
func (s samples) latency() Latency {
	if len(s) == 0 {
		return Latency{}
	}
	return Latency{
		N: len(s), P50: round(percentile(s, 50)), P90: round(percentile(s, 90)), P99: round(percentile(s, 99)),
		Max: round(slices.Max(s)),
	}
}

// percentile is the nearest-rank percentile: the smallest sample that p percent of the samples do not exceed. p is
// over 0 and at most 100, and there is a sample.
func percentile(s []float64, p float64) float64 {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[int(math.Ceil(p/100*float64(len(sorted))))-1]
}

func median(s []float64) float64 {
	if len(s) == 0 {
		return 0
	}
	return round(percentile(s, 50))
}

// ratio is a ÷ b, and 0 where there is nothing to divide by.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return math.Round(a/b*1e4) / 1e4
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// round keeps three decimals: a microsecond.
func round(x float64) float64 { return math.Round(x*1000) / 1000 }

// medians are the medians of each phase.
func medians(all []Phases) Phases {
	of := func(get func(Phases) float64) float64 {
		var s []float64
		for _, p := range all {
			s = append(s, get(p))
		}
		return median(s)
	}
	return Phases{
		Place:  of(func(p Phases) float64 { return p.Place }),
		Code:   of(func(p Phases) float64 { return p.Code }),
		Init:   of(func(p Phases) float64 { return p.Init }),
		Thaw:   of(func(p Phases) float64 { return p.Thaw }),
		Invoke: of(func(p Phases) float64 { return p.Invoke }),
	}
}

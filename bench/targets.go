package bench

import (
	"strconv"
	"strings"

	"thaw.dev/thaw/pool"
)

// Target is a number that Thaw should reach: the smaller, the better.
type Target struct {
	What    string   `json:"what"`
	Unit    string   `json:"unit,omitempty"` // "" for ratios
	AtLeast float64  `json:"at_least"`
	Aim     float64  `json:"aim"`
	Got     *float64 `json:"got"` // null if it was not measured
}

// Verdict says how far Got is in one word.
func (t Target) Verdict() string {
	switch {
	case t.Got == nil:
		return "not measured"
	case *t.Got <= t.Aim:
		return "✓ aim reached"
	case *t.Got <= t.AtLeast:
		return "✓ reached"
	}
	return "✗ missed"
}

// targets are collected one after the other.
type targets []Target

func (t *targets) add(what, unit string, atLeast, aim float64, got *float64) {
	*t = append(*t, Target{what, unit, atLeast, aim, got})
}

// emulatedTargets are those of emulated machines on two CPUs, which take the place of all others: most of what those bound
// is the processor's doing.
func emulatedTargets(s *Suite) []Target {
	var all targets
	all.add("cold from a waiting machine, Python hello, emulated", "ms", 400, 250, of(s.coldOf(pool.SourceEmpty, "python"), func(r *Report) float64 { return r.P50 }))
	all.add("warm Python p50, emulated", "ms", 3, 1.5, of(s.warmOf("python"), func(r *Report) float64 { return r.P50 }))
	return all
}

// targetsOf are all targets with what s has measured of them. Medians unless they say otherwise.
func targetsOf(s *Suite) []Target {
	if s.Emulated {
		return emulatedTargets(s)
	}
	var all targets
	add := all.add
	python, node := s.coldOf(pool.SourceHot, "python"), s.coldOf(pool.SourceHot, "nodejs")
	add("cold from a hot slot, Python hello ÷ bare python3 -c 'print(1)'", "", 1.0, 0.5, of(python, func(r *Report) float64 { return r.RatioP50 }))
	add("cold from a hot slot, Python hello", "ms", 12, 7, of(python, func(r *Report) float64 { return r.P50 }))
	add("cold from a hot slot, Node.js hello", "ms", 18, 12, of(node, func(r *Report) float64 { return r.P50 }))
	snapshot := s.coldOf(pool.SourceSnapshot, "python")
	if snapshot != nil && snapshot.Init == nil {
		snapshot = nil
	}
	add("first response from a snapshot ÷ running its 2 s of init", "", 0.04, 0.02, of(snapshot, func(r *Report) float64 { return r.Init.Ratio }))
	add("restore into a waiting slot ÷ create and restore from nothing", "", 0.4, 0.25, of(s.Restore, func(r *RestoreReport) float64 { return r.Ratio }))
	warm := s.warmOf("python")
	add("warm Python p50", "ms", 0.6, 0.3, of(warm, func(r *Report) float64 { return r.P50 }))
	add("warm Python p99", "ms", 2, 1, of(warm, func(r *Report) float64 { return r.P99 }))
	add("warm p50 over many functions ÷ over one", "", 1.2, 1.05, of(s.Hetero, func(r *HeteroReport) float64 { return r.Ratio }))
	add("100-way burst p99 ÷ single cold p50", "", 12, 4, of(s.burstOf(100, BurstOne), func(r *BurstResult) float64 { return r.Ratio }))
	add("memory of a frozen Python environment (PSS)", "MB", 40, 25, of(s.frozenOf("python"), func(c *DensityCount) float64 { return c.PSSMB }))
	registered := "many"
	if s.Metadata != nil {
		registered = strconv.Itoa(s.Metadata.N)
	}
	add("metadata of a scaled-to-zero function, "+registered+" registered", "KB", 32, 16, of(s.Metadata, func(r *RSSReport) float64 { return r.PerFunctionKB }))
	return all
}

// of is what get finds in r, nil if r was not measured.
func of[R any](r *R, get func(*R) float64) *float64 {
	if r == nil {
		return nil
	}
	got := get(r)
	return &got
}

// coldOf is the measurement of cold starts from a source, nil if there is none. family is that of its runtime's name.
func (s *Suite) coldOf(from Source, family string) *Report {
	for _, r := range s.Cold {
		if r.From == from && strings.HasPrefix(r.Runtime, family) {
			return r
		}
	}
	return nil
}

// burstOf is the latest measurement of bursts of a width and kind, nil if there is none.
func (s *Suite) burstOf(width int, kind BurstKind) (found *BurstResult) {
	for _, b := range s.Bursts {
		for i := range b.Bursts {
			if b.Width == width && b.Bursts[i].Kind == kind {
				found = &b.Bursts[i]
			}
		}
	}
	return found
}

// frozenOf is the memory of frozen environments of a family's runtime, nil if it was not measured.
func (s *Suite) frozenOf(family string) *DensityCount {
	if s.Density == nil {
		return nil
	}
	for i, c := range s.Density.Counts {
		if c.Kind == DensityFrozen && strings.HasPrefix(c.Runtime, family) {
			return &s.Density.Counts[i]
		}
	}
	return nil
}

func (s *Suite) warmOf(family string) *Report {
	for _, r := range s.Warm {
		if strings.HasPrefix(r.Runtime, family) {
			return r
		}
	}
	return nil
}

package bench

import (
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Report is the result of Run. Times are in milliseconds. Its JSON form is stable.
type Report struct {
	Name     string   `json:"name"` // the Kind
	Engine   string   `json:"engine"`
	Runtime  string   `json:"runtime"`
	N        int      `json:"n"`
	P50      float64  `json:"p50_ms"`
	P90      float64  `json:"p90_ms"`
	P99      float64  `json:"p99_ms"`
	RPS      float64  `json:"rps"`    // invocations per second, of Options.Concurrency clients
	Phases   Phases   `json:"phases"` // medians
	Baseline Baseline `json:"baseline"`
	RatioP50 float64  `json:"ratio_p50"` // P50 ÷ the baseline's
	Machine

	clients        int
	thaw, baseline []float64 // samples in ms
	phases         []Phases
}

// Baseline is what Thaw is compared with.
type Baseline struct {
	Name string  `json:"name"`
	P50  float64 `json:"p50_ms"`
}

// Machine says what was measured, and on what.
type Machine struct {
	Commit string `json:"commit"` // of this build; "" if it does not know, with "+" if there were local changes
	Kernel string `json:"kernel"`
	CPUs   int    `json:"cpus"`
}

func thisMachine() Machine {
	m := Machine{CPUs: runtime.NumCPU()}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return m
	}
	changed := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			m.Commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	m.Commit += changed
	return m
}

func newReport(o *Options, runtime, baseline string) *Report {
	return &Report{
		Name: string(o.Kind), Engine: o.Engine, Runtime: runtime, N: o.N, clients: o.Concurrency,
		Baseline: Baseline{Name: baseline}, Machine: thisMachine(),
	}
}

func (r *Report) add(took, baseline time.Duration, p Phases) {
	r.thaw = append(r.thaw, millis(took))
	r.baseline = append(r.baseline, millis(baseline))
	r.phases = append(r.phases, p)
}

// finish computes the summary.
func (r *Report) finish(rps float64) *Report {
	r.RPS = round(rps)
	r.P50, r.P90, r.P99 = round(percentile(r.thaw, 50)), round(percentile(r.thaw, 90)), round(percentile(r.thaw, 99))
	r.Baseline.P50 = round(percentile(r.baseline, 50))
	r.RatioP50 = round(r.P50 / r.Baseline.P50)
	median := func(of func(Phases) float64) float64 {
		var all []float64
		for _, p := range r.phases {
			all = append(all, of(p))
		}
		return round(percentile(all, 50))
	}
	r.Phases = Phases{
		Place:  median(func(p Phases) float64 { return p.Place }),
		Code:   median(func(p Phases) float64 { return p.Code }),
		Init:   median(func(p Phases) float64 { return p.Init }),
		Invoke: median(func(p Phases) float64 { return p.Invoke }),
	}
	return r
}

// percentile is the nearest-rank percentile: the smallest sample that p percent of the samples do not exceed. p is
// over 0 and at most 100, and there is a sample.
func percentile(samples []float64, p float64) float64 {
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[int(math.Ceil(p/100*float64(len(sorted))))-1]
}

func mean(samples []float64) float64 {
	sum := 0.0
	for _, s := range samples {
		sum += s
	}
	return sum / float64(len(samples))
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// round keeps three decimals: a microsecond.
func round(x float64) float64 { return math.Round(x*1000) / 1000 }

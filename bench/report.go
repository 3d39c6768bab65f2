package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Report is the result of Warm and Cold. Times are in milliseconds. Its JSON form is stable.
type Report struct {
	Name     string    `json:"name"` // "warm" or "cold"
	Engine   string    `json:"engine"`
	Runtime  string    `json:"runtime"`
	From     Source    `json:"from,omitempty"` // of every cold start
	N        int       `json:"n"`
	P50      float64   `json:"p50_ms"`
	P90      float64   `json:"p90_ms"`
	P99      float64   `json:"p99_ms"`
	RPS      float64   `json:"rps,omitempty"`     // invocations per second of Clients together
	Clients  int       `json:"clients,omitempty"` // 0 if no rate was measured
	Phases   Phases    `json:"phases"`            // medians
	Baseline Baseline  `json:"baseline"`
	RatioP50 float64   `json:"ratio_p50"`      // P50 ÷ the baseline's
	Init     *InitWork `json:"init,omitempty"` // of cold starts from snapshots
	Machine

	thaw, baseline, running samples
	phases                  []Phases
}

// Baseline is what Thaw is compared with.
type Baseline struct {
	Name string  `json:"name"`
	P50  float64 `json:"p50_ms"`
	P90  float64 `json:"p90_ms"`
	P99  float64 `json:"p99_ms"`
}

// InitWork compares a function's snapshot with running the init that it replaces.
type InitWork struct {
	P50   float64 `json:"p50_ms"` // init phase of a start without snapshot
	N     int     `json:"n"`      // such starts
	Ratio float64 `json:"ratio"`  // Report.P50, the whole first response, ÷ P50
}

func newReport(name string, s *Setup, runtime, baseline string) *Report {
	return &Report{Name: name, Engine: s.Engine, Runtime: runtime, Baseline: Baseline{Name: baseline}, Machine: s.machine()}
}

func (r *Report) add(took, baseline time.Duration, t timing) {
	r.thaw.add(took)
	r.baseline.add(baseline)
	r.phases = append(r.phases, t.Phases)
}

// finish computes the summary.
func (r *Report) finish() *Report {
	thaw, base := r.thaw.latency(), r.baseline.latency()
	r.N, r.P50, r.P90, r.P99 = thaw.N, thaw.P50, thaw.P90, thaw.P99
	r.Baseline.P50, r.Baseline.P90, r.Baseline.P99 = base.P50, base.P90, base.P99
	r.RatioP50 = ratio(r.P50, r.Baseline.P50)
	r.Phases = medians(r.phases)
	if init := r.running.latency(); init.N > 0 {
		r.Init = &InitWork{P50: init.P50, N: init.N, Ratio: ratio(r.P50, init.P50)}
	}
	return r
}

// WriteTable writes r for people.
func (r *Report) WriteTable(w io.Writer) error {
	from := ""
	if r.From != "" {
		from = " from " + string(r.From)
	}
	fmt.Fprintf(w, "%s invocations%s, %d samples, %s %s\n\n", r.Name, from, r.N, r.Runtime, r.where(r.Engine))
	t := tabwriter.NewWriter(w, 0, 8, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "ms\tp50\tp90\tp99\t")
	fmt.Fprintf(t, "thaw\t%.2f\t%.2f\t%.2f\t\n", r.P50, r.P90, r.P99)
	fmt.Fprintf(t, "baseline\t%.2f\t%.2f\t%.2f\t\n", r.Baseline.P50, r.Baseline.P90, r.Baseline.P99)
	if err := t.Flush(); err != nil {
		return err
	}
	p := r.Phases
	_, err := fmt.Fprintf(w, "\nbaseline: %s\nratio of the medians: %.2f\nphases (medians, ms): place %.2f, code %.2f, init %.2f, invoke %.2f\n",
		r.Baseline.Name, r.RatioP50, p.Place, p.Code, p.Init, p.Invoke)
	if err == nil && r.Init != nil {
		_, err = fmt.Fprintf(w, "running the init: %.0f ms (median of %d); first response ÷ that: %.4f\n", r.Init.P50, r.Init.N, r.Init.Ratio)
	}
	if err == nil && r.Clients > 0 {
		_, err = fmt.Fprintf(w, "rate: %.0f/s with %d clients\n", r.RPS, r.Clients)
	}
	return err
}

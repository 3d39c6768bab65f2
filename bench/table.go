package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// WriteTable writes r for people.
func (r *Report) WriteTable(w io.Writer) error {
	fmt.Fprintf(w, "%s invocations, %s on %s, %d samples, %d CPUs, kernel %s\n\n", r.Name, r.Runtime, r.Engine, r.N, r.CPUs, r.Kernel)
	t := tabwriter.NewWriter(w, 0, 8, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "ms\tp50\tp90\tp99\t")
	fmt.Fprintf(t, "thaw\t%.2f\t%.2f\t%.2f\t\n", r.P50, r.P90, r.P99)
	fmt.Fprintf(t, "baseline\t%.2f\t%.2f\t%.2f\t\n", r.Baseline.P50, percentile(r.baseline, 90), percentile(r.baseline, 99))
	if err := t.Flush(); err != nil {
		return err
	}
	p := r.Phases
	_, err := fmt.Fprintf(w, "\nbaseline: %s\nratio of the medians: %.2f\nphases (medians, ms): place %.2f, code %.2f, init %.2f, invoke %.2f\nrate: %.0f/s with %d clients\n",
		r.Baseline.Name, r.RatioP50, p.Place, p.Code, p.Init, p.Invoke, r.RPS, r.clients)
	return err
}

// WriteTable writes r for people.
func (r *RSSReport) WriteTable(w io.Writer) error {
	_, err := fmt.Fprintf(w, "memory of an idle daemon, engine %s, %d CPUs, kernel %s\n\nno functions        %6.1f MB\n%-6d functions    %6.1f MB\ncreated in %.1f s\n",
		r.Engine, r.CPUs, r.Kernel, r.EmptyMB, r.N, r.RSSMB, r.CreateSeconds)
	return err
}

package sim

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// WriteTable writes c for people.
func (c *Comparison) WriteTable(w io.Writer) error {
	length := time.Duration(c.Minutes) * time.Minute
	fmt.Fprintf(w, "%d functions, %d invocations in %v\n\n", c.Functions, c.Invocations, length)
	t := tabwriter.NewWriter(w, 0, 8, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "policy\tcold starts\tper 1,000\tmade ahead\tidle GB·s\tall GB·s\tmean GB\tp50 function\tp75 function\t")
	for _, o := range c.Outcomes {
		fmt.Fprintf(t, "%s\t%d\t%.3f\t%d\t%.0f\t%.0f\t%.1f\t%.1f %%\t%.1f %%\t\n", o.Policy, o.ColdStarts, 1000*o.ColdRate,
			o.Prewarms, o.IdleGBs, o.GBs, o.GBs/length.Seconds(), 100*o.P50, 100*o.P75)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\np50, p75: percentiles of the functions' own cold rates\ncold rate ÷ fixed %d min at equal GB·s:", Reference/time.Minute)
	for _, f := range families[1:] {
		if ratio, ok := c.Ratios[f]; ok {
			fmt.Fprintf(w, " %s %.2f", f, ratio)
		} else {
			fmt.Fprintf(w, " %s –", f)
		}
	}
	_, err := fmt.Fprintln(w)
	return err
}

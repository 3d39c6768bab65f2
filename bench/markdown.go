package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Files of a report.
const (
	reportJSON     = "report.json"
	reportMarkdown = "report.md"
	reportChart    = "cold.svg"
)

// write writes the report as far as it has come.
func (s *Suite) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a report is for everyone
		return err
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	chart, err := s.chart()
	if err != nil {
		return fmt.Errorf("draw chart: %w", err)
	}
	for name, content := range map[string][]byte{reportJSON: append(data, '\n'), reportMarkdown: s.markdown(), reportChart: chart} {
		if content == nil {
			continue
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path+".new", content, 0o644); err != nil { //nolint:gosec // see above
			return err
		}
		if err := os.Rename(path+".new", path); err != nil {
			return err
		}
	}
	return nil
}

// markdown is the report for people.
func (s *Suite) markdown() []byte {
	var b bytes.Buffer
	m := s.Machine
	fmt.Fprintf(&b, "# Thaw, measured\n\n%s, %d × %s, %d MB of memory, Linux %s, engine %s, commit %s.\n",
		s.Began.Format(time.DateTime+" MST"), m.CPUs, orUnknown(m.CPU), m.Memory, m.Kernel, m.on(s.Engine), orUnknown(m.Commit))
	fmt.Fprintf(&b, "Servers, clients and baselines share the machine and are measured in turns. Figures are medians unless they say otherwise.\n")
	if m.Emulated {
		fmt.Fprintf(&b, "\n**The virtual machines were emulated** (TCG): these figures say that it works, and nothing about its speed where KVM is.\nLess was measured than elsewhere, and the targets are those of emulated machines.\n\n")
	}
	if s.Quick {
		fmt.Fprintf(&b, "A quick run: few samples.\n")
	}
	if !s.Complete {
		fmt.Fprintf(&b, "\n**Not complete**: the run goes on or was interrupted.\n")
	}
	s.targetsTable(&b)
	s.coldTables(&b)
	s.warmTables(&b)
	s.memoryTables(&b)
	fmt.Fprintf(&b, "\n## How\n\n| Command | s | |\n|---|---|---|\n")
	for _, step := range s.Steps {
		fmt.Fprintf(&b, "| `%s` | %.0f | %s |\n", step.Command, step.Seconds, cell(step.Error))
	}
	return b.Bytes()
}

func orUnknown(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}

func (s *Suite) targetsTable(b *bytes.Buffer) {
	if len(s.Targets) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## Targets\n\n| | at least | aim | got | |\n|---|---|---|---|---|\n")
	for _, t := range s.Targets {
		got := "–"
		if t.Got != nil {
			got = number(*t.Got, t.Unit)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", t.What, number(t.AtLeast, t.Unit), number(t.Aim, t.Unit), got, t.Verdict())
	}
}

// number is x with as many digits as matter, and its unit.
func number(x float64, unit string) string {
	return strings.TrimSpace(strconv.FormatFloat(x, 'g', 3, 64) + " " + unit)
}

// cell is text that fits into a table.
func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ").Replace(text)
}

func (s *Suite) coldTables(b *bytes.Buffer) {
	if len(s.Cold) > 0 {
		fmt.Fprintf(b, "\n## Cold starts\n\n![cold starts by source](%s)\n\n", reportChart)
		fmt.Fprintf(b, "| from | runtime | n | p50 ms | p99 ms | place | code | init | invoke | baseline | ÷ baseline |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	}
	for _, r := range s.Cold {
		p := r.Phases
		fmt.Fprintf(b, "| %s | %s | %d | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.3f |\n",
			r.From, r.Runtime, r.N, r.P50, r.P99, p.Place, p.Code, p.Init, p.Invoke, r.Baseline.P50, r.RatioP50)
	}
	for _, r := range s.Cold {
		if r.Init != nil {
			fmt.Fprintf(b, "\nFrom a snapshot, %s: the init takes %.0f ms to run (median of %d); the first response ÷ that is %.4f.\n",
				r.Runtime, r.Init.P50, r.Init.N, r.Init.Ratio)
		}
	}
	if r := s.Restore; r != nil {
		fmt.Fprintf(b, "\n### Restore\n\n| | n | p50 ms | p99 ms | place | init |\n|---|---|---|---|---|---|\n")
		fmt.Fprintf(b, "| into a waiting slot | %d | %.2f | %.2f | %.2f | %.2f |\n", r.Waiting.N, r.Waiting.P50, r.Waiting.P99, r.Waiting.Phases.Place, r.Waiting.Phases.Init)
		fmt.Fprintf(b, "| create and restore | %d | %.2f | %.2f | %.2f | %.2f |\n", r.Nothing.N, r.Nothing.P50, r.Nothing.P99, r.Nothing.Phases.Place, r.Nothing.Phases.Init)
		fmt.Fprintf(b, "\nRatio of the medians: %.3f.\n", r.Ratio)
	}
	for _, r := range s.Bursts {
		fmt.Fprintf(b, "\n### Bursts of %d first requests, %d rounds\n\n| | p50 ms | p99 ms | max ms | p99 ÷ single p50 | failed | cold starts from |\n|---|---|---|---|---|---|---|\n", r.Width, r.Rounds)
		fmt.Fprintf(b, "| single | %.2f | %.2f | %.2f | | | %s |\n", r.Single.P50, r.Single.P99, r.Single.Max, bySource(r.SingleFrom))
		for _, one := range r.Bursts {
			fmt.Fprintf(b, "| %s | %.2f | %.2f | %.2f | %.2f | %d | %s |\n", one.Kind, one.P50, one.P99, one.Max, one.Ratio, one.Failed, bySource(one.From))
		}
		fmt.Fprintf(b, "\nReserved at most %.0f MB of %.0f MB. Warm traffic to another function: p99 %.2f ms before, %.2f ms during (× %.2f), %d failed.\n",
			r.ReservedMB, r.BudgetMB, r.WarmBefore.P99, r.WarmDuring.P99, r.WarmP99, r.WarmFailed)
	}
}

func (s *Suite) warmTables(b *bytes.Buffer) {
	if len(s.Warm) > 0 {
		fmt.Fprintf(b, "\n## Warm invocations\n\n| runtime | n | p50 ms | p99 ms | baseline p50 | ÷ baseline | per second (clients) |\n|---|---|---|---|---|---|---|\n")
	}
	for _, r := range s.Warm {
		fmt.Fprintf(b, "| %s | %d | %.3f | %.3f | %.3f | %.2f | %.0f (%d) |\n", r.Runtime, r.N, r.P50, r.P99, r.Baseline.P50, r.RatioP50, r.RPS, r.Clients)
	}
	if r := s.Hetero; r != nil {
		fmt.Fprintf(b, "\nOne function: %s. %d functions: %s. Ratio %.3f; %d found their environment frozen.\n", r.One, r.Functions, r.Many, r.Ratio, r.Thawed)
	}
	if r := s.Freeze; r != nil {
		fmt.Fprintf(b, "\n%d cycles of freezing and thawing, none lost. Found frozen: %s. Never frozen: %s. Ratio %.3f; thawing alone: %s.\n",
			r.Cycles, r.Frozen, r.Never, r.Ratio, r.Thaw)
	}
}

func (s *Suite) memoryTables(b *bytes.Buffer) {
	if r := s.Density; r != nil {
		fmt.Fprintf(b, "\n## Memory\n\nAverage of %d.\n\n| | runtime | sandbox (PSS) MB | in the server MB | processes |\n|---|---|---|---|---|\n", r.Environments)
		for _, c := range r.Counts {
			fmt.Fprintf(b, "| %s | %s | %.1f | %.1f | %.1f |\n", c.Kind, c.Runtime, c.PSSMB, c.ServerMB, c.Processes)
		}
	}
	if r := s.Metadata; r != nil {
		fmt.Fprintf(b, "\n%d functions that nobody invokes: %.1f MB resident, %.1f MB without them, %.1f KB each.\n", r.N, r.RSSMB, r.EmptyMB, r.PerFunctionKB)
	}
}

// WriteTable writes the targets and the steps that failed, for people.
func (s *Suite) WriteTable(w io.Writer) error {
	fmt.Fprintf(w, "Thaw, measured %s\n\n", s.where(s.Engine))
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "\tat least\taim\tgot\t")
	for _, x := range s.Targets {
		got := "–"
		if x.Got != nil {
			got = number(*x.Got, x.Unit)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", x.What, number(x.AtLeast, x.Unit), number(x.Aim, x.Unit), got, x.Verdict())
	}
	return t.Flush()
}

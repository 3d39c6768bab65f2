package main

import (
	"context"
	"os"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"thaw.dev/thaw/keepalive/sim"
)

func newSim(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Simulate policies on recorded invocations",
		Args:  cobra.ArbitraryArgs, // refused by run
		RunE:  refuse("simulation"),
	}
	cmd.AddCommand(newSimKeepAlive(a))
	return cmd
}

// simFlags are the flags of thaw sim keepalive.
type simFlags struct {
	traces     []string
	generate   string
	size       sim.GenerateOptions
	spread     string
	svg        string
	comparison sim.Options
}

func newSimKeepAlive(a *app) *cobra.Command {
	s := simFlags{comparison: sim.Defaults()}
	cmd := &cobra.Command{
		Use:   "keepalive",
		Short: "Compare keep-alive policies: cold starts against memory held",
		Long: "Compare keep-alive policies: cold starts against memory held. Each policy is replayed on the same trace: fixed\n" +
			"keep-alives, least recently used and GreedyDual-Size-Frequency within a budget, and the policy of thaw serve at\n" +
			"several exchange rates (GB·s of idle memory per second of cold start).\n\n" +
			"A trace has the form of the public Azure Functions trace of 2019: CSV files with invocations per function and\n" +
			"minute, execution times, memory. --generate writes a synthetic one. Without either, a synthetic trace is made in\n" +
			"memory.",
		Example: "  thaw sim keepalive --svg curve.svg\n" +
			"  thaw sim keepalive --generate /tmp/trace --days 2\n" +
			"  thaw sim keepalive --trace /tmp/trace",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case s.generate != "" && len(s.traces) > 0:
				return usage(cmd, "--generate writes a trace, --trace reads one: give one of them")
			case s.spread != string(sim.SpreadRandom) && s.spread != string(sim.SpreadEven):
				return usage(cmd, "--spread %s: want random or even", s.spread)
			case s.generate != "":
				return s.write(cmd.Context(), a)
			}
			return s.run(cmd.Context(), a)
		},
	}
	o := &s.comparison
	f := cmd.Flags()
	f.StringArrayVar(&s.traces, "trace", nil, "CSV file of a trace or directory of such files; may be repeated")
	f.StringVar(&s.generate, "generate", "", "write a synthetic trace into this directory and do nothing else")
	f.IntVar(&s.size.Functions, "functions", 1000, "functions of a synthetic trace")
	f.IntVar(&s.size.Days, "days", 2, "days of a synthetic trace")
	f.Uint64Var(&s.size.Seed, "seed", 1, "seed of everything that is random; the same seed gives the same result")
	f.StringVar(&s.spread, "spread", string(sim.SpreadRandom), "where in its minute an invocation lies: random or even")
	f.DurationVar(&o.Cold, "cold", o.Cold, "how long a cold start takes")
	f.DurationVar(&o.Min, "min", o.Min, "the least keep-alive of thaw's policy")
	f.DurationVar(&o.Max, "max", o.Max, "the longest keep-alive of thaw's policy")
	f.DurationSliceVar(&o.TTLs, "ttl", o.TTLs, "fixed keep-alives")
	f.Float64SliceVar(&o.Exchanges, "exchange", o.Exchanges, "exchange rates of thaw's policy")
	f.Float64SliceVar(&o.BudgetsGB, "budget", nil, "budgets in GB of lru and greedy; by default what the fixed keep-alives hold on average")
	f.StringVar(&s.svg, "svg", "", "also draw the curves into this file")
	return cmd
}

// write makes a synthetic trace.
func (s *simFlags) write(ctx context.Context, a *app) error {
	a.progress("generating %d functions over %d days", s.size.Functions, s.size.Days)
	t, err := sim.Generate(ctx, s.size)
	if err != nil {
		return err
	}
	files, err := sim.Write(t, s.generate)
	if err != nil {
		return withHint(err, "--generate wants a directory that can be written to")
	}
	return a.write(map[string]any{"files": files, "invocations": t.Invocations()},
		sentence("%d invocations of %d functions in:\n%s", t.Invocations(), len(t.Functions), strings.Join(files, "\n")))
}

// run compares policies.
func (s *simFlags) run(ctx context.Context, a *app) error {
	t, err := s.trace(ctx, a)
	if err != nil {
		return err
	}
	a.progress("spreading %d invocations of %d functions over their minutes", t.Invocations(), len(t.Functions))
	load, err := sim.Expand(ctx, t, sim.Spread(s.spread), s.size.Seed)
	if err != nil {
		return err
	}
	var mu sync.Mutex // policies are replayed side by side
	s.comparison.Progress = func(o *sim.Outcome) {
		mu.Lock()
		defer mu.Unlock()
		a.progress("%-20s %d cold starts", o.Policy, o.ColdStarts)
	}
	c, err := sim.Compare(ctx, load, s.comparison)
	if err != nil {
		return err
	}
	if s.svg != "" {
		svg, err := c.SVG()
		if err != nil {
			return err
		}
		if err := os.WriteFile(s.svg, svg, 0o644); err != nil {
			return withHint(err, "--svg wants a file that can be written to")
		}
	}
	return a.write(c, c.WriteTable)
}

// trace reads or makes the trace.
func (s *simFlags) trace(ctx context.Context, a *app) (*sim.Trace, error) {
	if len(s.traces) == 0 {
		a.progress("generating %d functions over %d days", s.size.Functions, s.size.Days)
		return sim.Generate(ctx, s.size)
	}
	t, err := sim.Read(s.traces, func(file string) { a.progress("reading %s", file) })
	if err != nil {
		return nil, withHint(err, "thaw sim keepalive --generate DIR writes a trace whose form can be looked at")
	}
	if n := t.Guessed.Durations; n > 0 {
		a.note("execution times of %d of %d functions are missing: %d ms is assumed", n, len(t.Functions), sim.DefaultDurationMS)
	}
	if n := t.Guessed.Memory; n > 0 {
		a.note("memory of %d of %d functions is missing: %d MB is assumed", n, len(t.Functions), sim.DefaultMemoryMB)
	}
	return t, nil
}

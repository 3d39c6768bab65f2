package main

import (
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"

	"thaw.dev/thaw/bench"
	"thaw.dev/thaw/node"
)

func newBench(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure Thaw on this machine",
		Long: "Measure Thaw on this machine, with a server of its own in a temporary directory. Keep the machine idle: server,\n" +
			"clients and the baseline share it. TMPDIR says where the directory goes; it should be on a disk.",
		Args: cobra.ArbitraryArgs, // refused by run
		RunE: refuse("measurement"),
	}
	cmd.AddCommand(
		newBenchRun(a, bench.Warm, 2000, "Measure invocations that find a warm environment",
			"The baseline is the same handler behind a plain net/http server with one child process that is already there."),
		newBenchRun(a, bench.Cold, 30, "Measure invocations that wait for a new environment",
			"The baseline is the bare interpreter on this host, from start to first output."),
		newBenchRSS(a),
	)
	return cmd
}

func newBenchRun(a *app, kind bench.Kind, n int, short, baseline string) *cobra.Command {
	o := bench.Options{Kind: kind}
	cmd := &cobra.Command{
		Use:   string(kind),
		Short: short,
		Long:  short + ".\n\n" + baseline + "\nIt is measured in turns with Thaw.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Progress = func(step string) { a.progress("%s", step) }
			return runBench(cmd.Context(), a, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Engine, "engine", node.Default().Engine, "engine of the server: gvisor or fake")
	f.StringVar(&o.Runtime, "runtime", "python", "python, nodejs or provided, or a runtime's name")
	f.IntVar(&o.N, "n", n, "number of samples")
	f.IntVar(&o.Concurrency, "concurrency", 0, "clients whose rate is measured after the samples; 0 is one per CPU for warm, 1 for cold")
	return cmd
}

func runBench(ctx context.Context, a *app, o bench.Options) error {
	r, err := bench.Run(ctx, o)
	if err != nil {
		return withHint(err, "thaw doctor checks what a server needs, thaw runtime list what functions can have")
	}
	return a.write(r, r.WriteTable)
}

func newBenchRSS(a *app) *cobra.Command {
	var o bench.RSSOptions
	cmd := &cobra.Command{
		Use:   "rss",
		Short: "Measure the memory of a daemon with many functions",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Thaw, err = os.Executable(); err != nil {
				return err
			}
			o.Progress = func(step string) { a.progress("%s", step) }
			r, err := bench.RSS(cmd.Context(), o)
			if err != nil {
				return withHint(err, "thaw doctor checks what a server needs")
			}
			return a.write(r, r.WriteTable)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Engine, "engine", node.Default().Engine, "engine of the server: gvisor or fake")
	f.IntVar(&o.N, "n", 1000, "number of functions")
	f.DurationVar(&o.Settle, "settle", 10*time.Second, "how long the server is left alone before its memory is read")
	return cmd
}

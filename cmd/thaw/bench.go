package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"thaw.dev/thaw/bench"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/node"
)

func newBench(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure Thaw on this machine",
		Long: "Measure Thaw on this machine, with servers of its own in temporary directories. Keep the machine idle: servers,\n" +
			"clients and baselines share it. TMPDIR says where the directories go; it should be on a disk.",
		Args: cobra.ArbitraryArgs, // refused by run
		RunE: refuse("measurement"),
	}
	cmd.AddCommand(
		newBenchWarm(a), newBenchCold(a), newBenchRestore(a), newBenchBurst(a), newBenchHetero(a), newBenchFreeze(a),
		newBenchStream(a), newBenchDensity(a), newBenchEvent(a), newBenchBacklog(a), newBenchLogs(a), newBenchRSS(a), newBenchReport(a),
	)
	return cmd
}

// result is what every measurement returns: a JSON document that can be a table.
type result interface{ WriteTable(io.Writer) error }

// measurement is a command that measures; setup is filled in before run is called. What run returns is written, also if it
// comes with an error.
func measurement[T any, R interface {
	*T
	result
}](a *app, use, short, long string, setup *bench.Setup, run func(context.Context) (R, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Long:  strings.TrimSpace(short + ".\n\n" + long),
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := prepare(a, setup); err != nil {
				return err
			}
			r, err := run(cmd.Context())
			err = benchHint(err, setup.Engine)
			if r == nil {
				return err
			}
			return errors.Join(a.write(r, r.WriteTable), err)
		},
	}
	cmd.Flags().StringVar(&setup.Engine, "engine", node.Default().Engine, "engine of the server, as of thaw serve")
	return cmd
}

// benchHint adds what to do next to the error of a measurement.
func benchHint(err error, engine string) error {
	switch {
	case errors.Is(err, bench.ErrNotStarted):
		return withHint(err, "thaw doctor --engine %s shows what this host lacks", engine)
	case errors.Is(err, bench.ErrUnavailable):
		return withHint(err, "thaw runtime list shows what functions can have")
	}
	return withHint(err, "with fewer samples or on an idle machine it may pass; thaw doctor --engine %s checks this host", engine)
}

// prepare completes a Setup: this program is the server.
func prepare(a *app, s *bench.Setup) error {
	s.Progress = func(step string) { a.progress("%s", step) }
	var err error
	s.Thaw, err = os.Executable()
	return err
}

const runtimeUsage = "python, nodejs or provided, or a runtime's name"

func registerRuntime(f *pflag.FlagSet, to *string) {
	f.StringVar(to, "runtime", "python", runtimeUsage)
}

// registerCount adds the flag that says how much is measured. Without it that depends on the machine.
func registerCount(f *pflag.FlagSet, to *int, name string, usual bench.Count, usage string) {
	f.IntVar(to, name, 0, fmt.Sprintf("%s (default %s)", usage, usual))
}

func newBenchWarm(a *app) *cobra.Command {
	var o bench.WarmOptions
	cmd := measurement(a, "warm", "Measure invocations that find a warm environment",
		"The baseline is the same handler behind a plain net/http server with one child process that is already there.\n"+
			"It is measured in turns with Thaw.",
		&o.Setup, func(ctx context.Context) (*bench.Report, error) { return bench.Warm(ctx, o) })
	f := cmd.Flags()
	registerRuntime(f, &o.Runtime)
	registerCount(f, &o.N, "n", bench.WarmSamples, "number of samples")
	f.IntVar(&o.Concurrency, "concurrency", 0, "clients whose rate is measured after the samples; 0 is one per CPU")
	return cmd
}

func newBenchCold(a *app) *cobra.Command {
	var o bench.ColdOptions
	var from string
	cmd := measurement(a, "cold", "Measure invocations that wait for a new environment",
		"--from says what each cold start begins with; a sample that began with anything else ends the measurement:\n"+
			"  hot       a slot with the language runtime up\n"+
			"  snapshot  a snapshot of the initialised function, restored into an empty slot; the function has init work\n"+
			"  empty     an empty slot\n"+
			"  none      nothing: the sandbox has to be created\n\n"+
			"The baseline is the bare interpreter on this host, from start to first output, in turns with Thaw. From a\n"+
			"snapshot, running the init itself is measured, too.",
		&o.Setup, func(ctx context.Context) (*bench.Report, error) {
			o.From = bench.Source(from)
			return bench.Cold(ctx, o)
		})
	f := cmd.Flags()
	registerRuntime(f, &o.Runtime)
	registerCount(f, &o.N, "n", bench.ColdSamples, "number of samples")
	f.StringVar(&from, "from", "hot", "what cold starts begin with: hot, snapshot, empty or none")
	f.DurationVar(&o.InitTime, "init-time", 2*time.Second, "init work of the function whose snapshot is measured")
	return cmd
}

func newBenchRestore(a *app) *cobra.Command {
	var o bench.RestoreOptions
	cmd := measurement(a, "restore", "Compare starts from a snapshot with and without a waiting slot",
		"Two servers, one with empty slots and one without, start the same function from its snapshot in turns.",
		&o.Setup, func(ctx context.Context) (*bench.RestoreReport, error) { return bench.Restore(ctx, o) })
	registerRuntime(cmd.Flags(), &o.Runtime)
	registerCount(cmd.Flags(), &o.N, "n", bench.RestoreSamples, "number of samples of each")
	return cmd
}

func newBenchBurst(a *app) *cobra.Command {
	var o bench.BurstOptions
	cmd := measurement(a, "burst", "Measure many first requests at once",
		"On a server with its own settings: bursts of first requests to one function, to different functions, and to one\n"+
			"that takes a second, so that no two requests can share an environment. Every request must succeed. Steady\n"+
			"traffic to another function shows whether it starves.",
		&o.Setup, func(ctx context.Context) (*bench.BurstReport, error) { return bench.Burst(ctx, o) })
	f := cmd.Flags()
	registerRuntime(f, &o.Runtime)
	registerCount(f, &o.Width, "n", bench.BurstWidth, "requests at once")
	registerCount(f, &o.Rounds, "rounds", bench.BurstRounds, "bursts of each kind")
	return cmd
}

func newBenchHetero(a *app) *cobra.Command {
	var o bench.HeteroOptions
	cmd := measurement(a, "hetero", "Compare warm invocations of many functions with those of one", "",
		&o.Setup, func(ctx context.Context) (*bench.HeteroReport, error) { return bench.Hetero(ctx, o) })
	f := cmd.Flags()
	registerRuntime(f, &o.Runtime)
	registerCount(f, &o.Functions, "functions", bench.HeteroFunctions, "number of different functions; each environment takes 50 MB or so")
	registerCount(f, &o.N, "n", bench.HeteroSamples, "number of samples of each")
	return cmd
}

func newBenchFreeze(a *app) *cobra.Command {
	var o bench.FreezeOptions
	cmd := measurement(a, "freeze", "Freeze an environment again and again, and invoke its function each time",
		"A second server that never freezes is invoked in turns with it.",
		&o.Setup, func(ctx context.Context) (*bench.FreezeReport, error) { return bench.Freeze(ctx, o) })
	registerRuntime(cmd.Flags(), &o.Runtime)
	registerCount(cmd.Flags(), &o.N, "n", bench.FreezeCycles, "number of cycles")
	return cmd
}

func newBenchStream(a *app) *cobra.Command {
	var o bench.StreamOptions
	cmd := measurement(a, "stream", "Measure streamed answers of a warm environment",
		"How long the first byte takes from the function's write to the client, and the rate of long answers without the\n"+
			"server's limit. A virtual machine's clock is compared with the host's first.",
		&o.Setup, func(ctx context.Context) (*bench.StreamReport, error) { return bench.Stream(ctx, o) })
	f := cmd.Flags()
	f.StringVar(&o.Runtime, "runtime", "nodejs", "nodejs or a runtime's name")
	registerCount(f, &o.N, "n", bench.StreamSamples, "number of samples of the first byte")
	registerCount(f, &o.Bytes, "bytes", bench.StreamBytes, "length of the long answers")
	return cmd
}

func newBenchEvent(a *app) *cobra.Command {
	var o bench.EventOptions
	cmd := measurement(a, "event", "Measure how fast asynchronous invocations are accepted",
		"The events of 1 KB are on disk when the answer comes. The function runs them meanwhile.",
		&o.Setup, func(ctx context.Context) (*bench.EventReport, error) { return bench.Event(ctx, o) })
	f := cmd.Flags()
	registerRuntime(f, &o.Runtime)
	registerCount(f, &o.N, "n", bench.EventSamples, "number of samples of one client, and of events of many")
	f.IntVar(&o.Clients, "clients", 32, "clients whose rate is measured")
	f.IntVar(&o.Concurrency, "concurrency", 1, "invocations that run at once meanwhile")
	return cmd
}

func newBenchBacklog(a *app) *cobra.Command {
	var o bench.BacklogOptions
	cmd := measurement(a, "backlog", "Measure how fast a backlog of events is worked off, and what others feel of it",
		"On a server with its own settings: many events of one function come at once, while another gets a\n"+
			"steady stream of requests and a third one of events.",
		&o.Setup, func(ctx context.Context) (*bench.BacklogReport, error) { return bench.Backlog(ctx, o) })
	f := cmd.Flags()
	registerRuntime(f, &o.Runtime)
	registerCount(f, &o.N, "n", bench.BacklogEvents, "number of events")
	f.IntVar(&o.MemoryMB, "memory", lambda.MemoryMBPerCPU, "memory of the function in MB, which decides about its share of CPU")
	return cmd
}

func newBenchLogs(a *app) *cobra.Command {
	var o bench.LogsOptions
	cmd := measurement(a, "logs", "Measure how long a line of a function's log takes until clients have it",
		"One client polls FilterLogEvents, another has a live tail. The function goes on after it wrote the line.\n"+
			"A virtual machine's clock is compared with the host's first.",
		&o.Setup, func(ctx context.Context) (*bench.LogsReport, error) { return bench.Logs(ctx, o) })
	f := cmd.Flags()
	registerRuntime(f, &o.Runtime)
	registerCount(f, &o.N, "n", bench.LogsSamples, "number of samples of each")
	return cmd
}

func newBenchDensity(a *app) *cobra.Command {
	var o bench.DensityOptions
	cmd := measurement(a, "density", "Measure the memory of frozen environments and of slots",
		"What scaled-to-zero functions take is measured by thaw bench rss.",
		&o.Setup, func(ctx context.Context) (*bench.DensityReport, error) { return bench.Density(ctx, o) })
	f := cmd.Flags()
	f.StringSliceVar(&o.Runtimes, "runtime", []string{"python", "nodejs"}, runtimeUsage+"; may be repeated")
	registerCount(f, &o.Environments, "n", bench.DensityEnvironments, "environments, and slots of each kind, that are counted together")
	return cmd
}

func newBenchRSS(a *app) *cobra.Command {
	var o bench.RSSOptions
	cmd := measurement(a, "rss", "Measure the memory of a daemon with many functions that nobody invokes", "",
		&o.Setup, func(ctx context.Context) (*bench.RSSReport, error) { return bench.RSS(ctx, o) })
	f := cmd.Flags()
	registerCount(f, &o.N, "n", bench.RSSFunctions, "number of functions")
	f.DurationVar(&o.Settle, "settle", 10*time.Second, "how long the server is left alone before its memory is read")
	return cmd
}

func newBenchReport(a *app) *cobra.Command {
	var o bench.SuiteOptions
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Measure everything and write a report",
		Long: "Measure everything and write report.json, report.md and a chart into a directory. They are written after each\n" +
			"measurement, so that what was measured before an interruption is there.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Out == "" {
				return usage(cmd, "say where with --out DIR")
			}
			if err := prepare(a, &o.Setup); err != nil {
				return err
			}
			o.Progress = func(step string) { fmt.Fprintln(a.err, step) } // it takes long: also where nobody watches
			r, err := bench.RunSuite(cmd.Context(), o)
			if err != nil {
				return withHint(err, "what was measured is in %s", o.Out)
			}
			return a.write(r, r.WriteTable)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Engine, "engine", node.Default().Engine, "engine of the server, as of thaw serve")
	f.StringVar(&o.Out, "out", "", "directory for the report; it is created")
	f.BoolVar(&o.Quick, "quick", false, "fewer samples: minutes instead of an hour (with emulated machines half an hour)")
	return cmd
}

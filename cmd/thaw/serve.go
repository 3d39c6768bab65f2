package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"thaw.dev/thaw/node"
)

// serve runs a server until it is told to stop.
type serve struct {
	config    node.Config
	budget    byteSize
	slots     byteSize
	snapshots byteSize
	rate      byteSize
	logLevel  string
	logFormat string
}

func newServe(a *app) *cobra.Command {
	s := serve{config: node.Default()}
	s.snapshots, s.rate = byteSize(s.config.SnapshotBytes), byteSize(s.config.StreamRate)
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: "Run the server until it is told to stop.\n\n" +
			"The first SIGTERM or SIGINT drains: no new requests, those under way finish, then everything is removed and\n" +
			"the exit code is 0. A second signal stops at once; invocations under way fail and the exit code is 130.\n\n" +
			"Every flag can also be given as an environment variable: --memory-budget as THAW_MEMORY_BUDGET, and so on.\n" +
			"A flag wins over the environment.",
		Args: cobra.NoArgs,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			return flagsFromEnvironment(cmd)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if s.config.Logger, err = newLogger(a.err, s.logLevel, s.logFormat); err != nil {
				return usage(cmd, "%w", err)
			}
			s.config.MemoryBudget, s.config.SlotMemory = int64(s.budget), int64(s.slots)
			s.config.SnapshotBytes, s.config.StreamRate = int64(s.snapshots), int64(s.rate)
			return s.run(cmd.Context(), a)
		},
	}
	f, c := cmd.Flags(), &s.config
	f.StringVar(&c.DataDir, "data", c.DataDir, "directory that holds all state; one server at a time uses it")
	f.StringVar(&c.Listen, "listen", c.Listen, "address of the HTTP API; port 0 picks a free one")
	f.StringVar(&c.Account, "account", c.Account, "12-digit id of the account")
	f.StringVar(&c.Region, "region", c.Region, "region in ARNs and signatures")
	f.StringVar(&c.Zone, "availability-zone-id", c.Zone, "id of the availability zone that functions learn about, such as use1-az1; empty is the region's first")
	registerEngines(f, c)
	f.BoolVar(&c.ReportEngine, "report-engine", false, "name a function's engine in its REPORT lines, which tenants read")
	f.Var(&s.budget, "memory-budget", "memory for all execution environments together, such as 8GiB; 0 is three quarters of the host's")
	f.DurationVar(&c.KeepAlive, "keep-alive", c.KeepAlive, "how long an idle execution environment is kept at most; 0 keeps none")
	f.DurationVar(&c.KeepAliveMin, "keep-alive-min", c.KeepAliveMin, "how long an idle execution environment is kept at least")
	f.DurationVar(&c.FreezeAfter, "freeze-after", c.FreezeAfter, "how long an environment must be idle before it is frozen; negative never freezes")
	f.IntVar(&c.HotSlots, "hot-slots", c.HotSlots, "slots with the runtime up to keep at least, for each runtime that functions use; more when they are asked for, but none at all with -1")
	f.IntVar(&c.EmptySlots, "empty-slots", c.EmptySlots, "created sandboxes to keep at least, for each runtime that functions use")
	f.Var(&s.slots, "slot-memory", "memory for slots without a function, such as 2GiB; 0 is a quarter of the budget")
	f.BoolVar(&c.SnapshotLatest, "snapshot-latest", c.SnapshotLatest, "start functions whose init is heavy from a snapshot even if they did not ask for SnapStart")
	f.Var(&s.snapshots, "snapshot-bytes", "disk space for function snapshots")
	f.BoolVar(&c.RequireRoles, "require-roles", c.RequireRoles, "refuse functions whose execution role does not exist")
	f.IntVar(&c.AccountConcurrency, "account-concurrency", c.AccountConcurrency, "invocations of one account at once")
	f.IntVar(&c.ScalingRate, "scaling-rate", c.ScalingRate, "environments by which one function may grow in ten seconds")
	f.Var(&s.rate, "stream-rate", "bytes per second of a streamed answer after its first 6 MiB, on average; 0 is no limit")
	f.StringVar(&c.URLDomain, "url-domain", "", "domain for function URLs, <url-id>.lambda-url.<region>.DOMAIN, beside localhost")
	f.StringSliceVar(&c.URLHosts, "url-host", nil, "further host name of a function URL, as NAME=TARGET with the URL's id or its function's ARN; may be repeated")
	f.StringVar(&c.OpsListen, "ops-listen", c.OpsListen, "address that serves /metrics and /status, without authentication, beside the socket ops.sock in the data directory")
	f.StringVar(&c.SQSEndpoint, "sqs-endpoint", "", "URL of SQS, or what speaks its API, for destinations and dead letter queues")
	f.StringVar(&c.SNSEndpoint, "sns-endpoint", "", "URL of SNS, or what speaks its API, for destinations and dead letter topics")
	f.StringVar(&c.EventsEndpoint, "events-endpoint", "", "URL of EventBridge, or what speaks its API, for destinations")
	f.StringVar(&c.EndpointsCredentials, "endpoints-credentials", "", "file with the access key for these endpoints, in the form of AWS's shared credentials file")
	f.StringSliceVar(&c.EgressDeny, "egress-deny", nil, "network in CIDR form that functions must not reach; may be repeated")
	f.StringSliceVar(&c.Resolvers, "resolver", nil, "name server, address:port, for functions' DNS queries instead of the host's; may be repeated")
	f.StringVar(&c.S3Endpoint, "s3-endpoint", "", "URL of the S3-compatible store that code named by bucket and key is read from, and destinations that are buckets are written to")
	f.StringVar(&c.S3Region, "s3-region", "", "region in the signatures of requests to it; --region if not given")
	f.StringVar(&c.S3Credentials, "s3-credentials", "", "file of AWS credentials whose profile default signs those requests; not signed without")
	f.StringVar(&s.logLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&s.logFormat, "log-format", "text", "text or json")
	return cmd
}

func (s *serve) run(ctx context.Context, a *app) error {
	n, err := node.Open(ctx, s.config)
	if err != nil {
		return withHint(err, "thaw doctor checks what a server needs")
	}
	if err := s.greet(a, n.Addr()); err != nil {
		return errors.Join(err, n.Close())
	}
	// Starting leaves garbage that an idle server would keep for a long time, because nothing makes it collect.
	debug.FreeOSMemory()
	<-ctx.Done()
	return s.drain(a, n)
}

// drain shuts n down; the user's second signal cuts it short.
func (s *serve) drain(a *app, n *node.Node) error {
	s.config.Logger.Info("draining; a second signal stops at once")
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	done := make(chan struct{})
	defer close(done)
	go func() { // ends with drain
		select {
		case <-a.halt:
			cancel(errStopped)
		case <-done:
		}
	}()
	if err := n.Shutdown(ctx); err != nil && context.Cause(ctx) == nil {
		return err
	}
	if context.Cause(ctx) != nil {
		return errStopped
	}
	s.config.Logger.Info("stopped")
	return nil
}

// greet says that the server serves, and how to use it.
func (s *serve) greet(a *app, addr string) error {
	if a.json {
		announced, err := readAnnouncement(s.config.DataDir)
		if err != nil {
			return err
		}
		return writeJSON(a.out, announced)
	}
	data := ""
	if s.config.DataDir != node.Default().DataDir {
		data = " --data " + shellWord(s.config.DataDir)
	}
	_, err := fmt.Fprintf(a.out, "Thaw serves at http://%s. To use it from another shell: eval \"$(thaw env%s)\"\n", addr, data)
	return err
}

// flagsFromEnvironment sets the flags of cmd that were not given from THAW_… variables.
func flagsFromEnvironment(cmd *cobra.Command) error {
	var err error
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		name := "THAW_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value := os.Getenv(name)
		if value == "" || f.Changed || err != nil {
			return
		}
		if e := cmd.Flags().Set(f.Name, value); e != nil {
			err = usage(cmd, "%s=%s: %w", name, value, e)
		}
	})
	return err
}

// newLogger returns the platform's log.
func newLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var o slog.HandlerOptions
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q: want debug, info, warn or error", level)
	}
	o.Level = l
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, &o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, &o)), nil
	}
	return nil, fmt.Errorf("log format %q: want text or json", format)
}

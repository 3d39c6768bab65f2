package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"thaw.dev/thaw/account"
	"thaw.dev/thaw/async"
	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/cloudwatch"
	"thaw.dev/thaw/code"
	"thaw.dev/thaw/control"
	"thaw.dev/thaw/durable"
	"thaw.dev/thaw/gateway"
	"thaw.dev/thaw/iam"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/layer"
	"thaw.dev/thaw/logs"
	"thaw.dev/thaw/mapping"
	"thaw.dev/thaw/metrics"
	"thaw.dev/thaw/ops"
	"thaw.dev/thaw/pool"
	"thaw.dev/thaw/signing"
	"thaw.dev/thaw/store"
)

// Node is a running server.
type Node struct {
	pool    *pool.Pool
	invoker *invoke.Invoker
	events  *async.Queue
	durable *durable.Executions
	http    *http.Server
	addr    string
	undo    []func() // what Open did, in its order

	api, credentials *insideListener // what functions reach
}

// Open starts a server and returns when it serves. Close or Shutdown must be called.
func Open(ctx context.Context, c Config) (_ *Node, err error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if c.DataDir, err = filepath.Abs(c.DataDir); err != nil {
		return nil, err
	}
	if c.GuestDir, err = filepath.Abs(GuestDir(c)); err != nil {
		return nil, err
	}
	n := &Node{}
	defer func() {
		if err != nil {
			n.unwind()
		}
	}()
	if err := os.MkdirAll(c.DataDir, 0o711); err != nil {
		return nil, err
	}
	st, err := store.Open(ctx, store.Options{Dir: filepath.Join(c.DataDir, "store"), Logger: c.Logger})
	if err != nil {
		return nil, err
	}
	n.onClose(func() { _ = st.Close() })
	keys, err := auth.OpenKeys(filepath.Join(c.DataDir, "credentials"), c.Account)
	if err != nil {
		return nil, err
	}
	accounts := account.Open(st.Records(), keys)
	sessions, err := auth.OpenSessions(filepath.Join(c.DataDir, "session.key"))
	if err != nil {
		return nil, err
	}
	roles := iam.New(iam.Options{Records: st.Records(), Sessions: sessions, Region: c.Region})
	packages, err := code.Open(code.Options{Dir: filepath.Join(c.DataDir, "code"), Logger: c.Logger})
	if err != nil {
		return nil, err
	}
	helpers, err := helperPrograms(c)
	if err != nil {
		return nil, err
	}
	catalog, err := OpenRuntimes(c, helpers.Agent)
	if err != nil {
		return nil, err
	}
	n.api, n.credentials = newInsideListener(insideAPI), newInsideListener(insideCredentials)
	n.onClose(func() { _, _ = n.api.Close(), n.credentials.Close() })
	isolation, err := n.openEngines(ctx, c, helpers)
	if err != nil {
		return nil, err
	}

	sender, err := openSender(c)
	if err != nil {
		return nil, err
	}
	n.onClose(sender.Close)
	n.onClose(func() { // the end of the sandboxes ends what runs
		if n.durable != nil {
			n.durable.Close()
		}
		if n.events != nil {
			n.events.Close()
		}
	})

	snapshots, err := openSnapshots(c)
	if err != nil {
		return nil, err
	}
	who := identity{roles, sessions, func() *pool.Pool { return n.pool }}
	counts := metrics.New()
	launcher := launcher{catalog, isolation, packages}
	environments := pool.Open(pool.Options{
		Engines: isolation.all(),
		Launch:  launcher.launch,
		CodeImage: func(ctx context.Context, fn *lambda.Config) (string, error) {
			return packages.Image(ctx, fn.Code.SHA256)
		},
		LayersImage: func(ctx context.Context, fn *lambda.Config) (string, error) {
			return packages.Layers(ctx, fn.LayerDigests())
		},
		Credentials:  who.credentials,
		OpenLog:      func(fn *lambda.Config) *logs.Stream { return openLog(st.Logs(), fn) },
		Region:       c.Region,
		Zone:         c.Zone,
		MemoryBudget: c.MemoryBudget,
		SlotMemory:   c.SlotMemory, HotSlots: c.HotSlots, EmptySlots: c.EmptySlots,
		KeepAlive: c.KeepAlive, KeepAliveMin: c.KeepAliveMin, FreezeAfter: c.FreezeAfter,
		Snapshots: snapshots, SnapshotLatest: c.SnapshotLatest,
		ScalingRate: c.ScalingRate, TenantEnvironments: c.AccountConcurrency * lambda.TenantEnvironmentsPer1000 / 1000, Trace: counts.Event,
		Logger: c.Logger,
	})
	n.onClose(environments.Close)
	n.pool = environments
	background, cancel := context.WithCancel(context.Background())
	var expecting sync.WaitGroup
	n.onClose(func() {
		cancel()
		expecting.Wait()
	})
	signatures := signing.New(c.Region, st.Records())
	layers := layer.New(layer.Options{
		Region: c.Region, Records: st.Records(), Packages: packages,
		FunctionBytes: func(account string) int64 { return st.Functions().Totals(account).CodeBytes },
	})
	functions := control.New(control.Options{
		Region:             c.Region,
		Store:              st.Functions(),
		Packages:           packages,
		Layers:             layers,
		Signing:            signatures,
		EnsureRuntime:      func(ctx context.Context, fn *lambda.Config) error { return launcher.expect(ctx, environments, fn) },
		Slots:              slots{environments, launcher, background, &expecting},
		CheckRole:          func(account, role string) error { return checkRole(roles, account, role, c.RequireRoles) },
		AccountConcurrency: c.AccountConcurrency,
		Reaches:            sender.Reaches,
		Logger:             c.Logger,
	})
	unneeded := &collector{functions: st.Functions(), layers: layers, packages: packages, log: c.Logger}
	unneeded.collect(ctx, true)
	expecting.Go(func() { unneeded.run(background) })
	functions.Open()
	n.onClose(functions.Close)

	verifier := auth.NewVerifier(auth.Options{Keys: keys, Sessions: sessions, Region: c.Region})
	n.invoker = invoke.New(invoke.Options{
		Functions: enabled{functions, accounts}, Environments: environments, Shares: functions, MayLoop: functions.MayLoop, StreamRate: c.StreamRate, ReportEngine: c.ReportEngine, Logger: c.Logger,
		Observe: func(o invoke.Observation) { observe(counts, o) },
	})
	objects, err := n.openObjects(c)
	if err != nil {
		return nil, err
	}
	urlHosts, err := c.urlHosts()
	if err != nil {
		return nil, err
	}
	n.durable = durable.Open(durable.Options{
		Region: c.Region, Journals: st.Journals(), Functions: enabled{functions, accounts}, Invoker: n.invoker, Logger: c.Logger,
	})
	n.onClose(n.durable.Stop)
	n.events = async.Open(async.Options{
		Region: c.Region, Store: st.Events(), Functions: functions, Invoker: durable.Later{Executions: n.durable}, Environments: environments.Count, Sender: sender,
		Delays: c.EventDelays, Logger: c.Logger,
	})
	n.onClose(n.events.Stop)
	onDisk := &disk{dir: c.DataDir, packages: packages, snapshots: snapshots, freed: unneeded.total, log: c.Logger}
	counts.WatchDisk(onDisk.usage)
	counts.WatchEvents(func() metrics.Events { return eventCounts(n.events) })
	front := gateway.New(gateway.Options{
		Region:     c.Region,
		Functions:  functions,
		Layers:     layers,
		Signing:    signatures,
		Invoker:    n.durable,
		Durable:    n.durable,
		Events:     n.events,
		Verifier:   verifier,
		Mappings:   mapping.New(mapping.NewStore(st.Records()), nil),
		Logs:       cloudWatchLogs{cloudwatch.New(st.Logs(), c.Region)},
		IAM:        roles,
		Identities: roles,
		Packages:   packages,
		Objects:    objects,
		URLs:       gateway.URLs{Domain: c.URLDomain, Hosts: urlHosts},
		Logger:     c.Logger,
	})
	operators, err := ops.Open(ops.Options{
		DataDir: c.DataDir, Listen: c.OpsListen, Metrics: counts, Status: environments.Status, Accounts: accounts, Events: n.events, Disk: onDisk.usage,
		Logger: c.Logger,
	})
	if err != nil {
		return nil, err
	}
	n.onClose(func() { _ = operators.Close() })
	n.serve(newServer(who, c.Logger), n.credentials, c.Logger)
	if err := n.listen(c, front); err != nil {
		return nil, err
	}
	return n, nil
}

// Addr is the address of the HTTP API, host:port.
func (n *Node) Addr() string { return n.addr }

// Status is what the server's pool holds now.
func (n *Node) Status() pool.Status { return n.pool.Status() }

// Invocations counts those under way, by function version.
func (n *Node) Invocations() []invoke.Count { return n.invoker.Counts() }

// Shutdown stops accepting requests, lets those under way finish until ctx ends, and closes everything.
func (n *Node) Shutdown(ctx context.Context) error {
	n.events.Stop()
	n.durable.Stop()
	err := n.http.Shutdown(ctx)
	n.events.Drain(ctx)
	n.durable.Drain(ctx)
	n.unwind()
	return err
}

// Close stops everything at once; invocations under way fail.
func (n *Node) Close() error {
	n.unwind()
	return nil
}

func (n *Node) onClose(f func()) { n.undo = append(n.undo, f) }

// unwind undoes Open in reverse order.
func (n *Node) unwind() {
	for i := len(n.undo) - 1; i >= 0; i-- {
		n.undo[i]()
	}
	n.undo = nil
}

func (n *Node) listen(c Config, front http.Handler) error {
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	n.addr = l.Addr().String()
	n.http = newServer(front, c.Logger)
	n.serve(n.http, l, c.Logger)
	n.serve(n.http, n.api, c.Logger)
	return n.announce(c)
}

// serve lets a server answer at l until n is closed.
func (n *Node) serve(s *http.Server, l net.Listener, log *slog.Logger) {
	served := make(chan struct{})
	go func() { // ends when the server is closed; unwind waits
		defer close(served)
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the HTTP server ended", "address", l.Addr().String(), "error", err)
		}
	}()
	n.onClose(func() {
		_ = s.Close()
		<-served
	})
}

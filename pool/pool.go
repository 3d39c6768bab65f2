package pool

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"thaw.dev/thaw/keepalive"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/logs"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/snapshot"
)

// Errors of Acquire. Match with errors.Is.
var (
	// ErrNoMemory is returned when the memory budget stayed used up by busy environments for Options.PlaceTimeout.
	ErrNoMemory = errors.New("the memory budget is used up by busy environments")
	// ErrScaling is returned when a function grows faster than Options.ScalingRate.
	ErrScaling = errors.New("the function's environments grow faster than the scaling rate allows")
	// ErrTenants is returned when the account has Options.TenantEnvironments and all are busy.
	ErrTenants = errors.New("the account has as many execution environments bound to tenants as it may")
	// ErrOverloaded is returned when more callers wait for environments than can be served in time.
	ErrOverloaded = errors.New("too many callers wait for an execution environment")
	// ErrLost is returned when the sandbox ended while the function's init ran in it, or could not be reset after it.
	ErrLost = errors.New("the sandbox was lost during init")
	// ErrClosed is returned when the pool is shutting down.
	ErrClosed = errors.New("the pool is closed")
)

// Launch says how to start a function's runtime inside a sandbox.
type Launch struct {
	Runtime string            // its name, e.g. "python3.11"
	Version string            // the interpreter's, e.g. "3.11.7"; "" for custom runtimes
	Image   string            // host path of the runtime image
	Agent   string            // path of the agent inside it
	Kind    string            // link.KindFrames or link.KindHTTP
	Argv    []string          // the runtime process
	Env     map[string]string // the runtime's own variables, which a function may override
	// OwnStart says that the function has something that a runtime only looks at when it starts, such as variables or
	// directories of libraries, so that one which is up already cannot serve it: its runtime starts once the code is there.
	OwnStart bool
	// Template says that the runtime can be part of a snapshot while it waits for its function.
	Template bool
	// Wrapper is the command that starts the runtime process of this function, with Argv as its arguments; empty: none.
	Wrapper []string
	// Engine makes the function's sandboxes. It is one of Options.Engines, as given there; nil means the first.
	Engine sandbox.Engine

	region string
	memory int64 // what its sandboxes can have at most, in bytes; 0 where the engine need not know
}

// Options configure a Pool. All members without a default are required.
type Options struct {
	// Engines make the sandboxes; the first those of functions whose Launch names no other. All share the memory budget; slots
	// and snapshots of one are never used with another.
	Engines []sandbox.Engine
	// Launch finds, and if need be builds, what the function's runtime needs.
	Launch func(ctx context.Context, fn *lambda.Config) (Launch, error)
	// CodeImage returns the host path of the function's code as an EROFS image.
	CodeImage func(ctx context.Context, fn *lambda.Config) (string, error)
	// LayersImage returns the host path of the function's layers as one EROFS image. It is called for functions that have
	// layers only.
	LayersImage func(ctx context.Context, fn *lambda.Config) (string, error)
	// OpenLog opens the log of a new environment.
	OpenLog func(fn *lambda.Config) *logs.Stream
	// Credentials makes the variables by which a new environment of fn is known to the outside; nil: there are none. See
	// Credentials.
	Credentials func(fn *lambda.Config, shared bool) Credentials
	// Region goes into the environment's variables. Zone is the id of the availability zone, which functions may ask for.
	Region, Zone string
	// MemoryBudget bounds the sum of all environments' reservations, in bytes.
	MemoryBudget int64
	// SlotMemory bounds what the stocks of slots reserve of it.
	SlotMemory int64
	// HotSlots and EmptySlots are how many slots of each kind are kept at least for each runtime in use. Negative HotSlots
	// mean that there never are any, whatever is asked for.
	HotSlots, EmptySlots int
	// KeepAlive is how long an idle environment is kept at most; 0 destroys it at once. KeepAliveMin is how long at least.
	KeepAlive, KeepAliveMin time.Duration
	// FreezeAfter is how long an environment is idle before it is frozen; negative never freezes, 0 freezes at once.
	FreezeAfter time.Duration
	// Snapshots keeps function snapshots; nil makes none.
	Snapshots *snapshot.Store
	// SnapshotLatest makes snapshots of all functions with a heavy init, not only of those that ask for it.
	SnapshotLatest bool
	// ScalingRate is by how many environments a function may grow in lambda.ScalingWindow; 0 means lambda.ScalingRate.
	ScalingRate int
	// TenantEnvironments is how many environments of one account may be bound to tenants, busy or idle; 0 means any number.
	TenantEnvironments int
	// PlaceTimeout is how long a cold start waits for memory while nobody else gets any either; 0 means 3 s.
	PlaceTimeout time.Duration
	// ColdStarts is how many sandboxes cold starts make at once; 0 means one more than there are CPUs.
	ColdStarts int
	Logger     *slog.Logger
	// Trace is called for each thing that happens; may be nil.
	Trace func(Event)
}

// OverheadBytes is reserved for each environment beyond its function's memory, for the engine's own processes, unless the
// engine says that it takes more.
const OverheadBytes = 24 << 20

// key names what an environment can serve: one revision of one version, and with tenancy one tenant.
type key struct{ account, name, version, revision, tenant string }

func keyOf(fn *lambda.Config) key {
	return key{fn.Account, fn.Name, fn.Version, fn.RevisionID, fn.Tenant}
}

// Pool is the set of this host's environments. Its methods may be called concurrently.
type Pool struct {
	o      Options
	ctx    context.Context // ends every cold start; cancelled by Close
	cancel context.CancelCauseFunc
	work   sync.WaitGroup // cold starts, teardowns, watchers
	starts chan struct{}  // a token for each cold start that runs

	mu        sync.Mutex
	closed    bool
	live      map[*Environment]bool
	inside    map[string]*lambda.Config // what environments serve, also while they begin, by their sandboxes' ids
	idle      map[key][]*Environment    // newest last
	waiters   map[key][]*want           // oldest first
	starting  map[key]int               // cold starts under way
	settling  map[key]int               // busy environments that will be released in a moment
	alive     map[key]int               // environments in live
	waiting   int                       // callers in waiters
	makeMean  time.Duration             // how long it takes to make a sandbox, a moving average
	coldMean  time.Duration             // how long a cold start takes, a moving average
	used      int64                     // bytes of the budget that are reserved
	stocked   int64                     // those of them that slots in stock have
	leaving   int64                     // those of them whose environments are being destroyed
	inLine    []*reservation            // cold starts that wait for memory, oldest first
	lastGrant time.Time                 // when one of them got it last

	policy       *keepalive.Policy
	prewarm      map[key]*time.Timer
	stocks       map[shelf]*stock
	provisions   map[key]*provision
	growth       map[functionKey]*rate.Limiter
	snapshotting map[key]bool
	making       int // snapshots that are being made in the background

	refillWake chan struct{} // has room for one
}

// Open returns a running pool.
func Open(o Options) *Pool {
	if o.PlaceTimeout == 0 {
		o.PlaceTimeout = 3 * time.Second
	}
	if o.ColdStarts == 0 {
		o.ColdStarts = runtime.NumCPU() + 1
	}
	if o.Trace == nil {
		o.Trace = func(Event) {}
	}
	if o.ScalingRate == 0 {
		o.ScalingRate = lambda.ScalingRate
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	p := &Pool{
		makeMean: 100 * time.Millisecond,
		o:        o, ctx: ctx, cancel: cancel,
		starts:   make(chan struct{}, o.ColdStarts),
		live:     map[*Environment]bool{},
		inside:   map[string]*lambda.Config{},
		idle:     map[key][]*Environment{},
		waiters:  map[key][]*want{},
		starting: map[key]int{},
		settling: map[key]int{},
		alive:    map[key]int{},

		policy:       keepalive.New(keepalive.Options{Min: min(o.KeepAliveMin, o.KeepAlive), Max: o.KeepAlive}),
		prewarm:      map[key]*time.Timer{},
		stocks:       map[shelf]*stock{},
		provisions:   map[key]*provision{},
		growth:       map[functionKey]*rate.Limiter{},
		snapshotting: map[key]bool{},
		refillWake:   make(chan struct{}, 1),
	}
	p.work.Go(p.refill)
	for _, engine := range o.Engines {
		if p.hasSnapshots(engine) {
			p.work.Go(func() { _ = engine.Fingerprint() }) // takes a while the first time
		}
	}
	return p
}

// Close destroys every environment, busy ones too, and waits until nothing is left of them.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	for _, ws := range p.waiters {
		for _, w := range ws {
			w.deliver(nil, ErrClosed)
		}
	}
	clear(p.waiters)
	p.waiting = 0
	for _, s := range p.stocks {
		p.drain(s, len(s.ready))
	}
	for _, t := range p.prewarm {
		t.Stop()
	}
	for _, v := range p.provisions {
		v.retry.Stop()
	}
	var all []*Environment
	for e := range p.live {
		all = append(all, e)
	}
	p.mu.Unlock()
	p.cancel(ErrClosed)
	for _, e := range all {
		p.discard(e, CauseShutdown)
	}
	p.work.Wait()
}

// Retire destroys the version's idle environments now and its busy ones when they are given back, because its code or
// configuration was replaced or it was deleted. An empty version means all of the function's. Its snapshot goes as well.
func (p *Pool) Retire(account, name, version string) {
	ours := func(k key) bool {
		return k.account == account && k.name == name && (version == "" || k.version == version)
	}
	gone := map[key]bool{}
	p.mu.Lock()
	for k, t := range p.prewarm {
		if ours(k) {
			t.Stop()
			delete(p.prewarm, k)
		}
	}
	for k, v := range p.provisions {
		if ours(k) {
			v.retry.Stop()
			delete(p.provisions, k)
		}
	}
	for k := range p.snapshotting {
		if ours(k) {
			gone[k] = true
			delete(p.snapshotting, k)
		}
	}
	var idle []*Environment
	for e := range p.live {
		if ours(e.key) {
			gone[e.key] = true
			e.retired = true
			if p.takeIdle(e) {
				idle = append(idle, e)
			}
		}
	}
	for k := range gone {
		p.policy.Forget(policyKey(k))
	}
	p.mu.Unlock()
	for _, e := range idle {
		p.discard(e, CauseRetired)
	}
	if p.o.Snapshots != nil {
		p.o.Snapshots.Remove(func(o string) bool { return owned(o, account, name, version) })
	}
}

// Usage is what the pool holds at one moment.
type Usage struct {
	Environments  int
	Idle          int
	Starting      int
	ReservedBytes int64
	BudgetBytes   int64
	Stocked       int // slots in stock
}

// Usage reports what the pool holds.
func (p *Pool) Usage() Usage {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := Usage{Environments: len(p.live), ReservedBytes: p.used, BudgetBytes: p.o.MemoryBudget}
	for _, es := range p.idle {
		u.Idle += len(es)
	}
	for _, n := range p.starting {
		u.Starting += n
	}
	for _, s := range p.stocks {
		u.Stocked += len(s.ready) + s.filling
	}
	return u
}

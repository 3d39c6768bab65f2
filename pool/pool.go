package pool

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/logs"
	"thaw.dev/thaw/sandbox"
)

// Errors of Acquire. Match with errors.Is.
var (
	// ErrNoMemory is returned when the memory budget stayed used up by busy environments for Options.PlaceTimeout.
	ErrNoMemory = errors.New("the memory budget is used up by busy environments")
	// ErrLost is returned when the sandbox ended while the function's init ran in it, or could not be reset after it.
	ErrLost = errors.New("the sandbox was lost during init")
	// ErrClosed is returned when the pool is shutting down.
	ErrClosed = errors.New("the pool is closed")
)

// Launch says how to start a function's runtime inside a sandbox.
type Launch struct {
	Image string            // host path of the runtime image
	Agent string            // path of the agent inside it
	Kind  string            // link.KindFrames or link.KindHTTP
	Argv  []string          // the runtime process
	Env   map[string]string // the runtime's own variables, which a function may override

	region string
}

// Options configure a Pool. All members without a default are required.
type Options struct {
	Engine sandbox.Engine
	// Launch finds, and if need be builds, what the function's runtime needs.
	Launch func(ctx context.Context, fn *lambda.Config) (Launch, error)
	// CodeImage returns the host path of the function's code as an EROFS image.
	CodeImage func(ctx context.Context, fn *lambda.Config) (string, error)
	// OpenLog opens the log of a new environment.
	OpenLog func(fn *lambda.Config) *logs.Stream
	// Region goes into the environment's variables.
	Region string
	// MemoryBudget bounds the sum of all environments' reservations, in bytes.
	MemoryBudget int64
	// KeepAlive is how long an idle environment is kept; 0 destroys it at once.
	KeepAlive time.Duration
	// PlaceTimeout is how long a cold start waits for memory; 0 means 10 s.
	PlaceTimeout time.Duration
	// ColdStarts is how many cold starts run at once; 0 means two for each CPU.
	ColdStarts int
	Logger     *slog.Logger
	// Trace is called for each thing that happens; may be nil.
	Trace func(Event)
}

// OverheadBytes is reserved for each environment beyond its function's memory, for the engine's own processes.
const OverheadBytes = 24 << 20

// key names what an environment can serve: one revision of one version.
type key struct{ account, name, version, revision string }

func keyOf(fn *lambda.Config) key {
	return key{fn.Account, fn.Name, fn.Version, fn.RevisionID}
}

// Pool is the set of this host's environments. Its methods may be called concurrently.
type Pool struct {
	o      Options
	ctx    context.Context // ends every cold start; cancelled by Close
	cancel context.CancelCauseFunc
	work   sync.WaitGroup // cold starts, teardowns, watchers
	starts chan struct{}  // a token for each cold start that runs

	mu       sync.Mutex
	closed   bool
	live     map[*Environment]bool
	idle     map[key][]*Environment // newest last
	waiters  map[key][]*want        // oldest first
	starting map[key]int            // cold starts under way
	settling map[key]int            // busy environments that will be released in a moment
	used     int64                  // bytes of the budget that are reserved
	leaving  int64                  // those of them whose environments are being destroyed
	inLine   []*reservation         // cold starts that wait for memory, oldest first
}

// Open returns a running pool.
func Open(o Options) *Pool {
	if o.PlaceTimeout == 0 {
		o.PlaceTimeout = 10 * time.Second
	}
	if o.ColdStarts == 0 {
		o.ColdStarts = 2 * runtime.NumCPU()
	}
	if o.Trace == nil {
		o.Trace = func(Event) {}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	return &Pool{
		o: o, ctx: ctx, cancel: cancel,
		starts:   make(chan struct{}, o.ColdStarts),
		live:     map[*Environment]bool{},
		idle:     map[key][]*Environment{},
		waiters:  map[key][]*want{},
		starting: map[key]int{},
		settling: map[key]int{},
	}
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

// Retire destroys the function's idle environments now and its busy ones when they are given back, because its code or
// configuration was replaced or it was deleted.
func (p *Pool) Retire(account, name string) {
	p.mu.Lock()
	var idle []*Environment
	for e := range p.live {
		if e.key.account == account && e.key.name == name {
			e.retired = true
			if p.takeIdle(e) {
				idle = append(idle, e)
			}
		}
	}
	p.mu.Unlock()
	for _, e := range idle {
		p.discard(e, CauseRetired)
	}
}

// Usage is what the pool holds at one moment.
type Usage struct {
	Environments  int
	Idle          int
	Starting      int
	ReservedBytes int64
	BudgetBytes   int64
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
	return u
}

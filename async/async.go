package async

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"thaw.dev/thaw/destination"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// Store keeps the events; *store.Events is one.
type Store interface {
	Recovered() []store.EventHead
	Add(ctx context.Context, e *store.Event) (store.EventKey, error)
	Mark(ctx context.Context, m store.Mark) error
	Read(ctx context.Context, key store.EventKey) (*store.Event, error)
}

// Functions says how events are treated.
type Functions interface {
	// EventRules returns what holds now. It only looks something up. Errors: lambda.KindNotFound if the function or its
	// qualifier is gone.
	EventRules(account, name, qualifier string) (lambda.EventRules, error)
}

// Invoker runs invocations; *invoke.Invoker is one.
type Invoker interface {
	Sync(ctx context.Context, req *invoke.Request) (*invoke.Result, error)
}

// Sender delivers messages to what is not a function; *destination.Sender is one.
type Sender interface {
	Send(ctx context.Context, m *destination.Message) error
}

// Options configure a Queue. Members are required unless they say otherwise.
type Options struct {
	Region    string // goes into ARNs
	Store     Store
	Functions Functions
	Invoker   Invoker
	Sender    Sender
	// Environments is how many environments a function has, whatever they do; nil: always enough. It must be quick.
	Environments func(account, function string) int
	// MaxEvents bounds the events of all accounts that are queued, waiting and undelivered; more are refused. 0 means
	// DefaultMaxEvents.
	MaxEvents int
	// Delays are when to try again; the zero value means DefaultDelays.
	Delays Delays
	Logger *slog.Logger
}

// DefaultMaxEvents is MaxEvents unless Options say otherwise.
const DefaultMaxEvents = 2_000_000

// Queue is the events of all accounts and what becomes of them. Its methods may be called concurrently.
type Queue struct {
	region       string
	store        Store
	functions    Functions
	invoker      Invoker
	sender       Sender
	environments func(account, function string) int
	maxEvents    int
	delays       Delays
	log          *slog.Logger

	wake    chan struct{} // holds a token when there may be something to start
	ctx     context.Context
	stop    context.CancelFunc
	wg      sync.WaitGroup // the dispatcher and the tries
	totals  totals
	stopped bool // guarded by mu

	mu      sync.Mutex
	lanes   map[laneKey]*lane // those that have an event; guarded by mu
	order   []*lane           // those with events that are due, in the order of their turns; guarded by mu
	running map[string]int    // invocations under way by account; guarded by mu
	grown   experience        // guarded by mu
	work    float64           // of all lanes since Open, see growth; guarded by mu
	later   byTime            // events of all lanes that are not due; guarded by mu
	events  int               // in all lanes; guarded by mu
}

// Open takes up the events that the store has and starts to work on them.
func Open(o Options) *Queue {
	if o.MaxEvents <= 0 {
		o.MaxEvents = DefaultMaxEvents
	}
	if o.Delays == (Delays{}) {
		o.Delays = DefaultDelays
	}
	if o.Environments == nil {
		o.Environments = func(string, string) int { return maxWindow }
	}
	ctx, stop := context.WithCancel(context.Background())
	q := &Queue{
		region: o.Region, store: o.Store, functions: o.Functions, invoker: o.Invoker, sender: o.Sender, environments: o.Environments,
		maxEvents: o.MaxEvents, delays: o.Delays, log: o.Logger,
		wake: make(chan struct{}, 1), ctx: ctx, stop: stop,
		lanes: map[laneKey]*lane{}, running: map[string]int{}, grown: experience{},
	}
	heads := o.Store.Recovered()
	q.mu.Lock()
	for i := range heads {
		q.put(newItem(&heads[i]), keyOf(&heads[i]))
	}
	q.mu.Unlock()
	if len(heads) > 0 {
		q.log.Info("asynchronous events taken up", "events", len(heads))
	}
	q.wg.Go(q.dispatch)
	return q
}

// Stop starts no more tries and cancels those that wait for an environment. What runs goes on; its result still counts if
// the function answered.
func (q *Queue) Stop() {
	q.mu.Lock()
	q.stopped = true
	q.mu.Unlock()
	q.stop()
}

// Drain waits until the tries under way have ended, or ctx. Call it after Stop.
func (q *Queue) Drain(ctx context.Context) {
	done := make(chan struct{})
	go func() { // ends with the last try, which the end of the sandboxes brings about
		q.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Close stops the queue and waits for the tries under way, however long that takes.
func (q *Queue) Close() {
	q.Stop()
	q.wg.Wait()
}

// Enqueue accepts an invocation and returns when it is on disk. Errors: lambda.KindThrottled when too many events are
// queued; any other error is ours, and the event may run all the same.
func (q *Queue) Enqueue(ctx context.Context, req *invoke.Request) error {
	e := &store.Event{
		EventHead: store.EventHead{
			ID: req.ID, Account: req.Account, Function: req.Function, Qualifier: req.Qualifier,
			Accepted: time.Now().UTC().Truncate(time.Millisecond),
		},
		ARN: req.ARN, TraceID: req.TraceID, Tenant: req.Tenant, Payload: req.Payload,
	}
	q.mu.Lock()
	full := q.events >= q.maxEvents
	q.mu.Unlock()
	if full {
		return &lambda.Error{
			Kind: lambda.KindThrottled, Reason: "CallerRateLimitExceeded", Msg: "Rate Exceeded.", RetryAfter: time.Minute,
			Err: fmt.Errorf("%d events are queued", q.maxEvents),
		}
	}
	if err := q.add(ctx, e); err != nil {
		return err
	}
	q.totals.accepted.Add(1)
	return nil
}

// add stores an event and has it tried when it is due.
func (q *Queue) add(ctx context.Context, e *store.Event) (err error) {
	// The event is in the queue or not, whether its caller waits or leaves.
	if e.Key, err = q.store.Add(context.WithoutCancel(ctx), e); err != nil {
		return fmt.Errorf("queue event: %w", err)
	}
	q.mu.Lock()
	q.put(newItem(&e.EventHead), keyOf(&e.EventHead))
	q.mu.Unlock()
	q.signal()
	return nil
}

func (q *Queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// newID makes the id of a request that nobody sent.
func newID() string { return uuid.NewString() }

// parseID makes the id of a request small. What is no UUID keeps nothing but its place in the queue.
func parseID(s string) uuid.UUID {
	id, err := uuid.Parse(s)
	if err != nil {
		return uuid.Nil
	}
	return id
}

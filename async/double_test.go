package async_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"thaw.dev/thaw/async"
	"thaw.dev/thaw/destination"
	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

const account = "000000000000"

// memory is a Store that keeps what a process that ends would leave.
type memory struct {
	mu     sync.Mutex
	last   uint64
	events map[store.EventKey]*store.Event
	order  []store.EventKey
	fail   error // of writes
	reads  int
}

func (m *memory) Recovered() []store.EventHead {
	m.mu.Lock()
	defer m.mu.Unlock()
	var heads []store.EventHead
	for _, key := range m.order {
		if e := m.events[key]; e != nil {
			heads = append(heads, e.EventHead)
		}
	}
	return heads
}

func (m *memory) Add(_ context.Context, e *store.Event) (store.EventKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return store.EventKey{}, m.fail
	}
	if m.events == nil {
		m.events = map[store.EventKey]*store.Event{}
	}
	m.last++
	kept := *e
	kept.Key = store.EventKey{Seq: m.last}
	m.events[kept.Key] = &kept
	m.order = append(m.order, kept.Key)
	return kept.Key, nil
}

func (m *memory) Mark(_ context.Context, k store.Mark) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.fail != nil:
		return m.fail
	case m.events[k.Key] == nil:
		return fmt.Errorf("mark of %v, which is not there", k.Key)
	case k.Finished:
		delete(m.events, k.Key)
	default:
		m.events[k.Key].Progress = k.Progress
	}
	return nil
}

func (m *memory) Read(_ context.Context, key store.EventKey) (*store.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	if m.events[key] == nil {
		return nil, store.ErrNoEvent
	}
	e := *m.events[key]
	return &e, nil
}

func (m *memory) left() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.events)
}

// plane is Functions: the rules by NAME or NAME:QUALIFIER.
type plane struct {
	mu    sync.Mutex
	rules map[string]lambda.EventRules
}

func (p *plane) EventRules(_, name, qualifier string) (lambda.EventRules, error) {
	if qualifier != "" {
		name += ":" + qualifier
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.rules[name]
	if !ok {
		return r, lambda.Errorf(lambda.KindNotFound, "Function not found: %s", name)
	}
	return r, nil
}

func (p *plane) set(name string, r lambda.EventRules) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rules == nil {
		p.rules = map[string]lambda.EventRules{}
	}
	p.rules[name] = r
}

// defaults are the rules of a function without settings.
func defaults() lambda.EventRules {
	return lambda.EventRules{MaxRetries: 2, MaxAge: 6 * time.Hour, Share: lambda.Share{Reserved: lambda.NoReservation, Unreserved: 1000}}
}

// runner is an Invoker: do answers each invocation.
type runner struct {
	do func(ctx context.Context, req *invoke.Request) (*invoke.Result, error)

	mu    sync.Mutex
	calls []call
}

type call struct {
	at       time.Time
	id, name string
	payload  string
}

func (r *runner) Sync(ctx context.Context, req *invoke.Request) (*invoke.Result, error) {
	r.mu.Lock()
	r.calls = append(r.calls, call{time.Now(), req.ID, req.Function, string(req.Payload)})
	r.mu.Unlock()
	return r.do(ctx, req)
}

func (r *runner) made() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]call(nil), r.calls...)
}

// outside is a Sender.
type outside struct {
	mu   sync.Mutex
	fail error
	sent []destination.Message
}

func (o *outside) Send(_ context.Context, m *destination.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fail != nil {
		return o.fail
	}
	o.sent = append(o.sent, *m)
	return nil
}

func (o *outside) set(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fail = err
}

func (o *outside) got() []destination.Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]destination.Message(nil), o.sent...)
}

// bench is a queue with everything around it.
type bench struct {
	*async.Queue
	store *memory
	plane *plane
	runs  *runner
	out   *outside
}

func ok(context.Context, *invoke.Request) (*invoke.Result, error) {
	return &invoke.Result{Payload: []byte(`"done"`), ExecutedVersion: "$LATEST"}, nil
}

func failing(context.Context, *invoke.Request) (*invoke.Result, error) {
	return &invoke.Result{Payload: []byte(`{"errorMessage":"boom","errorType":"E"}`), FunctionError: "Unhandled", ExecutedVersion: "$LATEST"}, nil
}

func throttled(reason string) func(context.Context, *invoke.Request) (*invoke.Result, error) {
	return func(context.Context, *invoke.Request) (*invoke.Result, error) {
		return nil, &lambda.Error{Kind: lambda.KindThrottled, Reason: reason, Msg: "Rate Exceeded."}
	}
}

func newBench(do func(context.Context, *invoke.Request) (*invoke.Result, error)) *bench {
	b := &bench{store: &memory{}, plane: &plane{}, runs: &runner{do: do}, out: &outside{}}
	b.plane.set("f", defaults())
	return b
}

func (b *bench) open() *bench {
	b.Queue = async.Open(async.Options{
		Region: "us-east-1", Store: b.store, Functions: b.plane, Invoker: b.runs, Sender: b.out, Logger: slog.New(slog.DiscardHandler),
	})
	return b
}

// inBubble runs a test in a bubble of time, on an open queue whose functions do what do says. rules changes those of the
// function f; nil leaves the defaults.
func inBubble(t *testing.T, do func(context.Context, *invoke.Request) (*invoke.Result, error), rules func(*lambda.EventRules),
	test func(t *testing.T, b *bench),
) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(do)
		if rules != nil {
			r := defaults()
			rules(&r)
			b.plane.set("f", r)
		}
		b.open()
		defer func() { b.Close() }() // of the queue that is open then
		test(t, b)
	})
}

// wantRecord fails unless one message was sent, and has part in it.
func (b *bench) wantRecord(t *testing.T, part string) {
	t.Helper()
	if sent := b.out.got(); len(sent) != 1 || !strings.Contains(string(sent[0].Body), part) {
		t.Errorf("sent %+v, want one with %s", sent, part)
	}
}

// send enqueues an event of a function, NAME or NAME:QUALIFIER, and returns its request id.
func (b *bench) send(t testing.TB, name, qualifier, payload string) string {
	t.Helper()
	id := uuid.NewString()
	err := b.Enqueue(t.Context(), &invoke.Request{
		ID: id, Account: account, Function: name, Qualifier: qualifier, ARN: lambda.FunctionARN("us-east-1", account, name, qualifier),
		Payload: []byte(payload), TraceID: "Root=1-0-0",
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// record reads a record of a destination.
func record(t testing.TB, body []byte) map[string]any {
	t.Helper()
	var r map[string]any
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return r
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

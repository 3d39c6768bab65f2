package durable

import (
	"cmp"
	"container/heap"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

// Journals keep the entries of executions; *store.Journals is one.
type Journals interface {
	Recovered() map[string][]byte
	Append(ctx context.Context, id string, summary, entry []byte) error
	Read(ctx context.Context, id string) ([][]byte, error)
	Remove(ctx context.Context, id string) error
}

// Functions resolves a function to what runs for it now; *control.Functions is one.
type Functions interface {
	Resolve(account, name, qualifier string) (*lambda.Config, error)
}

// Invoker runs invocations; *invoke.Invoker is one.
type Invoker interface {
	Sync(ctx context.Context, req *invoke.Request) (*invoke.Result, error)
	Stream(ctx context.Context, req *invoke.Request, to invoke.Sink) (*invoke.StreamResult, error)
}

// Delays are the times before an invocation is made again.
type Delays struct {
	// First is the delay after the first failure or refusal in a row. It doubles up to Longest.
	First, Longest time.Duration
}

// DefaultDelays are Options.Delays unless they say otherwise. AWS does not say what its are.
var DefaultDelays = Delays{First: time.Second, Longest: time.Minute}

func (d Delays) after(n int) time.Duration {
	delay := d.First
	for ; n > 1 && delay < d.Longest; n-- {
		delay *= 2
	}
	return min(delay, d.Longest)
}

// Options configure Executions. Members are required unless they say otherwise.
type Options struct {
	Region    string // goes into ARNs
	Journals  Journals
	Functions Functions
	Invoker   Invoker
	Delays    Delays // the zero value means DefaultDelays
	// MaxExecutions bounds the executions of all accounts that are kept, ended ones too; more are refused. 0 means
	// DefaultMaxExecutions.
	MaxExecutions int
	Logger        *slog.Logger
}

// DefaultMaxExecutions is MaxExecutions unless Options say otherwise. Each takes some 700 bytes of memory.
const DefaultMaxExecutions = 1_000_000

// Summary is what is in memory of each execution, and what lists show.
type Summary struct {
	ID        string    `json:"id"`
	Account   string    `json:"account"`
	Function  string    `json:"function"` // name
	Version   string    `json:"version"`
	Qualifier string    `json:"qualifier"` // as it was invoked
	Name      string    `json:"name"`
	Status    Status    `json:"status"`
	Started   time.Time `json:"started"`
	Ended     time.Time `json:"ended,omitzero"`
	// Days is how long it is kept once it ended.
	Days int `json:"days"`
	// Sum is the SHA-256 of what it was started with, in hexadecimal.
	Sum string `json:"sum"`
	// Wake is when time changes it next. Open says that something runs for it, or should.
	Wake time.Time `json:"wake,omitzero"`
	Open bool      `json:"open,omitempty"`
}

// Ref is the execution as its ARN names it.
func (s Summary) Ref(region string) lambda.ExecutionRef {
	return lambda.ExecutionRef{Region: region, Account: s.Account, Function: s.Function, Version: s.Version, Name: s.Name, ID: s.ID}
}

// wakeAt is when a process that knows nothing else has to look at the execution: when it is due, or to be removed.
func (s *Summary) wakeAt() time.Time {
	switch {
	case !s.Ended.IsZero():
		return s.Ended.AddDate(0, 0, s.Days)
	case s.Open:
		return s.Started
	}
	return s.Wake
}

type functionKey struct{ account, name string }

type nameKey struct{ account, function, name string }

// Executions are the durable executions of all accounts. Its methods may be called concurrently.
type Executions struct {
	region    string
	journals  Journals
	functions Functions
	invoker   Invoker
	delays    Delays
	most      int // Options.MaxExecutions
	log       *slog.Logger

	woken chan struct{} // holds a token when the timers changed
	ctx   context.Context
	stop  context.CancelFunc
	wg    sync.WaitGroup // the clock, and what runs for executions

	mu         sync.Mutex
	stopped    bool                         // guarded by mu
	executions map[string]*execution        // by id; guarded by mu
	names      map[nameKey]*execution       // guarded by mu
	lists      map[functionKey][]*execution // in the order of their starts; guarded by mu
	timers     timers                       // guarded by mu
}

// Open takes up the executions that the journals have and goes on with them.
func Open(o Options) *Executions {
	if o.Delays == (Delays{}) {
		o.Delays = DefaultDelays
	}
	if o.MaxExecutions <= 0 {
		o.MaxExecutions = DefaultMaxExecutions
	}
	ctx, stop := context.WithCancel(context.Background())
	e := &Executions{
		region: o.Region, journals: o.Journals, functions: o.Functions, invoker: o.Invoker, delays: o.Delays, most: o.MaxExecutions, log: o.Logger,
		woken: make(chan struct{}, 1), ctx: ctx, stop: stop,
		executions: map[string]*execution{}, names: map[nameKey]*execution{}, lists: map[functionKey][]*execution{},
	}
	var found []Summary
	for id, data := range o.Journals.Recovered() {
		var s Summary
		if err := json.Unmarshal(data, &s); err != nil || s.ID != id {
			e.log.Error("summary of an execution cannot be read", "execution", id, "err", err)
			continue
		}
		found = append(found, s)
	}
	slices.SortFunc(found, func(a, b Summary) int {
		return cmp.Or(a.Started.Compare(b.Started), strings.Compare(a.ID, b.ID))
	})
	running := 0
	e.mu.Lock()
	for _, s := range found {
		x := newExecution(s.ID)
		e.enlist(x, s)
		if x.summary.Status != Running {
			close(x.done)
			continue
		}
		running++
	}
	e.mu.Unlock()
	if len(found) > 0 {
		e.log.Info("durable executions taken up", "executions", len(found), "running", running)
	}
	e.wg.Go(e.clock)
	return e
}

// Stop begins no more invocations, and lets callers that wait for a result go. What runs goes on; its result still counts if
// the function answered.
func (e *Executions) Stop() {
	e.mu.Lock()
	e.stopped = true
	e.mu.Unlock()
	e.stop()
}

// Drain waits until the invocations under way have ended, or ctx. Call it after Stop.
func (e *Executions) Drain(ctx context.Context) {
	done := make(chan struct{})
	go func() { // ends with the last invocation, which the end of the sandboxes brings about
		e.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Close stops and waits for what is under way, however long that takes.
func (e *Executions) Close() {
	e.Stop()
	e.wg.Wait()
}

// begin runs f, unless Stop was called.
func (e *Executions) begin(f func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return false
	}
	e.wg.Go(f)
	return true
}

// enlist takes an execution into the index. mu is held.
func (e *Executions) enlist(x *execution, s Summary) {
	x.summary = s
	e.executions[s.ID] = x
	e.names[nameKey{s.Account, s.Function, s.Name}] = x
	key := functionKey{s.Account, s.Function}
	e.lists[key] = append(e.lists[key], x)
	e.setTimer(x, s.wakeAt())
}

// delist takes an execution out of the index. mu is held.
func (e *Executions) delist(x *execution) {
	s := &x.summary
	delete(e.executions, s.ID)
	delete(e.names, nameKey{s.Account, s.Function, s.Name})
	key := functionKey{s.Account, s.Function}
	list := e.lists[key]
	if i := slices.Index(list, x); i >= 0 {
		list = slices.Delete(list, i, i+1)
	}
	if e.lists[key] = list; len(list) == 0 {
		delete(e.lists, key)
	}
	e.setTimer(x, time.Time{})
}

// find returns an execution of an account; nil if there is none.
func (e *Executions) find(account, id string) *execution {
	e.mu.Lock()
	defer e.mu.Unlock()
	if x := e.executions[id]; x != nil && x.summary.Account == account {
		return x
	}
	return nil
}

// lookup returns the execution that ref names. Errors: lambda.KindNotFound.
func (e *Executions) lookup(ref lambda.ExecutionRef) (*execution, error) {
	x := e.find(ref.Account, ref.ID)
	if x != nil {
		e.mu.Lock()
		same := x.summary.Ref(e.region) == ref
		e.mu.Unlock()
		if same {
			return x, nil
		}
	}
	return nil, lambda.Errorf(lambda.KindNotFound, "Durable execution not found: %s", ref.ARN())
}

// timers are executions by when time changes them; a heap.
type timers []*execution

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].at.Before(t[j].at) }
func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].place, t[j].place = i, j
}

// Push implements heap.Interface.
func (t *timers) Push(v any) {
	x := v.(*execution)
	x.place = len(*t)
	*t = append(*t, x)
}

// Pop implements heap.Interface.
func (t *timers) Pop() any {
	last := len(*t) - 1
	x := (*t)[last]
	(*t)[last] = nil
	*t = (*t)[:last]
	x.place = -1
	return x
}

// setTimer has an execution looked at then; zero: never. mu is held.
func (e *Executions) setTimer(x *execution, at time.Time) {
	switch x.at = at; {
	case at.IsZero() && x.place >= 0:
		heap.Remove(&e.timers, x.place)
	case at.IsZero():
	case x.place >= 0:
		heap.Fix(&e.timers, x.place)
	default:
		heap.Push(&e.timers, x)
	}
	select {
	case e.woken <- struct{}{}:
	default:
	}
}

// clock looks at executions when they are due, until Stop.
func (e *Executions) clock() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := time.Hour
		e.mu.Lock()
		for len(e.timers) > 0 {
			if wait = time.Until(e.timers[0].at); wait > 0 {
				break
			}
			x := heap.Pop(&e.timers).(*execution)
			if !e.stopped {
				e.wg.Go(func() { e.advance(x) })
			}
		}
		e.mu.Unlock()
		timer.Reset(min(max(wait, 0), time.Hour))
		select {
		case <-timer.C:
		case <-e.woken:
		case <-e.ctx.Done():
			return
		}
	}
}

package pool_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/logs"
	"thaw.dev/thaw/pool"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/fake"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// rig is a pool on the fake engine, with what happened in it.
type rig struct {
	*pool.Pool
	engine *fake.Engine
	events chan pool.Event
	begun  chan string // names of functions whose cold start began
}

func newRig(t *testing.T, change func(*pool.Options, *fake.Options)) *rig {
	t.Helper()
	var fo fake.Options
	r := &rig{events: make(chan pool.Event, 10_000), begun: make(chan string, 10_000)}
	o := pool.Options{
		Launch: func(_ context.Context, fn *lambda.Config) (pool.Launch, error) {
			r.begun <- fn.Name
			return pool.Launch{Image: "/image", Agent: "/agent", Kind: link.KindFrames, Argv: []string{"x"}, Env: map[string]string{}}, nil
		},
		CodeImage:    func(context.Context, *lambda.Config) (string, error) { return "/dev/null", nil },
		OpenLog:      func(*lambda.Config) *logs.Stream { return logs.NewStream("g", "n", 100, func([]logs.Event) {}) },
		MemoryBudget: 100 << 30,
		KeepAlive:    time.Hour,
		Logger:       slog.New(slog.DiscardHandler),
		Trace:        func(e pool.Event) { r.events <- e },
	}
	if change != nil {
		change(&o, &fo)
	}
	r.engine = fake.New(fo)
	o.Engines = append([]sandbox.Engine{sandbox.Guard(r.engine)}, o.Engines...)
	r.Pool = pool.Open(o)
	t.Cleanup(func() {
		r.Close()
		if left := len(r.engine.Sandboxes()); left > 0 {
			t.Errorf("%d sandboxes left after Close", left)
		}
		if u := r.Usage(); u.Environments != 0 || u.ReservedBytes != 0 {
			t.Errorf("after Close: %+v", u)
		}
	})
	return r
}

// await returns the next event of a kind.
func (r *rig) await(t *testing.T, kind pool.EventKind) pool.Event {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case e := <-r.events:
			if e.Kind == kind {
				return e
			}
		case <-timeout:
			t.Fatalf("no event %s", kind)
		}
	}
}

func (r *rig) acquire(t *testing.T, fn *lambda.Config) *pool.Environment {
	t.Helper()
	e, err := r.Acquire(t.Context(), fn)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func function(name string, memoryMB int) *lambda.Config {
	return &lambda.Config{Account: "000000000000", Name: name, Version: lambda.Latest, RevisionID: "r1", MemoryMB: memoryMB, Timeout: 3}
}

func event(id string) *link.Event {
	return &link.Event{EventMeta: link.EventMeta{ID: id}, Payload: []byte(`{"id":"` + id + `"}`)}
}

func soon() time.Time { return time.Now().Add(20 * time.Second) }

func TestAnIdleEnvironmentIsTakenAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	fn := function("f", 128)
	a := r.acquire(t, fn)
	reply, err := a.Deliver(event("1"), soon())
	if err != nil || string(reply.Payload) != `{"id":"1"}` {
		t.Fatalf("%+v, %v", reply, err)
	}
	b := r.acquire(t, fn) // a is busy
	if a == b {
		t.Fatal("two callers share an environment")
	}
	r.Release(a)
	r.Release(b)
	if got := r.acquire(t, fn); got != b {
		t.Error("not the most recently used one")
	}
	if got := r.acquire(t, fn); got != a {
		t.Error("not the other one")
	}
}

func TestAReleasedEnvironmentBeatsASlowColdStart(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	fn := function("f", 128)
	a := r.acquire(t, fn)
	r.engine.Faults.Set(fake.AtCreate, fake.Fault{Delay: time.Hour})
	got := make(chan *pool.Environment)
	go func() {
		e, err := r.Acquire(context.Background(), fn)
		if err != nil {
			t.Error(err)
		}
		got <- e
	}()
	<-r.begun // a's
	<-r.begun // the waiter's
	r.Release(a)
	if e := <-got; e != a {
		t.Error("the waiter did not get the released environment")
	}
	r.await(t, pool.EventHandOver)
}

func TestAColdStartOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	fn := function("f", 128)
	r.engine.Faults.Set(fake.AtCreate, fake.Fault{Delay: 50 * time.Millisecond})
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("caller left")
	cancel(why)
	if _, err := r.Acquire(ctx, fn); !errors.Is(err, why) {
		t.Fatalf("got %v", err)
	}
	r.await(t, pool.EventColdStart)
	r.acquire(t, fn)
	r.await(t, pool.EventHit)
}

func TestAFailedColdStartIsItsCallersError(t *testing.T) {
	t.Parallel()
	for _, at := range []fake.Point{fake.AtCreate, fake.AtStart, fake.AtAttach, fake.AtLimit} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			broken := errors.New("broken on purpose")
			r.engine.Faults.Set(at, fake.Fault{Err: broken, Times: 1})
			fn := function("f", 128)
			r.acquire(t, fn) // the second try
			r.engine.Faults.Set(at, fake.Fault{Err: broken})
			fn = function("g", 128)
			if _, err := r.Acquire(t.Context(), fn); !errors.Is(err, broken) {
				t.Fatalf("got %v", err)
			}
			if u := r.Usage(); u.Environments != 1 || u.ReservedBytes != 128<<20+pool.OverheadBytes || u.Starting != 0 {
				t.Errorf("left behind: %+v", u)
			}
			r.engine.Faults.Set(at, fake.Fault{})
			r.acquire(t, fn)
		})
	}
}

func TestMemoryIsFoundByEvictingTheLeastUsed(t *testing.T) {
	t.Parallel()
	each := int64(256<<20 + pool.OverheadBytes)
	r := newRig(t, func(o *pool.Options, _ *fake.Options) { o.MemoryBudget = 2 * each })
	a, b := r.acquire(t, function("a", 256)), r.acquire(t, function("b", 256))
	r.Release(a)
	r.Release(b)
	for range 100 { // so that what a cold start of each happened to cost does not count
		r.Release(r.acquire(t, function("b", 256)))
	}
	r.acquire(t, function("c", 256))
	if e := r.await(t, pool.EventDestroyed); e.Function != "a" || e.Cause != pool.CauseEvicted {
		t.Errorf("got %+v", e)
	}
	if r.acquire(t, function("b", 256)) != b {
		t.Error("b was destroyed too")
	}
}

func TestAColdStartWaitsForBusyMemory(t *testing.T) {
	t.Parallel()
	each := int64(256<<20 + pool.OverheadBytes)
	r := newRig(t, func(o *pool.Options, _ *fake.Options) { o.MemoryBudget = each })
	a := r.acquire(t, function("a", 256))
	got := make(chan error)
	go func() {
		_, err := r.Acquire(context.Background(), function("b", 256))
		got <- err
	}()
	<-r.begun    // a's
	<-r.begun    // the waiter's
	r.Release(a) // goes to the one in line, not to idle
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestMemoryThatStaysBusyIsAnError(t *testing.T) {
	t.Parallel()
	each := int64(256<<20 + pool.OverheadBytes)
	r := newRig(t, func(o *pool.Options, _ *fake.Options) { o.MemoryBudget, o.PlaceTimeout = each, 30*time.Millisecond })
	r.acquire(t, function("a", 256))
	if _, err := r.Acquire(t.Context(), function("b", 128)); !errors.Is(err, pool.ErrNoMemory) {
		t.Errorf("got %v", err)
	}
	if _, err := r.Acquire(t.Context(), function("c", 10240)); lambda.KindOf(err) != lambda.KindThrottled {
		t.Errorf("a function larger than the budget: %v", err)
	}
}

func TestRetiredEnvironmentsAreNotUsedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	fn := function("f", 128)
	idle, busy := r.acquire(t, fn), r.acquire(t, fn)
	other := r.acquire(t, function("other", 128))
	r.Release(idle)
	r.Retire(fn.Account, fn.Name, "")
	if e := r.await(t, pool.EventDestroyed); e.Cause != pool.CauseRetired {
		t.Errorf("got %+v", e)
	}
	r.Release(busy)
	if e := r.await(t, pool.EventDestroyed); e.Cause != pool.CauseRetired {
		t.Errorf("got %+v", e)
	}
	r.Release(other)
	if r.acquire(t, function("other", 128)) != other {
		t.Error("another function's environment was retired")
	}
	fn2 := function("f", 128)
	fn2.RevisionID = "r2"
	r.Release(r.acquire(t, fn2))
	if e := r.acquire(t, function("f", 128)); e.Function.RevisionID != "r1" {
		t.Error("an environment of another revision was handed out")
	}
}

func TestKeepAliveEnds(t *testing.T) {
	t.Parallel()
	for _, keep := range []time.Duration{0, 20 * time.Millisecond} {
		r := newRig(t, func(o *pool.Options, _ *fake.Options) { o.KeepAlive = keep })
		r.Release(r.acquire(t, function("f", 128)))
		if e := r.await(t, pool.EventDestroyed); e.Cause != pool.CauseKeepAlive {
			t.Errorf("keep-alive %v: %+v", keep, e)
		}
	}
}

func TestASandboxThatDiesWhileIdleIsNotHandedOut(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	fn := function("f", 128)
	e := r.acquire(t, fn)
	r.Release(e)
	r.engine.Sandbox(e.ID()).End(sandbox.ExitStatus{Code: 1, Reason: "on purpose"})
	if d := r.await(t, pool.EventDestroyed); d.Cause != pool.CauseDied {
		t.Errorf("got %+v", d)
	}
	if r.acquire(t, fn) == e {
		t.Error("a dead environment was handed out")
	}
}

func TestResetAndInitAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	e := r.acquire(t, function("f", 128))
	if err := e.Reset(nil); err != nil || e.Ready() {
		t.Fatalf("%v, ready %v", err, e.Ready())
	}
	if err := e.Init(soon()); err != nil || !e.Ready() {
		t.Fatalf("%v, ready %v", err, e.Ready())
	}
	if _, err := e.Deliver(event("1"), soon()); err != nil {
		t.Error(err)
	}
}

// fickle is a guest whose first runtime process ends as soon as it is ready; the others stay.
func fickle(in fake.Inside) int {
	control, data := link.NewWriter(in.Control), link.NewWriter(in.Data)
	_ = control.JSON(link.TypeHello, link.HelloMeta{Version: link.Version})
	for r, started := link.NewReader(in.Control), 0; ; {
		f, err := r.Next()
		if err != nil {
			return 0
		}
		switch f.Type {
		case link.TypeStart:
			_ = data.Frame(link.TypeReady, 0, nil)
			if started++; started == 1 {
				_ = control.JSON(link.TypeExited, link.ExitMeta{Run: 1, Code: 1})
			}
		case link.TypeReset:
			_ = data.Frame(link.TypeSync, 0, f.Body)
		}
	}
}

func TestARuntimeThatEndsWhileIdleIsReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(_ *pool.Options, o *fake.Options) { o.Guest = fickle })
	e := r.acquire(t, function("f", 128))
	for e.Ready() { // until the news has arrived
		if err := e.Revive(); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Init(soon()); err != nil {
		t.Fatal(err)
	}
	if err := e.Revive(); err != nil || !e.Ready() {
		t.Errorf("a runtime that lives: %v, ready %v", err, e.Ready())
	}
}

// TestOwnersAreExclusive hammers a small pool with callers that come, stay, leave and give up.
func TestOwnersAreExclusive(t *testing.T) {
	t.Parallel()
	const functions, callers, rounds = 4, 12, 25
	r := newRig(t, func(o *pool.Options, _ *fake.Options) {
		o.MemoryBudget = 6 * (128<<20 + pool.OverheadBytes)
		o.KeepAlive = 5 * time.Millisecond
	})
	r.engine.Faults.Set(fake.AtCreate, fake.Fault{Delay: time.Millisecond})
	var mu sync.Mutex
	owners := map[*pool.Environment]bool{}
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(c)))
			for range rounds {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rnd.IntN(30))*time.Millisecond)
				fn := function("f"+strconv.Itoa(rnd.IntN(functions)), 128)
				e, err := r.Acquire(ctx, fn)
				cancel()
				if err != nil {
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Error(err)
					}
					continue
				}
				mu.Lock()
				if owners[e] || e.Function.Name != fn.Name {
					t.Error("an environment has two owners, or the wrong function")
				}
				owners[e] = true
				mu.Unlock()
				_, err = e.Deliver(event("x"), soon())
				mu.Lock()
				delete(owners, e)
				mu.Unlock()
				switch {
				case err != nil:
					t.Error(err)
					r.Discard(e)
				case rnd.IntN(10) == 0:
					r.Discard(e)
				case rnd.IntN(10) == 0:
					r.Retire(fn.Account, fn.Name, "")
					r.Release(e)
				default:
					r.Release(e)
				}
			}
		})
	}
	wg.Wait()
	if u := r.Usage(); u.ReservedBytes > u.BudgetBytes {
		t.Errorf("over budget: %+v", u)
	}
}

func BenchmarkAcquireRelease(b *testing.B) {
	engine := fake.New(fake.Options{})
	p := pool.Open(pool.Options{
		Engines: []sandbox.Engine{engine},
		Launch: func(context.Context, *lambda.Config) (pool.Launch, error) {
			return pool.Launch{Image: "/image", Agent: "/agent", Kind: link.KindFrames, Env: map[string]string{}}, nil
		},
		CodeImage:    func(context.Context, *lambda.Config) (string, error) { return "/dev/null", nil },
		OpenLog:      func(*lambda.Config) *logs.Stream { return logs.NewStream("g", "n", 100, func([]logs.Event) {}) },
		MemoryBudget: 1 << 40, KeepAlive: time.Hour, Logger: slog.New(slog.DiscardHandler),
	})
	defer p.Close()
	fn := function("f", 128)
	b.ReportAllocs()
	for b.Loop() {
		e, err := p.Acquire(context.Background(), fn)
		if err != nil {
			b.Fatal(err)
		}
		p.Release(e)
	}
}

func TestASettlingEnvironmentThatTakesTooLongIsReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	fn := function("f", 128)
	a := r.acquire(t, fn)
	r.Settle(a)
	if b := r.acquire(t, fn); a == b {
		t.Error("an environment that was not released was handed out")
	}
}

func TestASandboxThatEndsDuringInitIsLost(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(_ *pool.Options, o *fake.Options) {
		o.Guest = func(in fake.Inside) int {
			_ = link.NewWriter(in.Control).JSON(link.TypeHello, link.HelloMeta{Version: link.Version})
			_, _ = link.NewReader(in.Control).Next() // the start
			return 1
		}
	})
	if _, err := r.Acquire(t.Context(), function("f", 128)); !errors.Is(err, pool.ErrLost) {
		t.Errorf("got %v", err)
	}
}

package pool_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/pool"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/fake"
	"thaw.dev/thaw/snapshot"
)

var runtime = pool.Launch{Runtime: "python3.11", Image: "/image", Agent: "/agent", Kind: link.KindFrames, Argv: []string{"x"}}

// withSlots gives the pool stocks.
func withSlots(hot, empty int) func(*pool.Options, *fake.Options) {
	return func(o *pool.Options, _ *fake.Options) {
		o.SlotMemory, o.HotSlots, o.EmptySlots, o.KeepAliveMin = 10<<30, hot, empty, time.Hour
		o.FreezeAfter = -1
	}
}

// awaitStock waits until the stock of a kind is as ok wants it.
func (r *rig) awaitStock(t *testing.T, kind pool.Source, ok func(pool.StockStatus) bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		for _, s := range r.Status().Stocks {
			if s.Kind == kind && ok(s) {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("stocks: %+v", r.Status().Stocks)
		}
	}
}

func full(s pool.StockStatus) bool { return s.Ready == s.Target && s.Target > 0 }

func TestColdStartsTakeHotSlotsAndTheStockIsRefilled(t *testing.T) {
	t.Parallel()
	r := newRig(t, withSlots(2, 1))
	r.Expect(runtime)
	r.awaitStock(t, pool.SourceHot, full)
	r.awaitStock(t, pool.SourceEmpty, full)
	for _, name := range []string{"a", "b", "c"} {
		e := r.acquire(t, function(name, 128))
		if e.Source != pool.SourceHot {
			t.Errorf("%s began with %s", name, e.Source)
		}
		if _, err := e.Deliver(event("1"), soon()); err != nil {
			t.Error(err)
		}
		r.awaitStock(t, pool.SourceHot, full)
	}
	r.awaitStock(t, pool.SourceHot, func(s pool.StockStatus) bool {
		return s.Target == 3 && strings.Contains(s.Reason, "3 were asked for") && s.Taken == 3 && s.Missed == 0
	})
}

func TestSlotsThatDoNotFitAreNotTaken(t *testing.T) {
	t.Parallel()
	r := newRig(t, withSlots(1, 0))
	r.Expect(runtime)
	r.awaitStock(t, pool.SourceHot, full)
	big := function("big", 128)
	big.EphemeralMB = 1024
	if e := r.acquire(t, big); e.Source != pool.SourceNone {
		t.Errorf("a larger /tmp began with %s", e.Source)
	}
}

func TestARuntimeThatMustStartAnewDoesSoInTheSlot(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *pool.Options, fo *fake.Options) {
		withSlots(1, 0)(o, fo)
		launch := o.Launch
		o.Launch = func(ctx context.Context, fn *lambda.Config) (pool.Launch, error) {
			l, err := launch(ctx, fn)
			l.OwnStart = true
			return l, err
		}
	})
	r.Expect(runtime)
	r.awaitStock(t, pool.SourceHot, full)
	e := r.acquire(t, function("f", 128))
	if e.Source != pool.SourceEmpty || !e.Ready() {
		t.Errorf("began with %s, ready %v", e.Source, e.Ready())
	}
	if _, err := e.Deliver(event("1"), soon()); err != nil {
		t.Error(err)
	}
}

func TestStocksAreDrainedBeforeEnvironmentsAreEvicted(t *testing.T) {
	t.Parallel()
	each := int64(128<<20 + pool.OverheadBytes)
	r := newRig(t, func(o *pool.Options, fo *fake.Options) {
		withSlots(2, 0)(o, fo)
		o.MemoryBudget = 2*each + 10<<20
	})
	warm := r.acquire(t, function("warm", 128))
	r.Release(warm)
	r.Expect(runtime)
	r.awaitStock(t, pool.SourceHot, func(s pool.StockStatus) bool { return s.Ready == 2 })
	big := function("other", 128)
	big.EphemeralMB = 1024 // takes no slot
	r.acquire(t, big)
	if r.acquire(t, function("warm", 128)) != warm {
		t.Error("the warm environment was evicted although slots were in stock")
	}
	r.await(t, pool.EventDrained)
}

func TestStaleEnvironmentsMakeRoomForTheLeastStock(t *testing.T) {
	t.Parallel()
	each := int64(128<<20 + pool.OverheadBytes)
	r := newRig(t, func(o *pool.Options, fo *fake.Options) {
		withSlots(1, 0)(o, fo)
		o.MemoryBudget = 2 * each
		o.KeepAliveMin = 50 * time.Millisecond
	})
	a, b := r.acquire(t, function("a", 128)), r.acquire(t, function("b", 128))
	r.Release(a)
	r.Expect(runtime)
	if d := r.await(t, pool.EventDestroyed); d.Function != "a" || d.Cause != pool.CauseEvicted {
		t.Errorf("got %+v", d)
	}
	r.awaitStock(t, pool.SourceHot, full)
	r.Release(b)
	if r.acquire(t, function("b", 128)) != b {
		t.Error("an environment went without need")
	}
}

func TestADeadSlotIsReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t, withSlots(1, 0))
	r.Expect(runtime)
	r.awaitStock(t, pool.SourceHot, full)
	r.engine.Sandboxes()[0].End(sandbox.ExitStatus{Code: 1, Reason: "on purpose"})
	r.awaitStock(t, pool.SourceHot, func(s pool.StockStatus) bool { return s.Drained == 1 && full(s) })
	if e := r.acquire(t, function("f", 128)); e.Source != pool.SourceHot {
		t.Errorf("began with %s", e.Source)
	}
}

func TestARefillThatFailsSaysWhyAndIsTriedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, withSlots(1, 0))
	r.engine.Faults.Set(fake.AtStart, fake.Fault{Err: errors.New("broken on purpose"), Times: 1})
	r.Expect(runtime)
	r.awaitStock(t, pool.SourceHot, func(s pool.StockStatus) bool { return strings.Contains(s.Reason, "broken on purpose") || full(s) })
	r.awaitStock(t, pool.SourceHot, full)
}

func TestOldImagesSlotsGo(t *testing.T) {
	t.Parallel()
	r := newRig(t, withSlots(1, 1))
	r.Expect(runtime)
	r.awaitStock(t, pool.SourceHot, full)
	newer := runtime
	newer.Image = "/newer"
	r.Expect(newer)
	r.await(t, pool.EventDrained)
	r.awaitStock(t, pool.SourceHot, full)
	if n := len(r.Status().Stocks); n != 2 {
		t.Errorf("%d stocks", n)
	}
}

func TestIdleEnvironmentsFreezeAndThaw(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *pool.Options, _ *fake.Options) { o.FreezeAfter = time.Millisecond })
	fn := function("f", 128)
	e := r.acquire(t, fn)
	for range 20 {
		r.Release(e)
		r.await(t, pool.EventFrozen)
		if !r.engine.Sandbox(e.ID()).Paused() {
			t.Fatal("it runs")
		}
		if r.acquire(t, fn) != e || e.Thawed == 0 || r.engine.Sandbox(e.ID()).Paused() {
			t.Fatal("not the same, or not thawed")
		}
		if _, err := e.Deliver(event("1"), soon()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnEnvironmentThatCannotBeThawedIsReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *pool.Options, _ *fake.Options) { o.FreezeAfter = time.Millisecond })
	fn := function("f", 128)
	e := r.acquire(t, fn)
	r.Release(e)
	r.await(t, pool.EventFrozen)
	r.engine.Faults.Set(fake.AtResume, fake.Fault{Err: errors.New("broken on purpose"), Times: 1})
	if again := r.acquire(t, fn); again == e {
		t.Error("a broken environment was handed out")
	}
	if d := r.await(t, pool.EventDestroyed); d.Cause != pool.CauseDied {
		t.Errorf("got %+v", d)
	}
}

func TestAnEnvironmentThatCannotBeFrozenGoes(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *pool.Options, _ *fake.Options) { o.FreezeAfter = 0 })
	r.engine.Faults.Set(fake.AtPause, fake.Fault{Err: errors.New("broken on purpose"), Times: 1})
	r.Release(r.acquire(t, function("f", 128)))
	if d := r.await(t, pool.EventDestroyed); d.Cause != pool.CauseBroken {
		t.Errorf("got %+v", d)
	}
}

func TestFrozenEnvironmentsEndWithTheirKeepAlive(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *pool.Options, _ *fake.Options) {
		o.FreezeAfter, o.KeepAlive = time.Millisecond, 30*time.Millisecond
	})
	r.Release(r.acquire(t, function("f", 128)))
	r.await(t, pool.EventFrozen)
	if d := r.await(t, pool.EventDestroyed); d.Cause != pool.CauseKeepAlive {
		t.Errorf("got %+v", d)
	}
}

func published(name string) *lambda.Config {
	fn := function(name, 128)
	fn.Version = "1"
	return fn
}

func (r *rig) awaitProvisioned(t *testing.T, name string, ok func(lambda.Provisioned) bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		p := r.Provisioned("000000000000", name, "1")
		if ok(p) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("provisioned: %+v", p)
		}
	}
}

func TestProvisionedEnvironmentsAreReadyAndReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *pool.Options, _ *fake.Options) { o.KeepAlive, o.FreezeAfter = 0, -1 })
	fn := published("f")
	r.Provision(fn, 3)
	ready := func(p lambda.Provisioned) bool {
		return p.Status == lambda.ProvisionedReady && p.Allocated == p.Requested
	}
	r.awaitProvisioned(t, "f", ready)
	var held []*pool.Environment
	for range 3 {
		e := r.acquire(t, fn)
		if !e.Provisioned {
			t.Error("not a provisioned one")
		}
		held = append(held, e)
	}
	spill := r.acquire(t, fn)
	if spill.Provisioned {
		t.Error("a fourth one is provisioned")
	}
	r.Release(spill)
	r.Discard(held[0]) // as after a crash
	r.awaitProvisioned(t, "f", ready)
	r.Release(held[1])
	r.engine.Sandbox(held[1].ID()).End(sandbox.ExitStatus{Code: 1, Reason: "on purpose"})
	r.awaitProvisioned(t, "f", func(p lambda.Provisioned) bool { return ready(p) && r.engine.Sandbox(held[1].ID()) == nil })
	r.Provision(fn, 1)
	r.awaitProvisioned(t, "f", func(p lambda.Provisioned) bool { return ready(p) && p.Requested == 1 })
	r.Release(held[2])
	r.Provision(fn, 0)
	if p := r.Provisioned("000000000000", "f", "1"); p != (lambda.Provisioned{}) {
		t.Errorf("still %+v", p)
	}
}

func TestProvisioningThatFailsSaysWhyAndGoesOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.engine.Faults.Set(fake.AtCreate, fake.Fault{Err: errors.New("broken on purpose"), Times: 1})
	r.Provision(published("f"), 2)
	r.awaitProvisioned(t, "f", func(p lambda.Provisioned) bool {
		return p.Status == lambda.ProvisionedFailed && strings.Contains(p.Reason, "broken on purpose") || p.Allocated > 0
	})
	r.awaitProvisioned(t, "f", func(p lambda.Provisioned) bool { return p.Status == lambda.ProvisionedReady })
}

func TestRetiringEndsProvisioning(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.Provision(published("f"), 2)
	r.awaitProvisioned(t, "f", func(p lambda.Provisioned) bool { return p.Allocated == 2 })
	r.Retire("000000000000", "f", "1")
	for range 2 {
		if d := r.await(t, pool.EventDestroyed); d.Cause != pool.CauseRetired {
			t.Errorf("got %+v", d)
		}
	}
	if u := r.Usage(); u.Starting != 0 {
		t.Errorf("%+v", u)
	}
}

func TestAFunctionThatGrowsTooFastIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *pool.Options, _ *fake.Options) { o.ScalingRate = 3 })
	fn := function("f", 128)
	for range 3 {
		r.acquire(t, fn)
	}
	if _, err := r.Acquire(t.Context(), fn); !errors.Is(err, pool.ErrScaling) {
		t.Errorf("got %v", err)
	}
	r.acquire(t, function("other", 128))
}

func TestOverloadIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	var slow atomic.Bool
	r := newRig(t, func(o *pool.Options, _ *fake.Options) { o.ColdStarts, o.ScalingRate = 1, 100_000 })
	r.engine.Faults.Set(fake.AtCreate, fake.Fault{Delay: 500 * time.Millisecond, Times: 1})
	r.acquire(t, function("f", 128)) // from now on a cold start is thought to take some 60 ms
	r.engine.Faults.Set(fake.AtCreate, fake.Fault{Delay: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	refused := make(chan bool)
	const callers = 700
	for range callers {
		go func() { // ends when it is refused or ctx ends
			_, err := r.Acquire(ctx, function("g", 128))
			if errors.Is(err, pool.ErrOverloaded) {
				slow.Store(true)
			}
			refused <- errors.Is(err, pool.ErrOverloaded)
		}()
	}
	if !<-refused { // nobody else returns before cancel
		t.Error("the first that returned was not refused")
	}
	cancel()
	for range callers - 1 {
		<-refused
	}
	if !slow.Load() {
		t.Error("nobody was refused")
	}
}

// snapshots gives the pool a store of snapshots in a directory, which it returns.
func snapshots(t *testing.T) (string, func(*pool.Options, *fake.Options)) {
	dir := t.TempDir()
	store, err := snapshot.Open(dir, snapshot.Options{MaxBytes: 1 << 30, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return dir, func(o *pool.Options, fo *fake.Options) {
		fo.Fingerprint = "fake-1"
		o.Snapshots, o.FreezeAfter = store, -1
	}
}

func optimised(name string) *lambda.Config {
	fn := published(name)
	fn.SnapStart, fn.Optimized = lambda.SnapStartPublishedVersions, true
	return fn
}

func TestAnOptimisedVersionStartsFromItsSnapshot(t *testing.T) {
	t.Parallel()
	_, change := snapshots(t)
	r := newRig(t, change)
	fn := optimised("f")
	if err := r.Optimise(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
	if s := r.Status(); s.Snapshots.Count != 1 || len(s.Environments) != 0 || s.ReservedBytes != 0 {
		t.Errorf("%+v", s)
	}
	e := r.acquire(t, fn)
	if e.Source != pool.SourceSnapshot || !e.Ready() || e.Cold.Init == 0 {
		t.Errorf("began with %s, ready %v, %+v", e.Source, e.Ready(), e.Cold)
	}
	if from := r.engine.Sandbox(e.ID()).Spec().From; from == "" {
		t.Error("the engine was not told what the sandbox will be restored from")
	}
	if _, err := e.Deliver(event("1"), soon()); err != nil {
		t.Error(err)
	}
	other := r.acquire(t, optimised("g"))
	if from := r.engine.Sandbox(other.ID()).Spec().From; from != "" {
		t.Errorf("the engine was told that it will be restored from %s", from)
	}
	if other.Source == pool.SourceSnapshot {
		t.Error("another function started from it")
	}
	changed := optimised("f")
	changed.Environment = map[string]string{"A": "b"}
	changed.RevisionID = "r2"
	if e := r.acquire(t, changed); e.Source == pool.SourceSnapshot {
		t.Error("another configuration started from it")
	}
	r.Retire(fn.Account, fn.Name, "1")
	r.Retire(fn.Account, "g", "1") // a snapshot of it is made, too
	for deadline := time.Now().Add(20 * time.Second); r.Status().Snapshots.Count > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) { // one may just be made of the changed configuration
			t.Fatalf("%+v", r.Status().Snapshots)
		}
	}
}

func TestABadSnapshotFallsBackToANormalStart(t *testing.T) {
	t.Parallel()
	for what, harm := range map[string]func(t *testing.T, r *rig, dir string){
		"damaged": func(t *testing.T, _ *rig, dir string) {
			files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
			if err != nil || len(files) < 2 {
				t.Fatal(files, err)
			}
			for _, f := range files {
				if filepath.Base(f) != "meta.json" {
					if err := os.WriteFile(f, []byte("damage"), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
		},
		"gone": func(t *testing.T, _ *rig, dir string) {
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) != 1 {
				t.Fatal(entries, err)
			}
			if err := os.RemoveAll(filepath.Join(dir, entries[0].Name())); err != nil {
				t.Fatal(err)
			}
		},
		"refused": func(_ *testing.T, r *rig, _ string) {
			r.engine.Faults.Set(fake.AtRestore, fake.Fault{Err: errors.New("broken on purpose"), Times: 1})
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir, change := snapshots(t)
			r := newRig(t, change)
			fn := optimised("f")
			if err := r.Optimise(t.Context(), fn); err != nil {
				t.Fatal(err)
			}
			harm(t, r, dir)
			e := r.acquire(t, fn)
			if e.Source == pool.SourceSnapshot || e.InitFailure != nil {
				t.Errorf("began with %s, %v", e.Source, e.InitFailure)
			}
			if _, err := e.Deliver(event("1"), soon()); err != nil {
				t.Error(err)
			}
			r.await(t, pool.EventSnapshot) // Optimise's
			if s := r.await(t, pool.EventSnapshot); s.Err != nil {
				t.Errorf("it was not made again: %v", s.Err)
			}
		})
	}
}

// TestNoHotSlotsAtAll: whatever is asked for, there is none; the empty ones are what is asked for then.
func TestNoHotSlotsAtAll(t *testing.T) {
	t.Parallel()
	r := newRig(t, withSlots(-1, 1))
	r.Expect(runtime)
	for i := range 3 {
		r.awaitStock(t, pool.SourceEmpty, func(s pool.StockStatus) bool { return full(s) && s.Taken == int64(i) })
		if e := r.acquire(t, function(fmt.Sprint("f", i), 128)); e.Source != pool.SourceEmpty {
			t.Errorf("began with %s", e.Source)
		}
	}
	for _, s := range r.Status().Stocks {
		if s.Kind == pool.SourceHot && (s.Target != 0 || s.Ready+s.Filling != 0) {
			t.Errorf("there is a hot slot: %+v", s)
		}
	}
}

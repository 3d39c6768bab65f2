package pool_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/pool"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/fake"
)

// second gives the pool another engine, for functions whose name begins with "vm-", with memory that is fixed.
func second(t *testing.T) (*fake.Engine, func(*pool.Options, *fake.Options)) {
	t.Helper()
	engine := fake.New(fake.Options{Name: "vm", Fingerprint: "fake-1", FixedMemory: true, OverheadBytes: pool.OverheadBytes + 40<<20})
	guarded := sandbox.Guard(engine)
	t.Cleanup(func() {
		if left := len(engine.Sandboxes()); left > 0 {
			t.Errorf("%d sandboxes of the second engine left after Close", left)
		}
	})
	return engine, func(o *pool.Options, _ *fake.Options) {
		o.Engines = append(o.Engines, guarded)
		launch := o.Launch
		o.Launch = func(ctx context.Context, fn *lambda.Config) (pool.Launch, error) {
			l, err := launch(ctx, fn)
			if strings.HasPrefix(fn.Name, "vm-") {
				l.Engine = guarded
			}
			return l, err
		}
	}
}

// onSecond is the runtime as functions of the second engine start it.
func onSecond(e *fake.Engine) pool.Launch {
	l := runtime
	l.Engine = sandbox.Guard(e)
	return l
}

// stock is the stock of a kind, on an engine and with so much memory.
func (r *rig) stock(kind pool.Source, engine string, memoryMB int) pool.StockStatus {
	for _, s := range r.Status().Stocks {
		if s.Kind == kind && s.Engine == engine && s.MemoryMB == memoryMB {
			return s
		}
	}
	return pool.StockStatus{}
}

func TestEachFunctionRunsOnItsEngine(t *testing.T) {
	t.Parallel()
	vm, change := second(t)
	r := newRig(t, func(o *pool.Options, fo *fake.Options) {
		withSlots(1, 0)(o, fo)
		change(o, fo)
	})
	r.Expect(runtime) // slots of the first engine only
	r.awaitStock(t, pool.SourceHot, full)
	a := r.acquire(t, function("vm-f", 128))
	if a.Source != pool.SourceNone || vm.Sandbox(a.ID()) == nil {
		t.Errorf("a function of the second engine began with %s, its sandbox is %v", a.Source, vm.Sandbox(a.ID()))
	}
	b := r.acquire(t, function("f", 128))
	if b.Source != pool.SourceHot || r.engine.Sandbox(b.ID()) == nil {
		t.Errorf("a function of the first engine began with %s, its sandbox is %v", b.Source, r.engine.Sandbox(b.ID()))
	}
	r.Expect(onSecond(vm))
	r.awaitStock(t, pool.SourceHot, func(s pool.StockStatus) bool { return s.Engine == "vm" && full(s) })
	r.awaitStock(t, pool.SourceHot, func(s pool.StockStatus) bool { return s.Engine == fake.Name && full(s) })
	if c := r.acquire(t, function("vm-g", 128)); c.Source != pool.SourceHot || vm.Sandbox(c.ID()) == nil {
		t.Errorf("the second engine's slot was not taken: %s", c.Source)
	}
	const more = 40 << 20 // that the second engine takes of the host
	for _, e := range r.Status().Environments {
		want, bytes := fake.Name, int64(128<<20+pool.OverheadBytes)
		if strings.HasPrefix(e.Function, "vm-") {
			want, bytes = "vm", bytes+more
		}
		if e.Engine != want || e.ReservedBytes != bytes {
			t.Errorf("%s is on %s with %d bytes, want %s and %d", e.Function, e.Engine, e.ReservedBytes, want, bytes)
		}
	}
}

func TestSlotsOfAFixedMemoryEngineAreBigEnough(t *testing.T) {
	t.Parallel()
	vm, change := second(t)
	r := newRig(t, func(o *pool.Options, fo *fake.Options) {
		withSlots(1, 1)(o, fo)
		change(o, fo)
	})
	r.Expect(onSecond(vm))
	r.awaitStock(t, pool.SourceHot, func(s pool.StockStatus) bool { return s.MemoryMB == 512 && full(s) })
	big := r.acquire(t, function("vm-big", 1769))
	if most := vm.Sandbox(big.ID()).Spec().MaxMemoryBytes; big.Source != pool.SourceNone || most != 2048<<20 {
		t.Errorf("1769 MB began with %s and may have %d bytes", big.Source, most)
	}
	// Demand makes slots of that size, for those that need it and nobody else.
	r.awaitStock(t, pool.SourceHot, func(s pool.StockStatus) bool { return s.MemoryMB == 2048 && full(s) })
	if small := r.acquire(t, function("vm-small", 512)); vm.Sandbox(small.ID()).Spec().MaxMemoryBytes != 512<<20 {
		t.Error("512 MB took a larger machine")
	}
	if again := r.acquire(t, function("vm-again", 1025)); again.Source != pool.SourceHot {
		t.Errorf("1025 MB began with %s although a slot of 2048 MB waited", again.Source)
	}
	largest := r.acquire(t, function("vm-largest", lambda.MaxMemoryMB))
	if most := vm.Sandbox(largest.ID()).Spec().MaxMemoryBytes; most != lambda.MaxMemoryMB<<20 {
		t.Errorf("the largest function may have %d bytes", most)
	}
	for _, kind := range []pool.Source{pool.SourceHot, pool.SourceEmpty} {
		for _, size := range []int{1024, 4096} {
			if s := r.stock(kind, "vm", size); s.Target != 0 {
				t.Errorf("%d slots of %d MB that nobody asked for", s.Target, size)
			}
		}
	}
	if s := r.stock(pool.SourceEmpty, "vm", 512); s.Target != 1 {
		t.Errorf("%+v", s)
	}
}

func TestSnapshotsOfOneEngineAreNotAnothers(t *testing.T) {
	t.Parallel()
	for name, memoryMB := range map[string]int{"f": 128, "vm-f": 1769} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, change := snapshots(t)
			_, move := second(t)
			fn := optimised(name)
			fn.MemoryMB = memoryMB
			first := newRig(t, change) // everything on the first engine
			if err := first.Optimise(t.Context(), fn); err != nil {
				t.Fatal(err)
			}
			if e := first.acquire(t, fn); e.Source != pool.SourceSnapshot {
				t.Fatalf("began with %s", e.Source)
			}
			first.Close()
			// The operator changed the policy and started the server again.
			then := newRig(t, func(o *pool.Options, fo *fake.Options) { change(o, fo); move(o, fo) })
			e := then.acquire(t, fn)
			if name == "f" {
				if e.Source != pool.SourceSnapshot {
					t.Errorf("began with %s although its engine is the same", e.Source)
				}
				return
			}
			if e.Source == pool.SourceSnapshot {
				t.Error("a snapshot of another engine was restored")
			}
			if made := then.await(t, pool.EventSnapshot); made.Err != nil {
				t.Fatal(made.Err)
			}
			if e := then.acquire(t, fn); e.Source != pool.SourceSnapshot {
				t.Errorf("began with %s after its snapshot was made again", e.Source)
			}
		})
	}
}

func TestOptimiseNeedsTheFunctionsEngineToHaveSnapshots(t *testing.T) {
	t.Parallel()
	_, change := snapshots(t)
	r := newRig(t, func(o *pool.Options, fo *fake.Options) {
		change(o, fo)
		none := sandbox.Guard(fake.New(fake.Options{Name: "plain", NoSnapshot: true}))
		o.Engines = append(o.Engines, none)
		launch := o.Launch
		o.Launch = func(ctx context.Context, fn *lambda.Config) (pool.Launch, error) {
			l, err := launch(ctx, fn)
			l.Engine = none
			return l, err
		}
	})
	if err := r.Optimise(t.Context(), optimised("f")); lambda.KindOf(err) != lambda.KindInvalid || !strings.Contains(err.Error(), "plain") {
		t.Errorf("got %v", err)
	}
}

// TestSandboxesAreMadeForWhatTheyWillBeRestoredFrom: engines prepare for it.
func TestSandboxesAreMadeForWhatTheyWillBeRestoredFrom(t *testing.T) {
	t.Parallel()
	dir, change := snapshots(t)
	r := newRig(t, func(o *pool.Options, fo *fake.Options) {
		withSlots(1, 0)(o, fo)
		change(o, fo)
		launch := o.Launch
		o.Launch = func(ctx context.Context, fn *lambda.Config) (pool.Launch, error) {
			l, err := launch(ctx, fn)
			l.Template = fn.Name != "none"
			return l, err
		}
	})
	with := runtime
	with.Runtime, with.Argv, with.Template = "", []string{"x"}, true // as the rig's functions
	r.Expect(with)
	r.awaitStock(t, pool.SourceHot, full)
	r.awaitTemplate(t)
	from := func(e *pool.Environment) string { return r.engine.Sandbox(e.ID()).Spec().From }
	r.acquire(t, function("takes-the-slot", 128))
	fn := optimised("f")
	fn.Name = "f"
	if err := r.Optimise(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
	e := r.acquire(t, fn)
	if e.Source != pool.SourceSnapshot || !strings.HasPrefix(from(e), dir) {
		t.Errorf("began with %s, made for %q", e.Source, from(e))
	}
	own := function("own", 128)
	own.EphemeralMB = 1024 // fits no slot and no template
	if e := r.acquire(t, own); from(e) != "" {
		t.Errorf("one that is started is made for %q", from(e))
	}
}

// TestSnapshotsLeaveBoundSlotsToOthers: a slot that is made for something else would be of no use to them.
func TestSnapshotsLeaveBoundSlotsToOthers(t *testing.T) {
	t.Parallel()
	for _, bound := range []bool{false, true} {
		_, change := snapshots(t)
		r := newRig(t, func(o *pool.Options, fo *fake.Options) {
			withSlots(-1, 1)(o, fo)
			change(o, fo)
			fo.Bound = bound
		})
		fn := optimised("f")
		if err := r.Optimise(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
		r.acquire(t, function("g", 128)) // brings the stock
		r.awaitStock(t, pool.SourceEmpty, full)
		taken := func() int64 { return r.stock(pool.SourceEmpty, fake.Name, 0).Taken }
		before := taken()
		if e := r.acquire(t, fn); e.Source != pool.SourceSnapshot {
			t.Errorf("began with %s", e.Source)
		}
		if took := taken() != before; took == bound {
			t.Errorf("bound %v: took a slot: %v", bound, took)
		}
	}
}

// TestCodeThatCannotBeAttachedSpoilsNoTemplate: the code is attached while the template's runtime wakes up.
func TestCodeThatCannotBeAttachedSpoilsNoTemplate(t *testing.T) {
	t.Parallel()
	_, change := snapshots(t)
	r := newRig(t, func(o *pool.Options, fo *fake.Options) {
		withSlots(-1, 1)(o, fo)
		change(o, fo)
		withTemplate(o)
	})
	with := runtime
	with.Runtime, with.Argv, with.Template = "", []string{"x"}, true // as the rig's functions
	r.Expect(with)
	r.awaitTemplate(t)
	r.awaitStock(t, pool.SourceEmpty, full)
	r.engine.Faults.Set(fake.AtAttach, fake.Fault{Delay: 10 * time.Millisecond, Err: errors.New("broken on purpose"), Times: 1})
	e := r.acquire(t, function("f", 128))
	if e.InitFailure != nil || e.Cold.Code == 0 || r.engine.Sandbox(e.ID()).Attached("/var/task") == "" {
		t.Errorf("%v, %+v", e.InitFailure, e.Cold)
	}
	if n := r.Status().Snapshots.Count; n != 1 {
		t.Errorf("%d templates are left", n)
	}
}

// awaitTemplate waits until the only template has been made.
func (r *rig) awaitTemplate(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if s := r.Status().Snapshots; s.Count == 1 && s.Making == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no template was made")
		}
	}
}

// withTemplate has functions start from templates.
func withTemplate(o *pool.Options) {
	launch := o.Launch
	o.Launch = func(ctx context.Context, fn *lambda.Config) (pool.Launch, error) {
		l, err := launch(ctx, fn)
		l.Template = true
		return l, err
	}
}

// TestHotSlotsOfEmulatedMachinesAreCopies: only the template's own slot is booted.
func TestHotSlotsOfEmulatedMachinesAreCopies(t *testing.T) {
	t.Parallel()
	for accelerator, copies := range map[string]bool{"tcg": true, "kvm": false} {
		dir, change := snapshots(t)
		r := newRig(t, func(o *pool.Options, fo *fake.Options) {
			withSlots(2, 0)(o, fo)
			change(o, fo)
			withTemplate(o)
			fo.Accelerator = accelerator
		})
		with := runtime
		with.Template = true
		r.Expect(with)
		r.awaitStock(t, pool.SourceHot, full)
		e := r.acquire(t, function("f", 128))
		if from := r.engine.Sandbox(e.ID()).Spec().From; e.Source != pool.SourceHot || strings.HasPrefix(from, dir) != copies {
			t.Errorf("%s: began with %s, made for %q", accelerator, e.Source, from)
		}
		if _, err := e.Deliver(event("1"), soon()); err != nil {
			t.Errorf("%s: %v", accelerator, err)
		}
	}
}

// TestEmulatedMachinesAreBootedWithoutTheTemplate: one that cannot be restored is no reason to have no hot slots.
func TestEmulatedMachinesAreBootedWithoutTheTemplate(t *testing.T) {
	t.Parallel()
	dir, change := snapshots(t)
	r := newRig(t, func(o *pool.Options, fo *fake.Options) {
		withSlots(2, 0)(o, fo)
		change(o, fo)
		withTemplate(o)
		fo.Accelerator = "tcg"
	})
	r.engine.Faults.Set(fake.AtRestore, fake.Fault{Err: errors.New("damaged"), Times: 1})
	with := runtime
	with.Template = true
	r.Expect(with)
	r.awaitStock(t, pool.SourceHot, full)
	e := r.acquire(t, function("f", 128))
	if from := r.engine.Sandbox(e.ID()).Spec().From; e.Source != pool.SourceHot || strings.HasPrefix(from, dir) {
		t.Errorf("began with %s, made for %q", e.Source, from)
	}
}

// TestEmptySlotsHaveATemplateToo: a server without hot slots makes one.
func TestEmptySlotsHaveATemplateToo(t *testing.T) {
	t.Parallel()
	_, change := snapshots(t)
	r := newRig(t, func(o *pool.Options, fo *fake.Options) {
		withSlots(-1, 1)(o, fo)
		change(o, fo)
		withTemplate(o)
	})
	with := runtime
	with.Template = true
	r.Expect(with)
	r.awaitTemplate(t)
}

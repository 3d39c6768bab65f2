package sandbox_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/fake"
)

func guarded(t *testing.T, o fake.Options) (*fake.Engine, sandbox.Sandbox) {
	t.Helper()
	o.Guest = func(in fake.Inside) int {
		_, _ = in.Control.Read(make([]byte, 1)) // until the end
		return 0
	}
	e := fake.New(o)
	s, err := sandbox.Guard(e).Create(t.Context(), sandbox.Spec{ID: "a", Root: "/r", Args: []string{"/agent"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Destroy(); err != nil {
			t.Error(err)
		}
	})
	return e, s
}

func TestErrorBreaks(t *testing.T) {
	t.Parallel()
	e, s := guarded(t, fake.Options{})
	boom := errors.New("boom")
	e.Faults.Set(fake.AtStart, fake.Fault{Err: boom})
	if err := s.Start(t.Context()); !errors.Is(err, boom) {
		t.Fatalf("start: %v", err)
	}
	e.Faults.Set(fake.AtStart, fake.Fault{})
	if err := s.Start(t.Context()); !errors.Is(err, sandbox.ErrState) {
		t.Errorf("start of a broken sandbox: %v", err)
	}
	if err := s.Destroy(); err != nil {
		t.Errorf("destroy of a broken sandbox: %v", err)
	}
	if err := s.Limit(sandbox.Limits{}); !errors.Is(err, sandbox.ErrDestroyed) {
		t.Errorf("limit after destroy: %v", err)
	}
}

func TestUnsupportedChangesNothing(t *testing.T) {
	t.Parallel()
	_, s := guarded(t, fake.Options{NoPause: true, NoSnapshot: true})
	if err := s.Restore(t.Context(), t.TempDir()); !errors.Is(err, sandbox.ErrUnsupported) {
		t.Fatalf("restore: %v", err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Pause(t.Context()); !errors.Is(err, sandbox.ErrUnsupported) {
		t.Fatalf("pause: %v", err)
	}
	if err := s.Checkpoint(t.Context(), t.TempDir()); !errors.Is(err, sandbox.ErrUnsupported) {
		t.Fatalf("checkpoint: %v", err)
	}
	if err := s.Limit(sandbox.Limits{CPUMillis: 1}); err != nil {
		t.Errorf("limit after what is unsupported: %v", err)
	}
}

// TestEnginesRefusalChangesNothing: what the table allows an engine may still know better about.
func TestEnginesRefusalChangesNothing(t *testing.T) {
	t.Parallel()
	e, s := guarded(t, fake.Options{})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.Faults.Set(fake.AtCheckpoint, fake.Fault{Err: sandbox.ErrState, Times: 1})
	if err := s.Checkpoint(t.Context(), t.TempDir()); !errors.Is(err, sandbox.ErrState) {
		t.Fatalf("checkpoint: %v", err)
	}
	if err := s.Checkpoint(t.Context(), t.TempDir()); err != nil {
		t.Errorf("second checkpoint: %v", err)
	}
}

// TestStepsAreSerialised lets one step take an hour. The next waits for it, or for its own context.
func TestStepsAreSerialised(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, s := guarded(t, fake.Options{})
		e.Faults.Set(fake.AtLimit, fake.Fault{Delay: time.Hour, Times: 1})
		began := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := s.Limit(sandbox.Limits{}); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Attach(ctx, "/image", "/var/task"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("attach beside a limit: %v", err)
		}
		if _, err := s.Stats(); err != nil || time.Since(began) != time.Minute {
			t.Errorf("stats waited: %s, %v", time.Since(began), err)
		}
		if err := s.Limit(sandbox.Limits{}); err != nil || time.Since(began) != time.Hour {
			t.Errorf("second limit: %v after %s", err, time.Since(began))
		}
		wg.Wait()
	})
}

// TestDestroyOverrides destroys beside a step that takes an hour.
func TestDestroyOverrides(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, s := guarded(t, fake.Options{})
		e.Faults.Set(fake.AtLimit, fake.Fault{Delay: time.Hour, Times: 1})
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := s.Limit(sandbox.Limits{}); !errors.Is(err, sandbox.ErrDestroyed) {
				t.Errorf("the step that was overtaken: %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if err := s.Limit(sandbox.Limits{}); !errors.Is(err, sandbox.ErrDestroyed) {
				t.Errorf("the step that waited: %v", err)
			}
		})
		synctest.Wait()
		began := time.Now()
		if err := s.Destroy(); err != nil {
			t.Error(err)
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("destroy waited %s", d)
		}
		wg.Wait()
	})
}

func TestDestroyTriesAgain(t *testing.T) {
	t.Parallel()
	e, s := guarded(t, fake.Options{})
	boom := errors.New("boom")
	e.Faults.Set(fake.AtDestroy, fake.Fault{Err: boom, Times: 1})
	if err := s.Destroy(); !errors.Is(err, boom) {
		t.Errorf("first destroy: %v", err)
	}
	if err := s.Destroy(); err != nil {
		t.Errorf("second destroy: %v", err)
	}
	if len(e.Sandboxes()) != 0 {
		t.Error("the sandbox is still there")
	}
}

// TestTable checks what must be true of the life cycle whatever it is.
func TestTable(t *testing.T) {
	t.Parallel()
	seen := map[[2]string]bool{}
	for _, s := range sandbox.LifeCycle {
		key := [2]string{s.From.String(), s.Op.String()}
		if seen[key] {
			t.Errorf("%v is listed twice", key)
		}
		seen[key] = true
		if s.From == sandbox.StateDestroyed && s.To != sandbox.StateDestroyed {
			t.Errorf("%v leaves destroyed", key)
		}
	}
	for st := sandbox.StateCreated; st <= sandbox.StateDestroyed; st++ {
		if !seen[[2]string{st.String(), "destroy"}] {
			t.Errorf("cannot destroy in state %s", st)
		}
	}
}

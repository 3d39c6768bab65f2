package sandboxtest

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/sandbox"
)

func testConcurrentCreate(t *testing.T, h Harness) {
	e := h.engine(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			s, err := e.Create(t.Context(), h.spec(sandbox.Limits{MemoryBytes: 128 * mib}))
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Start(t.Context()); err != nil {
				t.Error(err)
			}
			if err := s.Destroy(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// testCancelCreate cancels at many moments of Create.
func testCancelCreate(t *testing.T, h Harness) {
	e := h.engine(t)
	for _, after := range []time.Duration{0, 100 * time.Microsecond, time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond, 40 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		s, err := e.Create(ctx, h.spec(sandbox.Limits{}))
		cancel()
		switch {
		case err == nil: // it was faster
			if err := s.Destroy(); err != nil {
				t.Error(err)
			}
		case !errors.Is(err, context.DeadlineExceeded):
			t.Errorf("after %s: %v", after, err)
		}
		if h.Traces != nil {
			if left := h.Traces(t); len(left) > 0 {
				t.Errorf("cancelled after %s, left behind: %q", after, left)
			}
		}
	}
}

func testDestroyWhileStarting(t *testing.T, h Harness) {
	e := h.engine(t)
	for range 3 {
		s := h.create(t, e, sandbox.Limits{})
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := s.Start(withTimeout(t)); err != nil && !errors.Is(err, sandbox.ErrDestroyed) {
				t.Errorf("start beside destroy: %v", err)
			}
		})
		for range 3 {
			wg.Go(func() {
				if err := s.Destroy(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if err := s.Start(t.Context()); !errors.Is(err, sandbox.ErrDestroyed) {
			t.Errorf("start after destroy: %v", err)
		}
		wantDone(t, s)
	}
}

// testDestroyLeavesNothing counts what this process and the host have before and after.
func testDestroyLeavesNothing(t *testing.T, h Harness) {
	e := h.engine(t)
	cycle := func() {
		s, err := e.Create(t.Context(), h.spec(sandbox.Limits{MemoryBytes: 128 * mib, CPUMillis: 1000, Pids: 200}))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		Meet(t, s).Echo()
		if err := s.Destroy(); err != nil {
			t.Fatal(err)
		}
	}
	wantNoGrowth(t, 5, cycle)
	if h.Traces != nil {
		if left := h.Traces(t); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	}
}

// wantNoGrowth fails t if this process has more descriptors or goroutines after n more cycles than after the first.
func wantNoGrowth(t *testing.T, n int, cycle func()) {
	t.Helper()
	cycle() // whatever is made once
	files, routines := openFiles(t), runtime.NumGoroutine()
	for range n {
		cycle()
	}
	// What ends in the background (pollers, finalisers of processes) gets a moment.
	deadline := time.Now().Add(patience)
	for {
		runtime.GC()
		f, r := openFiles(t), runtime.NumGoroutine()
		if f <= files && r <= routines {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("open files %d -> %d, goroutines %d -> %d", files, f, routines, r)
		}
		runtime.Gosched()
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func testCloseDestroysAll(t *testing.T, h Harness) {
	e := sandbox.Guard(h.New(t))
	var boxes []sandbox.Sandbox
	for range 2 {
		s, err := e.Create(t.Context(), h.spec(sandbox.Limits{}))
		if err != nil {
			t.Fatal(err)
		}
		boxes = append(boxes, s)
	}
	if err := boxes[0].Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for _, s := range boxes {
		wantDone(t, s)
		if err := s.Destroy(); err != nil {
			t.Error(err)
		}
	}
	if _, err := e.Create(t.Context(), h.spec(sandbox.Limits{})); err == nil {
		t.Error("a closed engine made a sandbox")
	}
	if err := e.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

// testCloseWhileCreating: what Create makes beside Close is gone when Close has returned.
func testCloseWhileCreating(t *testing.T, h Harness) {
	e := sandbox.Guard(h.New(t))
	first, err := e.Create(t.Context(), h.spec(sandbox.Limits{})) // what is made once exists from now on
	if err != nil {
		t.Fatal(err)
	}
	begun, made := make(chan struct{}), make(chan sandbox.Sandbox)
	for range 3 {
		go func() {
			begun <- struct{}{}
			s, err := e.Create(t.Context(), h.spec(sandbox.Limits{}))
			switch {
			case err == nil: // it was faster
			case !errors.Is(err, sandbox.ErrClosed) && !errors.Is(err, sandbox.ErrDestroyed):
				t.Error(err)
				fallthrough
			default:
				s = first
			}
			made <- s
		}()
	}
	for range 3 {
		<-begun
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if h.Traces != nil {
		if left := h.Traces(t); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	}
	for range 3 {
		wantDone(t, <-made)
	}
}

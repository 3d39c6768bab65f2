package microvm

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

var testShape = vmm.Shape{CPUs: 1, MemoryBytes: 2 << 20, Drives: 1, ScratchBytes: 1 << 20}

// savedOf returns a machine that says it takes n bytes.
func savedOf(t testing.TB, n int64) *saved {
	t.Helper()
	sv, err := newSaved()
	if err != nil {
		t.Fatal(err)
	}
	sv.bytes = n
	return sv
}

func closed(sv *saved) bool {
	_, err := sv.memory.Stat()
	return errors.Is(err, os.ErrClosed)
}

func TestStashKeepsWhatIsUsedAndWhatWasUsedLast(t *testing.T) {
	t.Parallel()
	s := newStash(100)
	first, second, third, huge := savedOf(t, 60), savedOf(t, 60), savedOf(t, 60), savedOf(t, 1000)
	hold := func(key string, sv *saved) *entry {
		e, err := s.hold(t.Context(), key, func(context.Context) (*saved, error) { return sv, nil })
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	s.put("first", first)
	used := hold("first", nil)
	s.put("second", second)
	s.put("third", third)
	if closed(first) || !closed(second) || closed(third) {
		t.Errorf("closed: %v %v %v", closed(first), closed(second), closed(third))
	}
	s.release(used)
	if closed(first) || !closed(third) {
		t.Error("kept the one that was used earlier")
	}
	e := hold("huge", huge)
	if closed(huge) {
		t.Error("closed one in use")
	}
	s.put("huge", savedOf(t, 1)) // there is one
	s.release(e)
	if !closed(huge) {
		t.Error("kept one that is too large")
	}
	last := hold("last", savedOf(t, 10))
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if closed(last.saved) {
		t.Error("closed one in use")
	}
	s.release(last)
	if !closed(last.saved) || !closed(first) {
		t.Error("something is left after the end")
	}
	if _, err := s.hold(t.Context(), "x", nil); !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("hold after close: %v", err)
	}
	late := savedOf(t, 1)
	if s.put("late", late); !closed(late) {
		t.Error("put after close")
	}
}

func TestStashLoadsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStash(100)
		loads := 0
		sv := savedOf(t, 1)
		load := func(context.Context) (*saved, error) {
			loads++
			time.Sleep(time.Second)
			if loads == 1 {
				return nil, errors.New("boom")
			}
			return sv, nil
		}
		results := make(chan error, 3)
		for range 2 {
			go func() {
				_, err := s.hold(t.Context(), "k", load)
				results <- err
			}()
		}
		if err := errors.Join(<-results, <-results); err == nil || loads != 1 {
			t.Errorf("%d loads, %v", loads, err)
		}
		// Who leaves does not end the load of the others.
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := s.hold(ctx, "k", load); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		e, err := s.hold(t.Context(), "k", load)
		if err != nil || loads != 2 {
			t.Fatalf("%d loads, %v", loads, err)
		}
		s.release(e)
		// close ends loads.
		go func() {
			_, err := s.hold(t.Context(), "other", func(ctx context.Context) (*saved, error) {
				<-ctx.Done()
				return nil, context.Cause(ctx)
			})
			results <- err
		}()
		synctest.Wait()
		if err := s.close(); err != nil {
			t.Error(err)
		}
		if err := <-results; !errors.Is(err, sandbox.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}

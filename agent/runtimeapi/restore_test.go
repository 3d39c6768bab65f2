package runtimeapi_test

import (
	"strings"
	"testing"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
)

// start calls without waiting for the answer, which has status 0 if none comes.
func (w *world) start(what string) <-chan answer {
	got := make(chan answer, 1)
	go func() {
		a, _ := w.try(what, nil)
		got <- a
	}()
	return got
}

// hold brings the server to held.
func (w *world) hold() <-chan answer {
	w.t.Helper()
	got := w.start("GET restore/next")
	w.expect(message{Type: link.TypeReady})
	return got
}

// restore brings the server from held to restored.
func (w *world) restore(waiting <-chan answer) {
	w.t.Helper()
	if err := w.api.Restored(); err != nil {
		w.t.Fatal(err)
	}
	if a := <-waiting; a.status != 200 || a.body != "" {
		w.t.Errorf("restore/next: %d %q, want 200 and nothing", a.status, a.body)
	}
}

func TestRestore(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, true)
	waiting := w.hold()
	if err := w.api.Snapshot(); err != nil {
		t.Fatal(err)
	}
	w.expect(message{Type: link.TypeReady})
	w.restore(waiting)
	w.silent()
	next := w.start("GET invocation/next")
	w.expect(message{Type: link.TypeReady})
	w.deliver("id")
	if a := <-next; a.status != 200 || a.body != `{"n":1}` {
		t.Errorf("next: %d %s", a.status, a.body)
	}
	w.accepted(w.call("POST invocation/id/response", "out"))
	w.expect(result("id", "out"))
}

// A host that makes no snapshot after all lets the runtime go on all the same.
func TestRestoreWithoutSnapshot(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, true)
	w.restore(w.hold())
	w.ready("id")
}

func TestRestoreError(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{`{"errorMessage":"no"}`: `{"errorMessage":"no"}`, strings.Repeat("x", lambda.MaxResponseBytes+1): ""} {
		w := newWorldOf(t, true)
		w.restore(w.hold())
		a := w.call("POST restore/error", body, "Lambda-Runtime-Function-Error-Type: Runtime.AfterRestoreError", "Content-Type: text/x")
		got := <-w.sent
		if want != "" {
			w.accepted(a)
			if got.Payload != want {
				t.Errorf("payload %q", got.Payload)
			}
		} else {
			w.refused(a, 413, "RequestEntityTooLarge")
			if !strings.Contains(got.Payload, "too large") {
				t.Errorf("payload %q", got.Payload)
			}
		}
		if got.Type != link.TypeInitError || got.Meta.ErrorType != "Runtime.AfterRestoreError" || got.Meta.ContentType != "text/x" {
			t.Errorf("host got %#x %+v", got.Type, got.Meta)
		}
		w.refused(w.call("GET invocation/next", ""), 403, "InvalidStateTransition")
	}
}

func TestSnapshotOfARuntimeThatDoesNotTakePart(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, true)
	next := w.start("GET invocation/next")
	w.expect(message{Type: link.TypeReady})
	if err := w.api.Snapshot(); err != nil {
		t.Fatal(err)
	}
	m := <-w.sent
	if m.Type != link.TypeInitError || m.Meta.ErrorType != "Runtime.SnapshotNotSupported" || !strings.Contains(m.Payload, "/2018-06-01/runtime/restore/next") {
		t.Errorf("host got %+v", m)
	}
	w.deliver("id") // it goes on as before
	if a := <-next; a.status != 200 {
		t.Errorf("next: %d %s", a.status, a.body)
	}
}

func TestRestoreCallsInOtherStates(t *testing.T) {
	t.Parallel()
	t.Run("starting", func(t *testing.T) {
		w := newWorldOf(t, true)
		w.refused(w.call("POST restore/error", "{}"), 403, "InvalidStateTransition")
		if w.api.Snapshot() == nil || w.api.Restored() == nil {
			t.Error("the host was not refused")
		}
		w.ready("id")
		w.refused(w.call("GET restore/next", ""), 403, "InvalidStateTransition")
		w.refused(w.call("POST restore/error", "{}"), 403, "InvalidStateTransition")
		if w.api.Snapshot() == nil || w.api.Restored() == nil {
			t.Error("the host was not refused")
		}
		w.silent()
	})
	t.Run("held", func(t *testing.T) {
		w := newWorldOf(t, true)
		waiting := w.hold()
		w.refused(w.call("GET invocation/next", ""), 403, "InvalidStateTransition")
		w.refused(w.call("POST init/error", "{}"), 403, "InvalidStateTransition")
		w.refused(w.call("POST restore/error", "{}"), 403, "InvalidStateTransition")
		if w.api.Deliver(&link.Event{}) == nil {
			t.Error("an event was taken")
		}
		w.silent()
		w.restore(waiting)
	})
	t.Run("restored", func(t *testing.T) {
		w := newWorldOf(t, true)
		w.restore(w.hold())
		if a := w.call("GET restore/next", ""); a.status != 200 { // its connection was lost, say
			t.Errorf("restore/next again: %d %s", a.status, a.body)
		}
		w.refused(w.call("POST init/error", "{}"), 403, "InvalidStateTransition")
		if w.api.Snapshot() == nil || w.api.Restored() == nil {
			t.Error("the host was not refused")
		}
		w.silent()
	})
	t.Run("ended", func(t *testing.T) {
		w := newWorldOf(t, true)
		w.hold()
		w.api.Drain(0)
		if err := w.api.Snapshot(); err != nil {
			t.Error(err)
		}
		w.silent()
		w.api.Close()
	})
}

func TestOfTwoCallsOfRestoreNextTheNewerCounts(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, true)
	first := w.hold()
	second := w.start("GET restore/next")
	w.refused(<-first, 403, "InvalidStateTransition")
	w.restore(second)
	w.silent()
}

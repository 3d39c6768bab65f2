package fake_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/fake"
	"thaw.dev/thaw/sandbox/sandboxtest"
	"thaw.dev/thaw/sandbox/sandboxtest/guest/wire"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// suiteGuest is as much of the suite's guest program as makes sense without a machine around it.
func suiteGuest(in fake.Inside) int {
	out := json.NewEncoder(in.Control)
	if !in.Restored && out.Encode(wire.Hello{Hello: true}) != nil {
		return 90
	}
	lines := bufio.NewScanner(in.Control)
	for lines.Scan() {
		in.Gate()
		var req wire.Request
		if json.Unmarshal(lines.Bytes(), &req) != nil {
			return 91
		}
		var resp wire.Response
		var err error
		switch req.Op {
		case wire.Echo:
			resp.Text = req.Text
		case wire.Count:
			counter := append(in.Memory.Load(), 1)
			in.Memory.Store(counter)
			resp.N = int64(len(counter))
		case wire.Exit:
			return int(req.N)
		case wire.Print:
			_, err = in.Logs.WriteString(req.Text)
		case wire.Garbage:
			_, err = in.Data.Write(make([]byte, req.N))
		}
		if err != nil {
			resp.Err = err.Error()
		}
		if out.Encode(resp) != nil {
			return 92
		}
	}
	return 1
}

func TestConformance(t *testing.T) {
	var last *fake.Engine
	sandboxtest.Run(t, sandboxtest.Harness{
		New: func(testing.TB) sandbox.Engine {
			last = fake.New(fake.Options{Guest: suiteGuest})
			return last
		},
		Root: "/any/root.erofs",
		Crash: func(t testing.TB, id string) {
			t.Helper()
			last.Sandbox(id).End(sandbox.ExitStatus{Code: -1, Reason: "crashed"})
		},
	})
}

func start(t *testing.T, e *fake.Engine) sandbox.Sandbox {
	t.Helper()
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := e.Create(t.Context(), sandbox.Spec{ID: "a", Root: "/r", Args: []string{"/agent"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDouble has the conversation of package link with the default guest.
func TestDouble(t *testing.T) {
	s := start(t, fake.New(fake.Options{}))
	session, err := link.Open(t.Context(), s.Link().Control, s.Link().Data)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	deadline := time.Now().Add(10 * time.Second)
	if err := session.Start(link.StartRequest{Kind: link.KindFrames, Argv: []string{"/python"}}); err != nil {
		t.Fatal(err)
	}
	if err := session.Specialise(link.Specialisation{Handler: "a.b"}, deadline); err != nil {
		t.Fatal(err)
	}
	if err := session.AwaitReady(deadline); err != nil {
		t.Fatal(err)
	}
	event := &link.Event{EventMeta: link.EventMeta{ID: "1"}, Payload: bytes.Repeat([]byte("x"), 3*link.ChunkBytes)}
	for range 2 {
		reply, err := session.Invoke(event, deadline, 1<<20)
		if err != nil || reply.Failed || !bytes.Equal(reply.Payload, event.Payload) {
			t.Fatalf("invoke: failed %v, %d bytes, %v", reply.Failed, len(reply.Payload), err)
		}
		if err := session.Reset(deadline); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFaults(t *testing.T) {
	e := fake.New(fake.Options{})
	boom := errors.New("boom")
	spec := sandbox.Spec{ID: "a", Root: "/r", Args: []string{"/agent"}}

	e.Faults.Set(fake.AtCreate, fake.Fault{Err: boom, Times: 1})
	if _, err := e.Create(t.Context(), spec); !errors.Is(err, boom) {
		t.Errorf("create: %v", err)
	}
	s, err := e.Create(t.Context(), spec)
	if err != nil {
		t.Fatalf("second create: %v", err)
	}
	e.Faults.Set(fake.AtStart, fake.Fault{Delay: time.Hour})
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(boom)
	if err := s.Start(ctx); !errors.Is(err, boom) {
		t.Errorf("start with a cancelled context: %v", err)
	}
	e.Faults.Set(fake.AtStart, fake.Fault{})
	if err := s.Start(t.Context()); err != nil {
		t.Errorf("start: %v", err)
	}
	e.Sandbox("a").SetStats(sandbox.Stats{OOMKills: 3})
	if st, err := s.Stats(); err != nil || st.OOMKills != 3 {
		t.Errorf("stats: %+v, %v", st, err)
	}
	e.Faults.Set(fake.AtDestroy, fake.Fault{Err: boom, Times: 1})
	if err := s.Destroy(); !errors.Is(err, boom) {
		t.Errorf("destroy: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestEndIsSeenByTheHost(t *testing.T) {
	e := fake.New(fake.Options{})
	s := start(t, e)
	e.Sandbox("a").End(sandbox.ExitStatus{Code: 137, Reason: "out of memory"})
	if b, err := io.ReadAll(s.Link().Logs); err != nil || len(b) != 0 {
		t.Errorf("logs: %q, %v", b, err)
	}
	<-s.Done()
	if got := s.ExitStatus(); got.Code != 137 {
		t.Errorf("exit status %+v", got)
	}
}

// TestRestoredDouble has the conversation of a snapshot, and freezes what was restored.
func TestRestoredDouble(t *testing.T) {
	e := fake.New(fake.Options{})
	s := start(t, e)
	session, err := link.Open(t.Context(), s.Link().Control, s.Link().Data)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	deadline := time.Now().Add(10 * time.Second)
	if err := session.PrepareSnapshot(deadline); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := s.Checkpoint(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	r, err := e.Create(t.Context(), sandbox.Spec{ID: "b", Root: "/r", Args: []string{"/agent"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Restore(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	again, err := link.Reopen(t.Context(), r.Link().Control, r.Link().Data, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.Restored(link.Restoration{Entropy: make([]byte, 32)}, deadline); err != nil {
		t.Fatal(err)
	}
	event := &link.Event{EventMeta: link.EventMeta{ID: "1"}, Payload: []byte("event")}
	if err := r.Pause(t.Context()); err != nil || !e.Sandbox("b").Paused() {
		t.Fatalf("pause: %v", err)
	}
	var resumed atomic.Bool
	answered := make(chan error, 1)
	go func() { // ends with the answer
		reply, err := again.Invoke(event, deadline, 1<<20)
		if err == nil && (!resumed.Load() || !bytes.Equal(reply.Payload, event.Payload)) {
			err = errors.New("answered while paused, or wrongly")
		}
		answered <- err
	}()
	resumed.Store(true)
	if err := r.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Error(err)
	}
}

// TestSnapshotFaults: each point of the snapshot's life fails to order, and another engine's snapshot is refused.
func TestSnapshotFaults(t *testing.T) {
	boom := errors.New("boom")
	e := fake.New(fake.Options{})
	s := start(t, e)
	dir := t.TempDir()
	for p, step := range map[fake.Point]func() error{
		fake.AtPause:      func() error { return s.Pause(t.Context()) },
		fake.AtResume:     func() error { return s.Resume(t.Context()) },
		fake.AtCheckpoint: func() error { return s.Checkpoint(t.Context(), dir) },
		fake.AtRestore:    func() error { return s.Restore(t.Context(), dir) },
	} {
		e.Faults.Set(p, fake.Fault{Err: boom, Times: 1})
		if err := step(); !errors.Is(err, boom) {
			t.Errorf("%s: %v", p, err)
		}
	}
	if err := s.Checkpoint(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	other := fake.New(fake.Options{Fingerprint: "another"})
	defer func() {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}()
	r, err := other.Create(t.Context(), sandbox.Spec{ID: "b", Root: "/r", Args: []string{"/agent"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Restore(t.Context(), dir); err == nil {
		t.Error("restored another engine's snapshot")
	}
}

func TestFixedMemoryIsForGood(t *testing.T) {
	t.Parallel()
	e := fake.New(fake.Options{FixedMemory: true})
	t.Cleanup(func() { _ = e.Close() })
	for most, spec := range map[int64]sandbox.Spec{
		1 << 30:   {ID: "says-so", MaxMemoryBytes: 1 << 30},
		512 << 20: {ID: "says-nothing"},
		600 << 20: {ID: "by-limit", Limits: sandbox.Limits{MemoryBytes: 600 << 20}},
	} {
		spec.Root, spec.Args = "/root.erofs", []string{"/agent"}
		s, err := e.Create(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Limit(sandbox.Limits{MemoryBytes: most}); err != nil {
			t.Errorf("%s: %v", spec.ID, err)
		}
		if err := s.Limit(sandbox.Limits{MemoryBytes: most + 1}); err == nil {
			t.Errorf("%s has more memory than %d", spec.ID, most)
		}
	}
}

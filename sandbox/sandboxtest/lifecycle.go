package sandboxtest

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/link"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/sandboxtest/guest/wire"
)

var allOps = []sandbox.Op{
	sandbox.OpStart, sandbox.OpRestore, sandbox.OpAttach, sandbox.OpLimit, sandbox.OpStats, sandbox.OpPause,
	sandbox.OpResume, sandbox.OpCheckpoint, sandbox.OpDestroy,
}

// testLifeCycle tries every operation in every state and compares with the table.
func testLifeCycle(t *testing.T, h Harness) {
	e := h.engine(t)
	for _, from := range []sandbox.State{sandbox.StateCreated, sandbox.StateRunning, sandbox.StatePaused, sandbox.StateBroken, sandbox.StateDestroyed} {
		if from == sandbox.StatePaused && !e.Capabilities().Pause {
			continue
		}
		for _, op := range allOps {
			t.Run(from.String()+"/"+op.String(), func(t *testing.T) {
				s := h.create(t, e, sandbox.Limits{})
				bring(t, s, from)
				checkStep(t, s, from, op)
			})
		}
	}
}

// bring brings a new sandbox into a state.
func bring(t *testing.T, s sandbox.Sandbox, to sandbox.State) {
	t.Helper()
	var err error
	switch to {
	case sandbox.StateCreated:
	case sandbox.StateRunning:
		err = s.Start(t.Context())
	case sandbox.StatePaused:
		if err = s.Start(t.Context()); err == nil {
			err = s.Pause(t.Context())
		}
	case sandbox.StateBroken:
		if err = s.Start(t.Context()); err == nil {
			if s.Attach(t.Context(), "/nonexistent/image", "/var/task") == nil {
				err = errors.New("attached an image that does not exist")
			}
		}
	case sandbox.StateDestroyed:
		err = s.Destroy()
	default:
		err = errors.New("cannot be reached")
	}
	if err != nil {
		t.Fatalf("bring into state %s: %v", to, err)
	}
}

func checkStep(t *testing.T, s sandbox.Sandbox, from sandbox.State, op sandbox.Op) {
	t.Helper()
	listed := false
	for _, step := range sandbox.LifeCycle {
		listed = listed || (step.From == from && step.Op == op)
	}
	var err error
	switch op {
	case sandbox.OpStart:
		err = s.Start(t.Context())
	case sandbox.OpRestore:
		err = s.Restore(t.Context(), "/nonexistent/snapshot")
	case sandbox.OpAttach:
		err = s.Attach(t.Context(), "/nonexistent/image", "/var/task")
	case sandbox.OpLimit:
		err = s.Limit(sandbox.Limits{MemoryBytes: 256 << 20, CPUMillis: 1000, Pids: 500})
	case sandbox.OpStats:
		_, err = s.Stats()
	case sandbox.OpPause:
		err = s.Pause(t.Context())
	case sandbox.OpResume:
		err = s.Resume(t.Context())
	case sandbox.OpCheckpoint:
		err = s.Checkpoint(t.Context(), t.TempDir())
	case sandbox.OpDestroy:
		err = s.Destroy()
	}
	refused := errors.Is(err, sandbox.ErrState) || errors.Is(err, sandbox.ErrDestroyed)
	switch {
	case listed && refused:
		t.Errorf("refused, though the table allows it: %v", err)
	case !listed && from == sandbox.StateDestroyed && !errors.Is(err, sandbox.ErrDestroyed):
		t.Errorf("got %v, want ErrDestroyed", err)
	case !listed && from != sandbox.StateDestroyed && !errors.Is(err, sandbox.ErrState):
		t.Errorf("got %v, want ErrState", err)
	case listed && err != nil && op != sandbox.OpAttach && !errors.Is(err, sandbox.ErrUnsupported) && op != sandbox.OpRestore:
		t.Errorf("failed: %v", err)
	}
}

func testHello(t *testing.T, h Harness) {
	s, g := h.start(t, h.engine(t), sandbox.Limits{})
	g.Echo()
	if _, err := s.Stats(); err != nil {
		t.Error(err)
	}
	select {
	case <-s.Done():
		t.Error("a running sandbox claims to be done")
	default:
	}
}

func testDeadlines(t *testing.T, h Harness) {
	s := h.create(t, h.engine(t), sandbox.Limits{})
	l := s.Link()
	for name, f := range map[string]*os.File{"control": l.Control, "data": l.Data, "logs": l.Logs} {
		if err := f.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := f.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: read returned %v", name, err)
		}
	}
}

func testLogs(t *testing.T, h Harness) {
	s, g := h.start(t, h.engine(t), sandbox.Limits{})
	const text = "something printed\n"
	g.Must(wire.Request{Op: wire.Print, Text: text})
	logs := s.Link().Logs
	if err := logs.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for got.Len() < len(text) {
		buf := make([]byte, 1024)
		n, err := logs.Read(buf)
		got.Write(buf[:n])
		if err != nil {
			t.Fatalf("after %q: %v", got.String(), err)
		}
	}
	if got.String() != text {
		t.Errorf("log channel carried %q", got.String())
	}
}

// testLogsBeforeAnswers: what was printed before an answer can be read when the answer can.
func testLogsBeforeAnswers(t *testing.T, h Harness) {
	s, g := h.start(t, h.engine(t), sandbox.Limits{})
	var got strings.Builder
	logs, err := link.NewLogs(s.Link().Logs, func(b []byte) { got.Write(b) })
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 100, 10_000, 50_000} {
		for range 5 {
			got.Reset()
			g.Must(wire.Request{Op: wire.Print, Text: strings.Repeat("x", n)})
			if logs.Drain(); got.Len() != n {
				t.Fatalf("of %d bytes printed before an answer %d were there", n, got.Len())
			}
		}
	}
}

func testExitCode(t *testing.T, h Harness) {
	e := h.engine(t)
	for _, code := range []int64{0, 7} {
		s, g := h.start(t, e, sandbox.Limits{})
		if _, err := g.Try(wire.Request{Op: wire.Exit, N: code}); err == nil {
			t.Fatal("the guest answered instead of exiting")
		}
		wantDone(t, s)
		if got := s.ExitStatus(); got.Code != int(code) {
			t.Errorf("exit status %+v, want code %d", got, code)
		}
	}
}

func testCrash(t *testing.T, h Harness) {
	e := h.engine(t)
	s, g := h.start(t, e, sandbox.Limits{})
	h.Crash(t, s.ID())
	wantDone(t, s)
	if got := s.ExitStatus(); got.Code != -1 || got.Reason == "" {
		t.Errorf("exit status %+v, want code -1 and a reason", got)
	}
	if _, err := g.Try(wire.Request{Op: wire.Echo}); err == nil {
		t.Error("the guest answered after its end")
	}
	if err := s.Attach(withTimeout(t), h.Root, "/var/task"); err == nil {
		t.Error("attached to a sandbox that ended")
	}
	if err := s.Destroy(); err != nil {
		t.Error(err)
	}
}

func testBadSpecs(t *testing.T, h Harness) {
	e := h.engine(t)
	good := h.spec(sandbox.Limits{})
	for name, change := range map[string]func(*sandbox.Spec){
		"empty id":        func(s *sandbox.Spec) { s.ID = "" },
		"id with slash":   func(s *sandbox.Spec) { s.ID = "../x" },
		"long id":         func(s *sandbox.Spec) { s.ID = strings.Repeat("x", 41) },
		"relative root":   func(s *sandbox.Spec) { s.Root = "root.erofs" },
		"no arguments":    func(s *sandbox.Spec) { s.Args = nil },
		"relative PID 1":  func(s *sandbox.Spec) { s.Args = []string{"guest"} },
		"negative memory": func(s *sandbox.Spec) { s.Limits.MemoryBytes = -1 },
	} {
		bad := good
		change(&bad)
		if s, err := e.Create(t.Context(), bad); !errors.Is(err, sandbox.ErrSpec) {
			t.Errorf("%s: got %v, want ErrSpec", name, err)
			if err == nil {
				_ = s.Destroy()
			}
		}
	}
	s := h.create(t, e, sandbox.Limits{})
	twin := good
	twin.ID = s.ID()
	if _, err := e.Create(t.Context(), twin); err == nil {
		t.Error("two sandboxes with one id")
	}
}

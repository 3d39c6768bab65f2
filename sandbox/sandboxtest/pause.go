package sandboxtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/sandboxtest/guest/wire"
)

// cpu returns the CPU time that s has used.
func cpu(t testing.TB, s sandbox.Sandbox) time.Duration {
	t.Helper()
	stats, err := s.Stats()
	if err != nil {
		t.Fatal(err)
	}
	return stats.CPU
}

// work makes the guest compute for about d, which is how these tests let time pass.
func work(g *Guest, d time.Duration) {
	g.t.Helper()
	g.Must(tenant(wire.TenantSpin, fmt.Sprint(d.Milliseconds())))
}

func pause(t testing.TB, s sandbox.Sandbox) {
	t.Helper()
	if err := s.Pause(withTimeout(t)); err != nil {
		t.Fatal(err)
	}
}

func resume(t testing.TB, s sandbox.Sandbox) {
	t.Helper()
	if err := s.Resume(withTimeout(t)); err != nil {
		t.Fatal(err)
	}
}

// frozenCPU is what a paused sandbox may seem to use while others work: the kernel's clocks are not exact.
const frozenCPU = time.Millisecond

// testPauseStopsTheGuest sends a command to a paused guest, which answers only after it was resumed.
func testPauseStopsTheGuest(t *testing.T, h Harness) {
	e := h.engine(t)
	_, neighbour := h.start(t, e, sandbox.Limits{})
	s, g := h.start(t, e, sandbox.Limits{MemoryBytes: 256 * mib})
	g.Echo()
	pause(t, s)
	control := s.Link().Control
	if _, err := control.WriteString(`{"op":"echo","text":"late"}` + "\n"); err != nil {
		t.Fatal(err)
	}
	before := cpu(t, s)
	work(neighbour, 200*time.Millisecond)
	if err := control.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if n, err := control.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a paused guest answered: %d bytes, %v", n, err)
	}
	if err := s.Limit(sandbox.Limits{MemoryBytes: 200 * mib}); err != nil {
		t.Errorf("limit while paused: %v", err)
	}
	if used := cpu(t, s) - before; used > frozenCPU {
		t.Errorf("a paused sandbox used %s", used)
	}
	resume(t, s)
	var resp wire.Response
	if err := g.read(&resp); err != nil || resp.Text != "late" {
		t.Errorf("after resume: %+v, %v", resp, err)
	}
	g.Echo()
}

// testPauseStopsBurners pauses guests that do all they can to go on.
func testPauseStopsBurners(t *testing.T, h Harness) {
	e := h.engine(t)
	_, neighbour := h.start(t, e, sandbox.Limits{})
	for _, c := range []struct {
		name   string
		limits sandbox.Limits
		how    []string
	}{
		{"loop", sandbox.Limits{}, []string{wire.BurnLoop}},
		{"threads", sandbox.Limits{}, []string{wire.BurnThreads}},
		{"calls", sandbox.Limits{}, []string{wire.BurnCalls}},
		{"forks", sandbox.Limits{}, []string{wire.BurnForks}},
		{"all", sandbox.Limits{}, []string{wire.BurnLoop, wire.BurnThreads, wire.BurnCalls, wire.BurnForks}},
		{"throttled", sandbox.Limits{CPUMillis: 200}, []string{wire.BurnLoop, wire.BurnThreads}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, g := h.start(t, e, sandbox.Limits{})
			for _, how := range c.how {
				g.Must(wire.Request{Op: wire.Start, UID: tenantUID, Args: []string{wire.TenantBurn, how}})
			}
			if err := s.Limit(c.limits); err != nil {
				t.Fatal(err)
			}
			for i := range 10 {
				pause(t, s)
				before := cpu(t, s)
				work(neighbour, 30*time.Millisecond)
				if used := cpu(t, s) - before; used > frozenCPU {
					t.Errorf("cycle %d: used %s while paused", i, used)
				}
				before = cpu(t, s)
				resume(t, s)
				g.Echo()
				work(neighbour, 30*time.Millisecond)
				if used := cpu(t, s) - before; used < frozenCPU {
					t.Errorf("cycle %d: used only %s after resume", i, used)
				}
			}
		})
	}
}

// testPauseCycles is the life of an environment that is used now and then.
func testPauseCycles(t *testing.T, h Harness) {
	e := h.engine(t)
	s, g := h.start(t, e, sandbox.Limits{MemoryBytes: 256 * mib})
	Cycle(t, s, g, 1000)
}

// Cycle pauses and resumes a running sandbox n times, each time with an exchange, and every other time with one that is
// under way while the sandbox is paused.
func Cycle(t testing.TB, s sandbox.Sandbox, g *Guest, n int) {
	t.Helper()
	for i := range n {
		if i%2 == 0 {
			pause(t, s)
			resume(t, s)
			g.Echo()
			continue
		}
		text := fmt.Sprintf("cycle %d", i)
		if _, err := fmt.Fprintf(s.Link().Control, `{"op":"echo","text":%q}`+"\n", text); err != nil {
			t.Fatal(err)
		}
		pause(t, s)
		resume(t, s)
		var resp wire.Response
		if err := g.read(&resp); err != nil || resp.Text != text {
			t.Fatalf("cycle %d: got %+v, %v", i, resp, err)
		}
	}
}

// testPauseThenEnd ends paused sandboxes in both ways there are.
func testPauseThenEnd(t *testing.T, h Harness) {
	e := h.engine(t)
	s, _ := h.start(t, e, sandbox.Limits{})
	pause(t, s)
	if err := s.Destroy(); err != nil {
		t.Error(err)
	}
	s, _ = h.start(t, e, sandbox.Limits{})
	pause(t, s)
	h.Crash(t, s.ID())
	wantDone(t, s)
	if err := s.Resume(withTimeout(t)); err == nil {
		t.Error("resumed a sandbox that had ended")
	}
}

// testPauseCancelled: a step that is cancelled leaves a sandbox of which only the end is left.
func testPauseCancelled(t *testing.T, h Harness) {
	e := h.engine(t)
	s, _ := h.start(t, e, sandbox.Limits{})
	h.Crash(t, s.ID())
	wantDone(t, s)
	if err := s.Pause(withTimeout(t)); err == nil {
		t.Error("paused a sandbox that had ended")
	}
	s, _ = h.start(t, e, sandbox.Limits{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Pause(ctx); err == nil {
		t.Error("paused though cancelled")
	}
	if err := s.Destroy(); err != nil {
		t.Error(err)
	}
}

// testBackgroundYields lets a background sandbox and its neighbours compete for every CPU. Each has one at least.
func testBackgroundYields(t *testing.T, h Harness) {
	e := h.engine(t)
	s, g := h.start(t, e, sandbox.Limits{Background: true})
	burn := wire.Request{Op: wire.Start, UID: tenantUID, Args: []string{wire.TenantBurn, wire.BurnThreads}}
	g.Must(burn)
	var n sandbox.Sandbox
	var neighbour *Guest
	for range runtime.NumCPU() {
		n, neighbour = h.start(t, e, sandbox.Limits{})
		neighbour.Must(burn)
	}
	share := func() float64 {
		mine, theirs := cpu(t, s), cpu(t, n)
		work(neighbour, 500*time.Millisecond)
		return float64(cpu(t, s)-mine) / float64(cpu(t, n)-theirs)
	}
	// The kernel is fair between groups of many threads on few CPUs only in the long run, and
	// less so where the CPUs themselves are shared: of several windows one is enough.
	within := func(when string, fits func(share float64) bool) {
		t.Helper()
		var got []float64
		for len(got) < 10 {
			got = append(got, share())
			if fits(got[len(got)-1]) {
				return
			}
		}
		t.Errorf("%s it got %.2f of what its neighbour got", when, got)
	}
	within("in the background", func(share float64) bool { return share < 0.2 })
	if err := s.Limit(sandbox.Limits{}); err != nil {
		t.Fatal(err)
	}
	within("out of the background", func(share float64) bool { return share > 0.4 })
}

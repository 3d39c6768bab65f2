package bench_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"thaw.dev/thaw/bench"
	"thaw.dev/thaw/embedded"
	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/pool"
)

// setup is for measurements on real sandboxes. They check that a measurement is one, not what it says.
func setup(t *testing.T) bench.Setup {
	t.Helper()
	testenv.NeedsRoot(t)
	testenv.NeedsCommand(t, "python3")
	s := fakeSetup(t)
	s.Engine = "gvisor"
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil { //nolint:gosec // gVisor's processes run as nobody and pass through
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left, _ := filepath.Glob(filepath.Join(dir, "thaw-bench-*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	return s
}

// fakeSetup is for measurements that run no code.
func fakeSetup(t *testing.T) bench.Setup {
	t.Helper()
	if err := embedded.Complete(); err != nil {
		t.Skip(err)
	}
	return bench.Setup{Thaw: helperbin.Build(t, "thaw.dev/thaw/cmd/thaw"), Engine: "fake"}
}

func sane(t *testing.T, what string, l bench.Latency, n int) {
	t.Helper()
	if l.N != n || l.P50 <= 0 || l.P50 > l.P90 || l.P90 > l.P99 || l.P99 > l.Max {
		t.Errorf("%s: want %d samples, got %+v", what, n, l)
	}
}

func TestWarm(t *testing.T) {
	r, err := bench.Warm(t.Context(), bench.WarmOptions{Setup: setup(t), Runtime: "python", N: 20, Concurrency: 2})
	if err != nil {
		t.Fatal(err)
	}
	sane(t, "warm", bench.Latency{N: r.N, P50: r.P50, P90: r.P90, P99: r.P99, Max: r.P99}, 20)
	if r.RPS <= 0 || r.Baseline.P50 <= 0 || r.Phases.Invoke <= 0 || r.Phases.Init != 0 {
		t.Errorf("got %+v", r)
	}
}

func TestCold(t *testing.T) {
	s := setup(t)
	for _, from := range []bench.Source{pool.SourceHot, pool.SourceSnapshot, pool.SourceEmpty} {
		r, err := bench.Cold(t.Context(), bench.ColdOptions{Setup: s, Runtime: "python", From: from, N: 2, InitTime: 300 * time.Millisecond})
		if err != nil {
			t.Errorf("from %s: %v", from, err)
			continue
		}
		sane(t, string(from), bench.Latency{N: r.N, P50: r.P50, P90: r.P90, P99: r.P99, Max: r.P99}, 2)
		if r.From != from || r.Baseline.P50 <= 0 || r.Phases.Invoke <= 0 {
			t.Errorf("from %s: %+v", from, r)
		}
		if (r.Init != nil) != (from == pool.SourceSnapshot) || r.Init != nil && r.Init.P50 < 300 {
			t.Errorf("from %s: init %+v", from, r.Init)
		}
	}
}

func TestRestore(t *testing.T) {
	r, err := bench.Restore(t.Context(), bench.RestoreOptions{Setup: setup(t), Runtime: "python", N: 2})
	if err != nil {
		t.Fatal(err)
	}
	sane(t, "waiting slot", r.Waiting.Latency, 2)
	sane(t, "from nothing", r.Nothing.Latency, 2)
	if r.Ratio <= 0 {
		t.Errorf("got %+v", r)
	}
}

func TestBurst(t *testing.T) {
	r, err := bench.Burst(t.Context(), bench.BurstOptions{Setup: setup(t), Runtime: "python", Width: 4, Rounds: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Bursts) != 3 || r.ReservedMB <= 0 || r.WarmBefore.N == 0 || r.WarmDuring.N == 0 {
		t.Fatalf("got %+v", r)
	}
	for _, b := range r.Bursts {
		sane(t, string(b.Kind), b.Latency, 4)
		if b.Kind == bench.BurstEach && b.Cold != 4 {
			t.Errorf("%d cold starts of 4 functions", b.Cold)
		}
	}
}

func TestHetero(t *testing.T) {
	r, err := bench.Hetero(t.Context(), bench.HeteroOptions{Setup: setup(t), Runtime: "python", Functions: 3, N: 9})
	if err != nil {
		t.Fatal(err)
	}
	sane(t, "one", r.One, 9)
	sane(t, "many", r.Many, 9)
}

func TestFreeze(t *testing.T) {
	r, err := bench.Freeze(t.Context(), bench.FreezeOptions{Setup: setup(t), Runtime: "python", N: 5})
	if err != nil {
		t.Fatal(err)
	}
	sane(t, "frozen", r.Frozen, 5)
	sane(t, "never", r.Never, 5)
	sane(t, "thaw", r.Thaw, 5)
}

func TestDensity(t *testing.T) {
	r, err := bench.Density(t.Context(), bench.DensityOptions{Setup: setup(t), Runtimes: []string{"python"}, Environments: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Counts) != 3 {
		t.Fatalf("got %+v", r)
	}
	for _, c := range r.Counts {
		if c.PSSMB < 1 || c.PSSMB > 200 || c.Processes < 1 {
			t.Errorf("got %+v", c)
		}
	}
}

func TestRSS(t *testing.T) {
	r, err := bench.RSS(t.Context(), bench.RSSOptions{Setup: fakeSetup(t), N: 20})
	if err != nil {
		t.Fatal(err)
	}
	if r.N != 20 || r.EmptyMB <= 0 || r.RSSMB <= 0 || r.CreateSeconds <= 0 {
		t.Errorf("got %+v", r)
	}
}

func TestStream(t *testing.T) {
	s := setup(t)
	testenv.NeedsCommand(t, "node")
	r, err := bench.Stream(t.Context(), bench.StreamOptions{Setup: s, Runtime: "nodejs", N: 5, Bytes: 7 << 20})
	if err != nil {
		t.Fatal(err)
	}
	sane(t, "first byte", r.First, 5)
	if r.Rate <= 0 || r.Bytes != 7<<20 {
		t.Errorf("got %+v", r)
	}
}

func TestEvent(t *testing.T) {
	r, err := bench.Event(t.Context(), bench.EventOptions{Setup: setup(t), Runtime: "python", N: 100, Clients: 4, Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	sane(t, "accepted", r.Accepted, 100)
	if r.Rate <= 0 || r.RunRate <= 0 {
		t.Errorf("got %+v", r)
	}
}

func TestBacklog(t *testing.T) {
	r, err := bench.Backlog(t.Context(), bench.BacklogOptions{Setup: setup(t), Runtime: "python", N: 300, MemoryMB: 512})
	if err != nil {
		t.Fatal(err)
	}
	sane(t, "requests", r.SyncBefore, r.SyncBefore.N)
	sane(t, "other events", r.Other, r.Other.N)
	if r.Rate <= 0 || r.Seconds <= 0 || r.SyncBefore.N == 0 {
		t.Errorf("got %+v", r)
	}
}

func TestLogs(t *testing.T) {
	r, err := bench.Logs(t.Context(), bench.LogsOptions{Setup: setup(t), Runtime: "python", N: 3})
	if err != nil {
		t.Fatal(err)
	}
	sane(t, "polling", r.Poll, 3)
	sane(t, "its request", r.Filter, 3)
	sane(t, "live tail", r.Tail, 3)
}

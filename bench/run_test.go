package bench_test

import (
	"os"
	"path/filepath"
	"testing"

	"thaw.dev/thaw/bench"
	"thaw.dev/thaw/embedded"
	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/testenv"
)

// TestRun takes a few samples on real sandboxes. It checks that the measurement is one, not what it says.
func TestRun(t *testing.T) {
	testenv.NeedsRoot(t)
	testenv.NeedsCommand(t, "python3")
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil { //nolint:gosec // gVisor's processes run as nobody and pass through
		t.Fatal(err)
	}
	for kind, n := range map[bench.Kind]int{bench.Warm: 20, bench.Cold: 2} {
		r, err := bench.Run(t.Context(), bench.Options{
			Kind: kind, Engine: "gvisor", Runtime: "python", N: n, Concurrency: 2,
			Helpers: embedded.Paths{Agent: helperbin.Agent(t), Sentry: helperbin.Sentry(t)},
		})
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		if r.N != n || r.P50 <= 0 || r.P50 > r.P90 || r.P90 > r.P99 || r.RPS <= 0 || r.Baseline.P50 <= 0 || r.Phases.Invoke <= 0 {
			t.Errorf("%s: %+v", kind, r)
		}
		if cold := r.Phases.Place > 0 && r.Phases.Init > 0; cold != (kind == bench.Cold) {
			t.Errorf("%s: phases %+v", kind, r.Phases)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "thaw-bench-*")); len(left) > 0 {
			t.Errorf("%s left %v", kind, left)
		}
	}
}

// TestRSS measures a server with a few functions.
func TestRSS(t *testing.T) {
	if err := embedded.Complete(); err != nil {
		t.Skip(err)
	}
	r, err := bench.RSS(t.Context(), bench.RSSOptions{Thaw: helperbin.Build(t, "thaw.dev/thaw/cmd/thaw"), Engine: "fake", N: 20})
	if err != nil {
		t.Fatal(err)
	}
	if r.N != 20 || r.EmptyMB <= 0 || r.RSSMB <= 0 || r.CreateSeconds <= 0 {
		t.Errorf("got %+v", r)
	}
}

func TestWhatCannotBeMeasured(t *testing.T) {
	t.Parallel()
	for _, o := range []bench.Options{{Kind: "hot", N: 1}, {Kind: bench.Cold}} {
		if _, err := bench.Run(t.Context(), o); err == nil {
			t.Errorf("%+v was measured", o)
		}
	}
	if _, err := bench.RSS(t.Context(), bench.RSSOptions{}); err == nil {
		t.Error("the memory of no functions was measured")
	}
}

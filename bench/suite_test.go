package bench

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// readSuite reads the report that a run left in dir.
func readSuite(t *testing.T, dir string) *Suite {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, reportJSON))
	if err != nil {
		t.Fatal(err)
	}
	s := &Suite{}
	if err := json.Unmarshal(b, s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestAFailedStepIsNoted: the others go on, and the error names it.
func TestAFailedStepIsNoted(t *testing.T) {
	t.Parallel()
	broken := errors.New("no such luck")
	var told []string
	o := &SuiteOptions{Out: t.TempDir(), Setup: Setup{Progress: func(step string) { told = append(told, step) }}}
	err := (&Suite{}).run(t.Context(), o, []suiteStep{
		{"thaw bench freeze", func(context.Context, *Suite) error { return broken }},
		{"thaw bench rss", func(_ context.Context, s *Suite) error {
			s.Metadata = &RSSReport{N: 5, PerFunctionKB: 20}
			return nil
		}},
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "thaw bench freeze") {
		t.Errorf("got %v", err)
	}
	if want := []string{"[1/2] thaw bench freeze", "[2/2] thaw bench rss"}; !slices.Equal(told, want) {
		t.Errorf("progress: got %q, want %q", told, want)
	}
	s := readSuite(t, o.Out)
	if !s.Complete || len(s.Steps) != 2 || s.Steps[0].Error != broken.Error() || s.Steps[1].Error != "" || s.Metadata.N != 5 {
		t.Errorf("got %+v", s)
	}
}

// TestAnInterruptedRunLeavesWhatItMeasured: the step that was cut short does not count.
func TestAnInterruptedRunLeavesWhatItMeasured(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	o := &SuiteOptions{Out: t.TempDir()}
	err := (&Suite{}).run(ctx, o, []suiteStep{
		{"one", func(_ context.Context, s *Suite) error { s.Freeze = &FreezeReport{Cycles: 7}; return nil }},
		{"two", func(ctx context.Context, _ *Suite) error { cancel(stopped); return ctx.Err() }},
		{"three", func(context.Context, *Suite) error { t.Error("the run went on"); return nil }},
	})
	if !errors.Is(err, stopped) {
		t.Errorf("got %v", err)
	}
	if s := readSuite(t, o.Out); s.Complete || len(s.Steps) != 1 || s.Freeze.Cycles != 7 {
		t.Errorf("got %+v", s)
	}
	text, err := os.ReadFile(filepath.Join(o.Out, reportMarkdown))
	if err != nil || !strings.Contains(string(text), "Not complete") {
		t.Errorf("%v:\n%s", err, text)
	}
}

// TestEveryTargetIsMeasured: the steps of a run cover all sources and everything that a target needs.
func TestEveryTargetIsMeasured(t *testing.T) {
	t.Parallel()
	for _, quick := range []bool{false, true} {
		all := strings.Join(Commands("microvm", quick), "\n")
		for _, part := range []string{"--from hot --runtime python", "--from hot --runtime nodejs", "--from snapshot", "--from empty", "--from none", "restore", "warm", "hetero", "burst --runtime python --n 100", "freeze", "density", "rss"} {
			if !strings.Contains(all, part) {
				t.Errorf("quick %v: no %q in:\n%s", quick, part, all)
			}
		}
		for command := range strings.SplitSeq(all, "\n") {
			if !strings.HasSuffix(command, " --engine microvm") {
				t.Errorf("%s measures another engine", command)
			}
		}
	}
	if all := strings.Join(Commands("gvisor", true), "\n"); strings.Contains(all, "--engine") {
		t.Errorf("the usual engine is named in:\n%s", all)
	}
	emulated := measured()
	emulated.Emulated = true
	for _, target := range slices.Concat(measured().Targets, targetsOf(emulated)) {
		if target.Got == nil {
			t.Errorf("%q is never measured", target.What)
		}
	}
}

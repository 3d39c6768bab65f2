package bench

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/pool"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares got with a file in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func TestEmulationIsSaidWhereverFiguresAre(t *testing.T) {
	t.Parallel()
	setup := Setup{Engine: "microvm", monitor: "qemu", accelerator: "tcg"}
	r := newReport("cold", &setup, "python3.11", "python3")
	r.add(time.Second, time.Second, timing{})
	s := &Suite{Engine: "microvm", Cold: []*Report{r.finish()}}
	s.learn()
	var table bytes.Buffer
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"table": table.String(), "report": string(s.markdown())} {
		if !strings.Contains(text, "microvm (qemu, tcg: EMULATED") {
			t.Errorf("the %s does not say that machines were emulated:\n%s", what, text)
		}
	}
	if !strings.Contains(string(s.markdown()), "nothing about its speed") {
		t.Error("the report does not warn")
	}
	m := setup.machine()
	for what, r := range map[string]interface{ WriteTable(io.Writer) error }{
		"restore": &RestoreReport{Engine: "microvm", Machine: m}, "burst": &BurstReport{Engine: "microvm", Machine: m},
		"hetero": &HeteroReport{Engine: "microvm", Machine: m}, "freeze": &FreezeReport{Engine: "microvm", Machine: m},
		"stream": &StreamReport{Engine: "microvm", Machine: m}, "density": &DensityReport{Engine: "microvm", Machine: m},
		"event": &EventReport{Engine: "microvm", Machine: m}, "backlog": &BacklogReport{Engine: "microvm", Machine: m},
		"logs": &LogsReport{Engine: "microvm", Machine: m}, "rss": &RSSReport{Engine: "microvm", Machine: m}, "suite": s,
	} {
		var text bytes.Buffer
		if err := r.WriteTable(&text); err != nil {
			t.Fatal(err)
		}
		document, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"engine":"microvm"`, `"monitor":"qemu"`, `"accelerator":"tcg"`, `"emulated":true`} {
			if !strings.Contains(string(document), want) {
				t.Errorf("%s: no %s in %s", what, want, document)
			}
		}
		if !strings.Contains(text.String(), "microvm (qemu, tcg: EMULATED") {
			t.Errorf("the table of %s does not say that machines were emulated:\n%s", what, text.String())
		}
	}
	chart, err := s.chart()
	if err != nil || !strings.Contains(string(chart), "EMULATED") {
		t.Errorf("the chart does not say so: %v", err)
	}
	setup.accelerator = "kvm"
	if m := setup.machine(); m.on("microvm") != "microvm (qemu, kvm)" || m.Emulated {
		t.Errorf("with KVM it says %s", m.on("microvm"))
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	r := newReport("cold", &Setup{Engine: "gvisor"}, "python3.11", "python3")
	r.From = pool.SourceSnapshot
	for _, ms := range []time.Duration{30, 10, 20} {
		r.add(ms*time.Millisecond, ms*time.Millisecond/4, timing{Phases: Phases{Place: float64(ms), Init: 2 * float64(ms)}})
	}
	r.running = samples{2000, 2100, 1900}
	r.finish()
	if r.P50 != 20 || r.P99 != 30 || r.Baseline.P50 != 5 || r.RatioP50 != 4 || r.Phases != (Phases{Place: 20, Init: 40}) {
		t.Errorf("got %+v", r)
	}
	if want := (InitWork{2000, 3, 0.01}); *r.Init != want {
		t.Errorf("init: got %+v, want %+v", *r.Init, want)
	}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(b, &object); err != nil {
		t.Fatal(err)
	}
	want := strings.Fields("baseline commit cpu cpus engine from init kernel memory_mb n name p50_ms p90_ms p99_ms phases ratio_p50 runtime")
	if got := slices.Sorted(maps.Keys(object)); !slices.Equal(got, want) {
		t.Errorf("members: got %v, want %v", got, want)
	}
	var text strings.Builder
	if err := r.WriteTable(&text); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"cold invocations from snapshot, 3 samples, python3.11 on gvisor", "20.00   30.00   30.00", "ratio of the medians: 4.00", "÷ that: 0.0100"} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("%q is missing in:\n%s", part, text.String())
		}
	}
}

// measured is a suite with every kind of result.
func measured() *Suite {
	cold := func(from Source, runtime string, p50, base float64) *Report {
		return &Report{
			Name: "cold", Engine: "gvisor", Runtime: runtime, From: from, N: 100, P50: p50, P90: p50 + 1, P99: p50 + 2,
			Phases: Phases{Place: 1, Code: 2, Init: 3, Invoke: 0.5}, Baseline: Baseline{Name: "bare", P50: base}, RatioP50: ratio(p50, base),
		}
	}
	snapshot := cold(pool.SourceSnapshot, "python3.11", 50, 12.5)
	snapshot.Init = &InitWork{P50: 2050, N: 5, Ratio: ratio(50, 2050)}
	latency := func(p50 float64) Latency { return Latency{100, p50, 2 * p50, 3 * p50, 4 * p50} }
	s := &Suite{
		Name: "report", Engine: "gvisor", Began: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Seconds: 61, Complete: true,
		Steps: []Step{{"thaw bench cold --from hot --runtime python --n 100", 12, ""}, {"thaw bench freeze --n 10", 1, "cycle 3: lost |\nand gone"}},
		Warm:  []*Report{{Name: "warm", Runtime: "python3.11", N: 4000, P50: 0.45, P99: 2.5, RPS: 3000, Clients: 2, Baseline: Baseline{P50: 0.1}, RatioP50: 4.5}},
		Cold: []*Report{
			cold(pool.SourceHot, "python3.11", 6, 12.5), cold(pool.SourceHot, "nodejs20.x", 13, 55), snapshot,
			cold(pool.SourceEmpty, "python3.11", 60, 12.5), cold(pool.SourceNone, "python3.11", 120, 12.5),
		},
		Restore: &RestoreReport{Waiting: RestoreStart{Latency: latency(30)}, Nothing: RestoreStart{Latency: latency(100)}, Ratio: 0.3},
		Bursts: []*BurstReport{{
			Width: 100, Rounds: 5, Single: latency(6), SingleFrom: map[Source]int{pool.SourceHot: 15},
			Bursts: []BurstResult{
				{Kind: BurstOne, Latency: latency(30), Ratio: 15, From: map[Source]int{pool.SourceHot: 10, pool.SourceNone: 3}, Cold: 13},
				{Kind: BurstEach, Latency: latency(900), Ratio: 450, From: map[Source]int{pool.SourceEmpty: 5, pool.SourceNone: 495}, Cold: 500},
			},
			ReservedMB: 9000, BudgetMB: 12000, WarmBefore: latency(0.5), WarmDuring: latency(0.75), WarmP99: 1.5,
		}},
		Hetero:   &HeteroReport{Functions: 100, One: latency(0.4), Many: latency(0.5), Ratio: 1.25, Thawed: 7},
		Freeze:   &FreezeReport{Cycles: 1000, Frozen: latency(0.9), Never: latency(0.5), Thaw: latency(0.2), Ratio: 1.8},
		Density:  &DensityReport{Environments: 20, Counts: []DensityCount{{DensityFrozen, "python3.11", 33.3, 0.2, 4}, {DensityEmpty, "python3.11", 12, 0.1, 2}}},
		Metadata: &RSSReport{N: 100000, EmptyMB: 60, RSSMB: 1500, PerFunctionKB: 14.4},
		Machine:  Machine{Commit: "0123abc", Kernel: "6.18.0", CPUs: 2, CPU: "Some CPU", Memory: 16000},
	}
	s.Targets = targetsOf(s)
	return s
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	golden(t, "report.md", measured().markdown())
}

// TestMarkdownOfAnInterruptedRun: what is missing is left out or marked, and the text says that it is not all.
func TestMarkdownOfAnInterruptedRun(t *testing.T) {
	t.Parallel()
	s := measured()
	s.Complete, s.Cold, s.Steps = false, s.Cold[:1], s.Steps[:1]
	s.Warm, s.Restore, s.Bursts, s.Hetero, s.Freeze, s.Density, s.Metadata = nil, nil, nil, nil, nil, nil, nil
	s.Targets = targetsOf(s)
	golden(t, "interrupted.md", s.markdown())
}

func TestSuiteTable(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := measured().WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "targets.txt", b.Bytes())
}

// TestProblemsOfABurst: requests may fail only where there may be no room for them all.
func TestProblemsOfABurst(t *testing.T) {
	t.Parallel()
	r := &BurstReport{ReservedMB: 5, BudgetMB: 5, Bursts: []BurstResult{{Kind: BurstOne}, {Kind: BurstEach}, {Kind: BurstSleep, Failed: 1, Error: "no room"}}}
	if err := r.problem(); err != nil {
		t.Errorf("got %v", err)
	}
	r.Bursts[1].Failed, r.Bursts[1].Error, r.ReservedMB = 3, "lost", 6
	err := r.problem()
	if err == nil || !strings.Contains(err.Error(), "kind each: 3 requests failed, the first: lost") || !strings.Contains(err.Error(), "6 MB were reserved") {
		t.Errorf("got %v", err)
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	got := func(x float64) *float64 { return &x }
	for want, target := range map[string]Target{
		"✓ aim reached": {AtLeast: 2, Aim: 1, Got: got(1)},
		"✓ reached":     {AtLeast: 2, Aim: 1, Got: got(2)},
		"✗ missed":      {AtLeast: 2, Aim: 1, Got: got(2.1)},
		"not measured":  {AtLeast: 2, Aim: 1},
	} {
		if v := target.Verdict(); v != want {
			t.Errorf("%+v: %s", target, v)
		}
	}
}

// TestWrite: the files of a report are there, complete, and replaced as a whole.
func TestWrite(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	s := measured()
	for range 2 {
		if err := s.write(dir); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	if want := []string{reportChart, reportJSON, reportMarkdown}; !slices.Equal(names, want) {
		t.Errorf("files: got %v, want %v", names, want)
	}
	b, err := os.ReadFile(filepath.Join(dir, reportJSON))
	if err != nil {
		t.Fatal(err)
	}
	var back Suite
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if len(back.Cold) != len(s.Cold) || back.Machine != s.Machine || back.Restore.Ratio != s.Restore.Ratio || *back.Targets[0].Got != *s.Targets[0].Got {
		t.Errorf("got %+v", back)
	}
}

// TestChart: the chart has a bar's label for each measurement, and there is none without measurements.
func TestChart(t *testing.T) {
	t.Parallel()
	svg, err := measured().chart()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"<svg", ">hot<", ">snapshot<", ">empty<", ">none<", "bare interpreter", ">12.5<", ">55.0<", ">6.0<", ">13.0<", ">120.0<", "nodejs"} {
		if !strings.Contains(string(svg), part) {
			t.Errorf("%q is missing", part)
		}
	}
	if svg, err := (&Suite{}).chart(); svg != nil || err != nil {
		t.Errorf("of nothing: %d bytes, %v", len(svg), err)
	}
}

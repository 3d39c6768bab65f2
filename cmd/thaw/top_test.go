package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"thaw.dev/thaw/async"
	"thaw.dev/thaw/metrics"
	"thaw.dev/thaw/ops"
	"thaw.dev/thaw/pool"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

var topStart = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// topReports are two reports of one server, 20 seconds apart.
func topReports() (first, second *ops.Report) {
	first = &ops.Report{
		Pool: pool.Status{At: topStart.Add(time.Hour)},
		Totals: metrics.Totals{
			Since: topStart, Hits: 1000, ColdStarts: map[string]int64{"hot": 10}, ColdCauses: map[string]int64{"request": 10},
			Invocations: map[string]int64{"ok": 1010},
		},
	}
	env := func(name, version string, state pool.EnvironmentState, mib, used int64) pool.EnvironmentStatus {
		return pool.EnvironmentStatus{
			Account: "000000000000", Function: name, Version: version, Runtime: "python3.11", State: state, Source: pool.SourceHot,
			ReservedBytes: mib << 20, UsedBytes: used << 20, Served: 3, Since: topStart,
		}
	}
	pinned := env("thumbnail", "7", pool.StateIdle, 1024, 300)
	pinned.Provisioned = true
	restored := env("thumbnail", "7", pool.StateFrozen, 1024, 0)
	restored.Source, restored.Since = pool.SourceSnapshot, topStart.Add(time.Minute)
	starting := env("hello", "$LATEST", pool.StateStarting, 0, 0) // as the pool says it: not much is known of it
	starting.Runtime, starting.Source, starting.Served, starting.Since = "", "", 0, time.Time{}
	node := env("render", "$LATEST", pool.StateBusy, 256, 60)
	node.Runtime = "nodejs20.x"
	second = &ops.Report{
		Pool: pool.Status{
			At: topStart.Add(time.Hour + 20*time.Second), Engine: "gvisor", BudgetBytes: 8 << 30, ReservedBytes: 3200 << 20,
			Environments: []pool.EnvironmentStatus{
				env("hello", "$LATEST", pool.StateBusy, 128, 30), env("hello", "$LATEST", pool.StateFrozen, 128, 24),
				starting, pinned, restored, node,
			},
			Stocks: []pool.StockStatus{
				{Kind: pool.SourceHot, Runtime: "python3.11", Ready: 2, Filling: 1, Target: 3, Reason: "3 cold starts in the last refill time", ReservedBytes: 144 << 20, Taken: 41, Missed: 2, Drained: 5},
				{Kind: pool.SourceEmpty, Runtime: "python3.11", Ready: 1, Target: 1, Reason: "the least", ReservedBytes: 20 << 20},
			},
			Waiting:   []pool.WaitingStatus{{Account: "000000000000", Function: "burst", Version: "$LATEST", Callers: 5, Starting: 4}},
			Snapshots: pool.SnapshotStatus{Count: 2, Bytes: 60 << 20},
		},
		Totals: metrics.Totals{
			Since: topStart, Hits: 3960, Thaws: 100,
			ColdStarts: map[string]int64{"hot": 48, "none": 2}, ColdCauses: map[string]int64{"request": 50, "provisioned": 4},
			ColdResults: map[string]int64{"ok": 49, "failed": 1}, Destroyed: map[string]int64{"evicted": 6, "keep_alive": 20, "died": 1, "broken": 1},
			Invocations: map[string]int64{"ok": 4000, "timeout": 10}, Refused: map[string]int64{"memory": 4},
		},
		ColdStarts: []metrics.ColdStarts{
			{Source: pool.SourceHot, Count: 48, PlaceMS: 0.41, CodeMS: 0.96, InitMS: 4.25},
			{Source: pool.SourceNone, Count: 2, PlaceMS: 66, CodeMS: 1.2, InitMS: 31.5},
		},
		Process: metrics.Process{Version: "v0.3.0", ResidentBytes: 62 << 20},
		Disk:    &metrics.Disk{Packages: 12, PackageBytes: 34 << 20, ImageBytes: 120 << 20, RuntimeBytes: 300 << 20, StoreBytes: 5 << 20, FreeBytes: 40 << 30},
		Events: &async.Summary{
			Due: 12000, Later: 3, Running: 4, Undelivered: 2, Oldest: topStart.Add(55 * time.Minute),
			Lanes: []async.Depth{
				{Function: "hello", Due: 12000, Running: 4, Window: 4, Oldest: topStart.Add(55 * time.Minute)},
				{Function: "render", Target: "arn:aws:sqs:us-east-1:000000000000:dead", Later: 3, Undelivered: 2, Oldest: topStart.Add(58 * time.Minute), Attempts: 4, LastError: "connection refused"},
			},
			Totals: async.Totals{Accepted: 1000, Succeeded: 380, Dropped: 10, Failed: map[string]int64{"RetriesExhausted": 10}},
		},
	}
	return first, second
}

func topFrame(t *testing.T) *topView {
	t.Helper()
	v := &topView{}
	first, second := topReports()
	v.add(first)
	v.add(second)
	return v
}

func press(v *topView, keys ...string) {
	for _, k := range keys {
		v.press(k)
	}
}

func text(lines []topLine) string {
	var b strings.Builder
	for _, l := range lines {
		mark := " "
		if l.head {
			mark = "#"
		}
		b.WriteString(strings.TrimRight(mark+l.text, " ") + "\n")
	}
	return b.String()
}

func TestTopFrames(t *testing.T) {
	for name, c := range map[string]struct {
		width, height int
		change        func(*topView)
	}{
		"wide":   {160, 34, func(*topView) {}},
		"narrow": {56, 34, func(*topView) {}},
		"low":    {80, 20, func(*topView) {}},
		"end":    {80, 20, func(v *topView) { press(v, "j", "j", keyDown, keyDown, keyDown, "k") }},
		"sorted": {100, 30, func(v *topView) { press(v, "s", "s", "s", "s") }},
		"filter": {100, 30, func(v *topView) { press(v, "/", "H", "x", keyBackspace, "e", "\x1b", "ä€") }},
		"nodejs": {100, 30, func(v *topView) { press(v, "/", "n", "o", "d", "e", keyEnter) }},
		"help":   {120, 20, func(v *topView) { press(v, "?") }},
		"alone":  {100, 30, func(v *topView) { r := v.report; *v = topView{}; v.add(r) }},
		"engines": {140, 34, func(v *topView) {
			p := &v.report.Pool
			p.Engines = []pool.EngineStatus{{Name: "gvisor"}, {Name: "microvm", Monitor: "qemu", Accelerator: "tcg"}}
			for i := range p.Environments {
				p.Environments[i].Engine = "gvisor"
			}
			p.Environments[5].Engine, p.Stocks[0].Engine = "microvm", "gvisor"
			p.Stocks[1].Engine, p.Stocks[1].MemoryMB = "microvm", 512
		}},
		"problem": {100, 30, func(v *topView) {
			v.problem = ops.ErrNoServer
		}},
		"hostile": {160, 34, func(v *topView) {
			for i := range v.report.Pool.Environments {
				e := &v.report.Pool.Environments[i]
				e.Function = "\x1b[2J\x1b]0;owned\a" + e.Function + "\r\n\u202e界" + strings.Repeat("x", 500)
				e.Version, e.Runtime, e.Account = "\x9b31m", "\x00", string(rune('a'+i))+"\b"
			}
			v.report.Pool.Stocks[0].Reason = "\x1b[?1049l" + strings.Repeat("very long ", 100)
			v.report.Pool.Engine, v.report.Process.Version = "\x1bc", "\x1bc"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			v := topFrame(t)
			c.change(v)
			lines := v.frame(c.width, c.height)
			if len(lines) != c.height {
				t.Errorf("%d lines on a screen of %d", len(lines), c.height)
			}
			for _, l := range lines {
				if n := utf8.RuneCountInString(l.text); n > c.width {
					t.Errorf("%d columns on a screen of %d: %s", n, c.width, l.text)
				}
				if printable(strings.Map(drawing, l.text)) != strings.Map(drawing, l.text) {
					t.Errorf("not fit for a terminal: %q", l.text)
				}
			}
			golden(t, filepath.Join("testdata", "top", name+".txt"), text(lines))
		})
	}
}

// drawing removes what the view itself draws beyond printable characters.
func drawing(r rune) rune {
	if strings.ContainsRune("█▓▒░·…", r) {
		return -1
	}
	return r
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *updateGolden {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestTopFitsEveryScreen draws on screens of all sizes, with every list empty and full.
func TestTopFitsEveryScreen(t *testing.T) {
	empty := &topView{}
	empty.add(&ops.Report{})
	for name, v := range map[string]*topView{"full": topFrame(t), "empty": empty} {
		for _, keys := range [][]string{nil, {"?"}, {"/", "zzz"}, {keyEscape, keyDown, keyDown}} {
			press(v, keys...)
			for width := 1; width < 200; width += 7 {
				for height := 1; height < 60; height++ {
					lines := v.frame(width, height)
					if len(lines) != height {
						t.Fatalf("%s, %v: %d lines on %d × %d", name, keys, len(lines), width, height)
					}
					for _, l := range lines {
						if utf8.RuneCountInString(l.text) > width {
							t.Fatalf("%s, %v: %q on %d × %d", name, keys, l.text, width, height)
						}
					}
				}
			}
		}
	}
}

func TestTopRates(t *testing.T) {
	var h topHistory
	report := func(second int, hits int64, since time.Time) *ops.Report {
		return &ops.Report{Pool: pool.Status{At: topStart.Add(time.Duration(second) * time.Second)}, Totals: metrics.Totals{Hits: hits, Since: since}}
	}
	if r := h.rates(); r.over != 0 || r.perSecond(5) != 0 {
		t.Errorf("without a report: %+v", r)
	}
	for s := range 100 {
		h.add(report(s, int64(s*10), topStart))
	}
	if r := h.rates(); r.over != topWindow || r.hits != 600 || r.perSecond(r.hits) != 10 {
		t.Errorf("after 100 s: %+v", r)
	}
	h.add(report(101, 3, topStart.Add(100*time.Second)))
	if r := h.rates(); len(h) != 1 || r.hits != 0 {
		t.Errorf("after a restart: %d samples, %+v", len(h), r)
	}
	h.add(report(101, 4, topStart.Add(100*time.Second)))
	if len(h) != 1 {
		t.Error("two samples of one moment")
	}
}

// serveTop serves reports of a fixed pool and returns its data directory.
func serveTop(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	_, r := topReports()
	m := metrics.New()
	s, err := ops.Open(ops.Options{
		DataDir: dir, Metrics: m, Logger: slog.New(slog.DiscardHandler),
		Status: func() pool.Status {
			m.Event(pool.Event{Kind: pool.EventHit}) // one for each report
			status := r.Pool
			status.At = time.Now()
			return status
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return dir
}

// oneLine stops the command that writes to it after the first write.
type oneLine struct {
	cancel context.CancelFunc
	bytes.Buffer
}

func (o *oneLine) Write(b []byte) (int, error) {
	defer o.cancel()
	return o.Buffer.Write(b)
}

func TestTopCommand(t *testing.T) {
	dir := serveTop(t)
	run := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		code := execute(t.Context(), append([]string{"top", "--data", dir, "--every", "100ms"}, args...), &console{in: strings.NewReader(""), out: &out, err: &errs})
		return code, out.String(), errs.String()
	}
	for _, args := range [][]string{{"--once"}, {}} { // the second: stdout is no terminal
		code, out, errs := run(args...)
		if code != exitOK || !strings.Contains(out, "hits     100.0 %") || !strings.Contains(out, "\nthumbnail  7") || strings.ContainsRune(out, 0x1b) {
			t.Errorf("%v: exit code %d, %s\n%s", args, code, errs, out)
		}
	}
	code, out, errs := run("--once", "--json")
	var r ops.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != exitOK || len(r.Pool.Environments) != 6 {
		t.Errorf("--once --json: exit code %d, %v, %s\n%s", code, err, errs, out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stream := &oneLine{cancel: cancel}
	code = execute(ctx, []string{"top", "--data", dir, "--json"}, &console{in: strings.NewReader(""), out: stream, err: &bytes.Buffer{}})
	if err := json.Unmarshal(stream.Bytes(), &r); err != nil || code != exitOK || strings.Count(stream.String(), "\n") != 1 {
		t.Errorf("--json: exit code %d, %v\n%s", code, err, stream.String())
	}
	if code, _, errs := run("--every", "1ms"); code != exitUsage || !strings.Contains(errs, "at least 100ms") {
		t.Errorf("--every 1ms: exit code %d, %s", code, errs)
	}
	dir = t.TempDir()
	if code, out, errs := run(); code != exitUnreachable || out != "" ||
		!strings.Contains(errs, "no server runs with this data directory: "+dir) || !strings.Contains(errs, "→ start one with thaw serve") {
		t.Errorf("without a server: exit code %d, %s%s", code, out, errs)
	}
}

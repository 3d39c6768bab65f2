package telemetry_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/telemetry"
)

var at = time.Date(2026, 11, 23, 4, 5, 6, 789_000_000, time.FixedZone("", 3600))

// samples are one or more of every kind of record.
func samples() []telemetry.Record {
	ms := func(f float64) telemetry.Millis { return telemetry.Millis(f * float64(time.Millisecond)) }
	const id = "79b4f56e-95b1-4643-9700-2807f4e68189"
	tracing := &telemetry.Tracing{SpanID: "54565fb41ac79632", Type: telemetry.TracingType, Value: "Root=1-a;Parent=54565fb41ac79632;Sampled=1"}
	spans := []telemetry.Span{telemetry.NewSpan(telemetry.SpanResponseLatency, at, 23020*time.Microsecond)}
	report := telemetry.Report{RequestID: id, Status: telemetry.Success, Metrics: telemetry.ReportMetrics{
		Duration: ms(12.3456), MemoryMB: 128, PeakMB: 40,
	}}
	report.Metrics.Bill()
	cold, restored, failed, traced := report, report, report, report
	cold.Metrics.Init, restored.Metrics.Restore = ms(100.5), ms(30.25)
	cold.Metrics.Bill()
	restored.Metrics.Bill()
	failed.Status, failed.ErrorType = telemetry.Failure, "Runtime.ExitError"
	traced.Spans, traced.Tracing, traced.Segment = spans, tracing, telemetry.Segment{TraceID: "1-a", ID: "54565fb41ac79632"}
	timeout := failed
	timeout.Status, timeout.ErrorType = telemetry.Timeout, "Sandbox.Timedout"
	init := func(s telemetry.Status, errorType, kind string) telemetry.InitReport {
		return telemetry.InitReport{
			InitializationType: kind, Phase: "init", Status: s, ErrorType: errorType,
			Metrics: telemetry.InitMetrics{Duration: ms(9999.694)},
		}
	}
	return []telemetry.Record{
		telemetry.InitStart{
			InitializationType: "on-demand", Phase: "init", RuntimeVersion: "python:3.11.7", RuntimeVersionARN: "arn:aws:lambda:us-east-1::runtime:0",
			FunctionName: "f", FunctionVersion: "$LATEST", FunctionARN: "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST",
			InstanceID: "sb-1", InstanceMaxMemory: 128,
		},
		telemetry.InitStart{InitializationType: "on-demand", Phase: "invoke", FunctionName: "f", FunctionVersion: "1", InstanceID: "sb-1", InstanceMaxMemory: 128},
		telemetry.InitRuntimeDone{InitializationType: "on-demand", Phase: "init", Status: telemetry.Success},
		telemetry.InitRuntimeDone{InitializationType: "on-demand", Phase: "init", Status: telemetry.Error, ErrorType: "Runtime.ExitError"},
		init(telemetry.Success, "", "on-demand"), init(telemetry.Success, "", "provisioned-concurrency"),
		init(telemetry.Error, "Runtime.ExitError", "on-demand"), init(telemetry.Timeout, "", "on-demand"),
		telemetry.RestoreStart{RuntimeVersion: "python:3.11.7", RuntimeVersionARN: "arn:x", FunctionName: "f", FunctionVersion: "1", InstanceID: "sb-1", InstanceMaxMemory: 128},
		telemetry.RestoreRuntimeDone{Status: telemetry.Success},
		telemetry.RestoreReport{Status: telemetry.Success, Metrics: telemetry.InitMetrics{Duration: ms(30.25)}},
		telemetry.RestoreReport{Status: telemetry.Error, ErrorType: "Runtime.AfterRestoreError", Metrics: telemetry.InitMetrics{Duration: ms(30.25)}},
		telemetry.Start{RequestID: id, Version: "$LATEST"},
		telemetry.Start{RequestID: id, Version: "$LATEST", TenantID: "blue", Tracing: tracing},
		telemetry.TimedOut{At: at, RequestID: id, After: 3 * time.Second},
		telemetry.RuntimeDone{RequestID: id, Status: telemetry.Success, Spans: spans, Tracing: tracing, Metrics: telemetry.RuntimeDoneMetrics{Duration: ms(23.1), ProducedBytes: 7}},
		telemetry.RuntimeDone{RequestID: id, Status: telemetry.Failure, ErrorType: "Runtime.ExitError"},
		telemetry.End{RequestID: id},
		report, cold, restored, failed, timeout, traced,
		telemetry.Fault("RequestId: " + id + " Process exited before completing request"),
		telemetry.Extension{Name: "spy", State: "Ready", Events: []string{"INVOKE", "SHUTDOWN"}},
		telemetry.Extension{Name: "spy", State: "LaunchError", Events: []string{}, ErrorType: "PermissionDenied"},
		telemetry.Subscription{Name: "spy", State: "Subscribed", Types: []string{"platform", "function"}},
		telemetry.Subscription{Name: "spy", State: "Subscribed", Types: []string{"function"}, Logs: true},
		telemetry.LogsDropped{Records: 2, Bytes: 17, Reason: "slow <reader>"},
	}
}

// TestEvents compares every event's level, line of text and JSON with what is promised.
func TestEvents(t *testing.T) {
	t.Parallel()
	levels := map[telemetry.Level]string{telemetry.Never: "never", telemetry.Debug: "debug", telemetry.Info: "info", telemetry.Warn: "warn"}
	var b strings.Builder
	for _, r := range samples() {
		fmt.Fprintf(&b, "%s\n%q\n", levels[r.Level()], r.Text())
		if r.Type() != "" {
			fmt.Fprintf(&b, "%s\n", telemetry.Encode(at, r))
		}
		b.WriteString("\n")
	}
	const golden = "testdata/events.txt"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("UPDATE=1 writes %s; got:\n%s", golden, b.String())
	}
}

// lines is a Log.
type lines []string

func (l *lines) Printf(format string, args ...any) { *l = append(*l, fmt.Sprintf(format, args...)) }

func TestSystemLogLevel(t *testing.T) {
	t.Parallel()
	start := telemetry.Start{RequestID: "id", Version: "1"}
	failed := telemetry.RuntimeDone{RequestID: "id", Status: telemetry.Error}
	fine := telemetry.RuntimeDone{RequestID: "id", Status: telemetry.Success}
	for name, want := range map[string]int{"DEBUG": 3, "INFO": 2, "": 2, "WARN": 1} {
		var log lines
		j := telemetry.NewJournal(&log, telemetry.FormatOf("JSON", name), nil)
		for _, r := range []telemetry.Record{start, fine, failed, telemetry.End{}, telemetry.TimedOut{}, telemetry.Fault("x")} {
			j.Say(r)
		}
		if len(log) != want || !strings.HasPrefix(log[0], `{"time":"`) {
			t.Errorf("level %q: %q", name, log)
		}
	}
	var log lines
	j := telemetry.NewJournal(&log, telemetry.FormatOf("Text", "WARN"), nil)
	j.Say(start)
	j.Say(failed)
	if !slices.Equal(log, []string{"START RequestId: id Version: 1"}) {
		t.Errorf("text: %q", log)
	}
}

func TestLineLevel(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]telemetry.Level{
		`{"timestamp":"t","level":"DEBUG","message":"m"}`: telemetry.Debug,
		` {"level" : "warn", "timestamp": 1} `:            telemetry.Warn,
		`{"timestamp":"t","level":"WARNING"}`:             telemetry.Warn,
		`{"timestamp":"t","level":"CRITICAL"}`:            telemetry.Fatal,
		`{"timestamp":"t","level":"TRACE"}`:               telemetry.Trace,
		`{"timestamp":"t","level":"ERROR"}`:               telemetry.Err,
		`{"level":"DEBUG"}`:                               0,
		`{"timestamp":"t","level":10}`:                    0,
		`{"timestamp":"t","level":"LOUD"}`:                0,
		`{"timestamp":"t","level":"DEBUG"`:                0,
		`{"timestamp":"t","level"`:                        0,
		`[DEBUG] plain "timestamp" "level":"DEBUG"`:       0,
		``: 0,
	} {
		if got, known := telemetry.LineLevel([]byte(line)); got != want || known != (want != 0) {
			t.Errorf("%s: %v %v, want %v", line, got, known, want)
		}
	}
}

func FuzzLineLevel(f *testing.F) {
	f.Add([]byte(`{"timestamp":"t","level":"DEBUG"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if level, known := telemetry.LineLevel(line); known && (level < telemetry.Trace || level > telemetry.Fatal) {
			t.Errorf("%q has level %d", line, level)
		}
	})
}

// forwarded is a Forwarder.
type forwarded map[int][]string

func (f forwarded) Forward(to []int, event []byte) {
	for _, id := range to {
		f[id] = append(f[id], string(event))
	}
}

// TestSubscribers: each gets the events it asked for, in its API's form, those from before it subscribed too.
func TestSubscribers(t *testing.T) {
	t.Parallel()
	var log lines
	got := forwarded{}
	j := telemetry.NewJournal(&log, telemetry.FormatOf("JSON", "WARN"), got)
	j.SayAt(at, telemetry.InitStart{InitializationType: "on-demand", Phase: "init", FunctionName: "f"})
	j.Line(telemetry.ClassFunction, at, "early")
	all := []string{"platform", "function", "extension"}
	for _, s := range []telemetry.Subscriber{
		{ID: 0, Name: "all", Types: all}, {ID: 1, Name: "old", Types: all, Logs: true}, {ID: 2, Name: "lines", Types: all[1:2]},
		{ID: 3, Name: "gone", Types: all}, {ID: 3, Name: "replaced", Types: all[2:]},
	} {
		if !j.Subscribe(s) {
			t.Fatalf("%s is refused", s.Name)
		}
	}
	for _, bad := range []telemetry.Subscriber{{ID: -1, Types: all}, {ID: telemetry.MaxSubscribers, Types: all}} {
		if j.Subscribe(bad) {
			t.Errorf("id %d is taken", bad.ID)
		}
	}
	j.Settle()
	if j.Subscribe(telemetry.Subscriber{ID: 4, Types: all}) {
		t.Error("subscribed after init")
	}
	for id := range got {
		got[id] = nil
	}
	j.SayAt(at, telemetry.Start{RequestID: "id", Version: "1", Tracing: &telemetry.Tracing{Type: "X", Value: "v"}})
	j.Line(telemetry.ClassFunction, at, `{"level":"INFO"}`)
	j.Line(telemetry.ClassFunction, at, `{"broken"`)
	j.Line(telemetry.ClassExtension, at, "ext")
	j.SayAt(at, telemetry.RuntimeDone{RequestID: "id", Status: telemetry.Success})
	j.SayAt(at, telemetry.TimedOut{})
	j.SayAt(at, telemetry.End{RequestID: "id"})
	const time = `{"time":"2026-11-23T03:05:06.789Z","type":`
	want := forwarded{
		0: {
			time + `"platform.start","record":{"requestId":"id","version":"1","tracing":{"type":"X","value":"v"}}}`,
			time + `"function","record":{"level":"INFO"}}`, time + `"function","record":"{\"broken\""}`, time + `"extension","record":"ext"}`,
			time + `"platform.runtimeDone","record":{"requestId":"id","status":"success","metrics":{"durationMs":0,"producedBytes":0}}}`,
		},
		1: {
			time + `"platform.start","record":{"requestId":"id","version":"1"}}`,
			time + `"function","record":"{\"level\":\"INFO\"}"}`, time + `"function","record":"{\"broken\""}`, time + `"extension","record":"ext"}`,
			time + `"platform.end","record":{"requestId":"id"}}`,
		},
		2: {time + `"function","record":{"level":"INFO"}}`, time + `"function","record":"{\"broken\""}`},
		3: {time + `"extension","record":"ext"}`},
	}
	for id, events := range want {
		if !slices.Equal(got[id], events) {
			t.Errorf("subscriber %d got\n%s\nwant\n%s", id, strings.Join(got[id], "\n"), strings.Join(events, "\n"))
		}
	}
	j.Restart()
	if j.Subscribed() {
		t.Error("subscribed after a restart")
	}
}

func TestWhatCameBeforeTheSubscription(t *testing.T) {
	t.Parallel()
	var log lines
	got := forwarded{}
	j := telemetry.NewJournal(&log, telemetry.FormatOf("", ""), got)
	j.SayAt(at, telemetry.InitStart{FunctionName: "f"})
	for range 600 {
		j.Line(telemetry.ClassFunction, at, strings.Repeat("x", 1000))
	}
	j.Subscribe(telemetry.Subscriber{ID: 0, Name: "spy", Types: []string{"platform", "function"}})
	events := got[0]
	if !strings.Contains(events[0], `"platform.initStart"`) || !strings.Contains(events[1], `"function"`) {
		t.Errorf("it begins with %s", events[:2])
	}
	n := len(events)
	if n > 514 || !strings.Contains(events[n-2], `"platform.logsDropped"`) || !strings.Contains(events[n-1], `"platform.telemetrySubscription","record":{"name":"spy","state":"Subscribed","types":["platform","function"]}`) {
		t.Errorf("%d events, it ends with %s", n, events[n-2:])
	}
	if last := log[len(log)-1]; last != "TELEMETRY\tName: spy\tState: Subscribed\tTypes: [platform, function]" {
		t.Errorf("logged %q", last)
	}
}

func TestTraceHeader(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "",
		"Root=1-a;Parent=b;Sampled=1;Lineage=c:1": "Root=1-a;Parent=b;Sampled=1;Lineage=c:1",
		"Sampled=?; Root=1-a;Self=x;Root=2":       "Root=1-a;Sampled=?;Self=x",
		"nonsense":                                "nonsense=",
	} {
		if got := telemetry.ParseTraceHeader(text).String(); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	h := telemetry.TraceHeader{Root: telemetry.NewTraceRoot(at), Parent: telemetry.NewSegmentID(), Sampled: "1"}
	back, ok := telemetry.FromTraceparent(h.Traceparent())
	if !ok || back != h {
		t.Errorf("%v came back as %v", h, back)
	}
	if got := (telemetry.TraceHeader{Root: "mine", Parent: "p"}).Traceparent(); got != "" {
		t.Errorf("got %q", got)
	}
}

func FuzzTrace(f *testing.F) {
	f.Add("Root=1-a;Parent=b;Sampled=1;Lineage=c:1", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Fuzz(func(t *testing.T, xray, w3c string) {
		text := telemetry.ParseTraceHeader(xray).String()
		if again := telemetry.ParseTraceHeader(text).String(); again != text {
			t.Errorf("%q became %q", text, again)
		}
		if h, ok := telemetry.FromTraceparent(w3c); ok && h.Traceparent() == "" {
			t.Errorf("%q became %v", w3c, h)
		}
	})
}

// BenchmarkSay is the cost of an event without and with a subscriber.
func BenchmarkSay(b *testing.B) {
	for name, subscribed := range map[string]bool{"subscriber=no": false, "subscriber=yes": true} {
		b.Run(name, func(b *testing.B) {
			j := telemetry.NewJournal(nowhere{}, telemetry.FormatOf("", ""), nowhere{})
			if subscribed {
				j.Subscribe(telemetry.Subscriber{Types: []string{telemetry.ClassPlatform}})
			}
			j.Settle()
			b.ReportAllocs()
			for b.Loop() {
				j.Say(telemetry.Start{RequestID: "79b4f56e-95b1-4643-9700-2807f4e68189", Version: "$LATEST"})
			}
		})
	}
}

type nowhere struct{}

func (nowhere) Printf(string, ...any) {}
func (nowhere) Forward([]int, []byte) {}

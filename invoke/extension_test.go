package invoke_test

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/logs"
	"thaw.dev/thaw/pool"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/fake"
	"thaw.dev/thaw/snapshot"
)

// extended plays agent, runtime and one external extension: the event, a JSON string, says what to do.
func extended(in fake.Inside) int {
	control, data := link.NewWriter(in.Control), link.NewWriter(in.Data)
	if !in.Restored {
		_ = control.JSON(link.TypeHello, link.HelloMeta{Version: link.Version})
	}
	var mu sync.Mutex // guards control and era
	era := uint32(0)
	say := func(ty link.Type, m link.ExtensionMeta) {
		mu.Lock()
		defer mu.Unlock()
		m.Era = era
		_ = control.JSON(ty, m)
	}
	slow := make(chan string, 10) // ids of events that the extension is at work on
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(slow)
		for r := link.NewReader(in.Control); ; {
			f, err := r.Next()
			if err != nil {
				_ = in.Data.Close()
				return
			}
			switch f.Type {
			case link.TypePing: // of a copy, whose extension prints something before the host knows that all is well
				mu.Lock()
				_ = control.Frame(link.TypeOutput, 0, []byte("outer goes on"))
				_ = control.Frame(link.TypePong, 0, f.Body)
				mu.Unlock()
			case link.TypeExtend:
				var req link.ExtendRequest
				_ = json.Unmarshal(f.Body, &req)
				_, _ = in.Logs.WriteString("variables: " + strings.Join(req.Env, " ") + "\n")
				mu.Lock()
				era = req.Era
				_ = control.JSON(link.TypeAsk, link.AskMeta{ID: 1, Era: era, Register: &link.Extension{
					Name: "outer", External: true, Events: []string{"INVOKE", "SHUTDOWN"},
				}})
				mu.Unlock()
			case link.TypeAnswer:
				say(link.TypeExtended, link.ExtensionMeta{})
				say(link.TypeListening, link.ExtensionMeta{Name: "outer"})
			case link.TypeHappening:
				var ev link.EventMeta
				_ = json.Unmarshal(f.Body, &ev)
				slow <- ev.ID
			case link.TypeShutdown:
				var req link.ShutdownRequest
				_ = json.Unmarshal(f.Body, &req)
				_, _ = in.Logs.WriteString("told to end: " + string(req.Reason) + "\n")
				say(link.TypeShutDown, link.ExtensionMeta{})
			case link.TypeReset:
				_ = link.NewWriter(in.Data).Frame(link.TypeSync, 0, f.Body) // a writer is for one goroutine
			}
		}
	})
	defer wg.Wait()
	for r := link.NewReader(in.Data); ; {
		f, err := r.Next()
		if err != nil {
			return 0
		}
		if f.Type == link.TypeSpecialise || f.Type == link.TypeSnapshot || f.Type == link.TypeRestored {
			_ = data.Frame(link.TypeReady, 0, nil)
			continue
		}
		meta, payload, _ := link.SplitMeta(f.Body)
		var ev link.EventMeta
		_ = json.Unmarshal(meta, &ev)
		<-slow
		switch string(payload) {
		case `"hang"`:
			continue
		case `"crash"`:
			mu.Lock()
			_ = control.JSON(link.TypeBroken, link.BrokenMeta{Era: era, Name: "outer", Type: link.ExtensionCrash, Message: "exit status 1\n"})
			mu.Unlock()
			continue
		}
		_ = data.Message(link.TypeResult, link.FlagIdle, link.ReplyMeta{ID: ev.ID}, payload)
		if string(payload) == `"late"` {
			time.Sleep(50 * time.Millisecond)
		}
		if string(payload) != `"never"` {
			say(link.TypeListening, link.ExtensionMeta{Name: "outer", After: ev.ID})
		}
	}
}

// lines collects what all environments log.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(events []logs.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range events {
		l.all = append(l.all, e.Message)
	}
}

func (l *lines) count(text string) int { return len(l.with(text)) }

// with returns the lines that have text in them.
func (l *lines) with(text string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.all {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// extendedPool has a function f with a layer, and thus perhaps extensions.
func extendedPool(t *testing.T) (*invoke.Invoker, *pool.Pool, *lines) {
	t.Helper()
	l := &lines{}
	p, fn := extendedPoolWith(t, nil, l.add)
	return newInvokerOf(functions{"f": fn}, p, lambda.NoReservation), p, l
}

func extendedPoolWith(t *testing.T, snapshots *snapshot.Store, sink func([]logs.Event)) (*pool.Pool, *lambda.Config) {
	t.Helper()
	p := pool.Open(pool.Options{
		Engines: []sandbox.Engine{sandbox.Guard(fake.New(fake.Options{Guest: extended}))},
		Launch: func(context.Context, *lambda.Config) (pool.Launch, error) {
			return pool.Launch{Image: "/image", Agent: "/agent", Kind: link.KindFrames, Env: map[string]string{}}, nil
		},
		CodeImage:   func(context.Context, *lambda.Config) (string, error) { return "/dev/null", nil },
		LayersImage: func(context.Context, *lambda.Config) (string, error) { return "/dev/null", nil },
		OpenLog:     func(*lambda.Config) *logs.Stream { return logs.NewStream("g", "n", 4096, sink) },
		Credentials: func(*lambda.Config, bool) pool.Credentials {
			return pool.Credentials{Env: map[string]string{"AWS_ACCESS_KEY_ID": "key"}}
		},
		Region: "us-east-1", MemoryBudget: 1 << 40, KeepAlive: time.Hour, Snapshots: snapshots, Logger: discard,
	})
	t.Cleanup(p.Close)
	return p, &lambda.Config{Account: "0", Name: "f", Version: lambda.Latest, MemoryMB: 128, Timeout: 1, Layers: []lambda.Layer{{}}}
}

// await waits until done.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestExtensionIsPartOfTheInvocation(t *testing.T) {
	t.Parallel()
	i, p, l := extendedPool(t)
	for range 3 {
		begin := time.Now()
		if r := call(t, i, `"late"`); string(r.Payload) != `"late"` || r.FunctionError != "" {
			t.Errorf("got %s", r.Payload)
		}
		if r := call(t, i, `1`); string(r.Payload) != `1` { // waits for the extension, or causes a cold start
			t.Errorf("got %s after %s", r.Payload, time.Since(begin))
		}
		await(t, "counted", func() bool { return len(i.Counts()) == 0 })
	}
	for variable, want := range map[string]bool{
		"AWS_ACCESS_KEY_ID=key": true, "AWS_REGION=us-east-1": true, "AWS_LAMBDA_RUNTIME_API=127.0.0.1:9001": true,
		"AWS_LAMBDA_FUNCTION_NAME=f": true, "AWS_LAMBDA_METADATA_TOKEN=": true,
		"_HANDLER=": false, "AWS_LAMBDA_LOG_GROUP_NAME=": false, "AWS_LAMBDA_LOG_STREAM_NAME=": false, "LAMBDA_TASK_ROOT=": false,
		"LAMBDA_RUNTIME_DIR=": false,
	} {
		if got := l.count(" "+variable)+l.count(": "+variable) > 0; got != want {
			t.Errorf("an extension has %s: %v", variable, got)
		}
	}
	if n := l.count("EXTENSION\tName: outer\tState: Ready\tEvents: [INVOKE, SHUTDOWN]"); n == 0 || n > p.Usage().Environments {
		t.Errorf("%d lines of %d environments", n, p.Usage().Environments)
	}
}

// TestReportHasTheTimeOfExtensions: what they take after the answer is part of the invocation's duration. The caller waits for
// them only if it wants the log with the report.
func TestReportHasTheTimeOfExtensions(t *testing.T) {
	t.Parallel()
	i, _, l := extendedPool(t)
	duration := func(reports []string) (ms float64) {
		t.Helper()
		_, text, _ := strings.Cut(reports[len(reports)-1], "Duration: ")
		text, _, _ = strings.Cut(text, " ms")
		ms, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Errorf("%q: %v", reports, err)
		}
		return ms
	}
	for n, tail := range []bool{false, true, false} {
		r, err := i.Sync(t.Context(), &invoke.Request{ID: "the-id", Account: "0", Function: "f", Payload: []byte(`"late"`), LogTail: tail})
		if err != nil || string(r.Payload) != `"late"` {
			t.Fatalf("%+v, %v", r, err)
		}
		if tail && !strings.Contains(string(r.LogTail), "END RequestId: the-id\nREPORT RequestId: the-id\t") {
			t.Errorf("the tail is %q", r.LogTail)
		}
		await(t, "report", func() bool { return l.count("REPORT RequestId") == n+1 })
		if got := duration(l.with("REPORT RequestId")); got < 50 {
			t.Errorf("the report says %v ms", got)
		}
	}
}

// TestExtensionTakesTooLong: the timeout covers extensions; the caller has its answer already.
func TestExtensionTakesTooLong(t *testing.T) {
	t.Parallel()
	i, p, l := extendedPool(t)
	if r := call(t, i, `"never"`); string(r.Payload) != `"never"` {
		t.Errorf("got %s", r.Payload)
	}
	await(t, "shutdown because of a timeout", func() bool { return l.count("told to end: timeout") == 1 })
	if report := l.with("REPORT RequestId"); len(report) != 1 || !strings.HasSuffix(report[0], "\tStatus: timeout\tError Type: Sandbox.Timedout\t") || l.count("Task timed out after 1.00 seconds") != 1 {
		t.Errorf("reports %q", report)
	}
	await(t, "environment is free", func() bool { return len(i.Counts()) == 0 })
	if r := call(t, i, `2`); string(r.Payload) != `2` || p.Usage().Environments != 1 {
		t.Errorf("after the reset: %s in one of %d", r.Payload, p.Usage().Environments)
	}
	if n := l.count("EXTENSION\t"); n != 2 { // of both inits
		t.Errorf("%d lines", n)
	}
}

func TestExtensionFailures(t *testing.T) {
	t.Parallel()
	for event, c := range map[string]struct{ payload, reason string }{
		`"crash"`: {`{"errorType":"Extension.Crash","errorMessage":"RequestId: the-id Error: exit status 1 "}`, "failure"},
		`"hang"`:  {`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: the-id Error: Task timed out after 1.00 seconds"}`, "timeout"},
	} {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			i, _, l := extendedPool(t)
			if r := call(t, i, event); string(r.Payload) != c.payload || r.FunctionError != "Unhandled" {
				t.Errorf("got %s", r.Payload)
			}
			await(t, "shutdown", func() bool { return l.count("told to end: "+c.reason) == 1 })
			if r := call(t, i, `3`); string(r.Payload) != `3` {
				t.Errorf("after it: %s", r.Payload)
			}
		})
	}
}

// TestSpindown: whatever ends an environment that works, its extension is told first.
func TestSpindown(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(p *pool.Pool){
		"retired": func(p *pool.Pool) { p.Retire("0", "f", "") },
		"closed":  func(p *pool.Pool) { p.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i, p, l := extendedPool(t)
			call(t, i, `1`)
			await(t, "idle", func() bool { return p.Usage().Idle == 1 })
			await(t, "frozen", func() bool { return p.Status().Environments[0].State == pool.StateFrozen })
			end(p)
			await(t, "shutdown", func() bool { return l.count("told to end: spindown") == 1 })
			await(t, "memory given back", func() bool { return p.Usage().Environments == 0 })
		})
	}
}

// TestSnapshotWithAnExtension: a copy's host goes on with the extension that registered before the snapshot.
func TestSnapshotWithAnExtension(t *testing.T) {
	t.Parallel()
	store, err := snapshot.Open(t.TempDir(), snapshot.Options{MaxBytes: 1 << 30, Logger: discard})
	if err != nil {
		t.Fatal(err)
	}
	l := &lines{}
	p, fn := extendedPoolWith(t, store, l.add)
	if err := p.Optimise(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
	if p.Usage().ReservedBytes != 0 {
		t.Errorf("%d bytes stay reserved", p.Usage().ReservedBytes)
	}
	fn.Optimized = true
	i := newInvokerOf(functions{"f": fn}, p, lambda.NoReservation)
	for range 2 { // is told, and answers only then
		if r := call(t, i, `1`); string(r.Payload) != `1` {
			t.Errorf("got %s", r.Payload)
		}
		await(t, "idle", func() bool { return p.Usage().Idle == 1 })
	}
	if es := p.Status().Environments; len(es) != 1 || es[0].Source != pool.SourceSnapshot {
		t.Errorf("%+v", es)
	}
	if l.count("outer goes on") != 1 || l.count("EXTENSION\t") != 0 || l.count("variables: ") != 1 {
		t.Errorf("%q", l.all)
	}
	call(t, i, `"crash"`) // a reset starts it again
	if r := call(t, i, `2`); string(r.Payload) != `2` || l.count("told to end: failure") != 1 || l.count("variables: ") != 2 {
		t.Errorf("after a crash: %s, %q", r.Payload, l.all)
	}
	p.Retire("0", "f", "")
	await(t, "shutdown", func() bool { return l.count("told to end: spindown") == 1 })
}

package invoke_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/logs"
	"thaw.dev/thaw/pool"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/fake"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// actor plays agent and runtime: the event, a JSON string, says what to do.
func actor(in fake.Inside) int {
	control, data := link.NewWriter(in.Control), link.NewWriter(in.Data)
	_ = control.JSON(link.TypeHello, link.HelloMeta{Version: link.Version})
	runs, resets := make(chan uint32, 10), make(chan []byte, 10)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(runs)
		for r := link.NewReader(in.Control); ; {
			f, err := r.Next()
			if err != nil {
				return
			}
			switch f.Type {
			case link.TypeStart:
				var req link.StartRequest
				_ = json.Unmarshal(f.Body, &req)
				runs <- req.Run
			case link.TypeReset:
				resets <- append([]byte(nil), f.Body...)
				_ = in.Data.SetReadDeadline(time.Unix(1, 0))
			}
		}
	})
	defer func() {
		_ = in.Control.Close()
		wg.Wait()
	}()
	r, run := link.NewReader(in.Data), uint32(0)
	for {
		f, err := r.Next()
		if err != nil {
			select {
			case nonce := <-resets:
				_ = in.Data.SetReadDeadline(time.Time{})
				_ = data.Frame(link.TypeSync, 0, nonce)
				continue
			default:
			}
			return 0
		}
		if f.Type == link.TypeSpecialise {
			run = <-runs
			_ = data.Frame(link.TypeReady, 0, nil)
			continue
		}
		meta, payload, _ := link.SplitMeta(f.Body)
		var ev link.EventMeta
		_ = json.Unmarshal(meta, &ev)
		reply := link.ReplyMeta{ID: ev.ID}
		switch string(payload) {
		case `"exit"`:
			_ = control.JSON(link.TypeExited, link.ExitMeta{Run: run, Code: 3})
		case `"signal"`:
			_ = control.JSON(link.TypeExited, link.ExitMeta{Run: run, Code: -1, Signal: "killed"})
		case `"hang"`:
		case `"garbage"`:
			_, _ = in.Data.WriteString("not a frame at all")
		case `"error"`:
			reply.ErrorType = "My Error\n"
			_ = data.Message(link.TypeError, link.FlagIdle, reply, []byte(`{"errorType":"Mine"}`))
		case `"large"`:
			_ = data.Message(link.TypeResult, link.FlagIdle, reply, make([]byte, lambda.MaxResponseBytes+1))
		case `"nothing"`:
			_ = data.Message(link.TypeResult, link.FlagIdle, reply, nil)
		case `"busy"`: // answers and asks for the next event later
			_ = data.Message(link.TypeResult, 0, reply, []byte(`"answered"`))
			time.Sleep(20 * time.Millisecond)
			_ = data.Frame(link.TypeIdle, 0, nil)
		case `"soon"`: // as a custom runtime does
			_ = data.Message(link.TypeResult, 0, reply, []byte(`"answered"`))
			_ = data.Frame(link.TypeIdle, 0, nil)
		case `"linger"`: // answers and never asks for the next event
			_ = data.Message(link.TypeResult, 0, reply, []byte(`"answered"`))
		case `"end"`:
			return 1
		case `"stream"`, `"long"`, `"midway"`, `"cut"`, `"endless"`, `"killed"`:
			_ = data.Message(link.TypeStream, 0, link.ReplyMeta{ID: ev.ID, ContentType: "text/plain"}, nil)
			stream(control, data, string(payload), reply, run)
		default:
			_, _ = in.Logs.WriteString("printed\n")
			_ = data.Message(link.TypeResult, link.FlagIdle, reply, payload)
		}
	}
}

// stream plays a runtime that streams; its stream is open.
func stream(control, data *link.Writer, what string, reply link.ReplyMeta, run uint32) {
	_ = data.Frame(link.TypePart, 0, []byte("one "))
	_ = data.Frame(link.TypePart, 0, []byte("two"))
	switch what {
	case `"long"`: // more than a buffered answer may be
		for range lambda.MaxResponseBytes>>17 + 2 {
			_ = data.Frame(link.TypePart, 0, make([]byte, 1<<17))
		}
	case `"midway"`:
		reply.ErrorType = "Mine"
		_ = data.Message(link.TypeError, link.FlagIdle, reply, []byte(`{"errorType":"Mine"}`))
		return
	case `"killed"`: // a custom runtime whose connection broke
		reply.ErrorType = "Runtime.TruncatedResponse"
		_ = data.Message(link.TypeError, 0, reply, []byte(`{}`))
		_ = control.JSON(link.TypeExited, link.ExitMeta{Run: run, Code: -1, Signal: "killed"})
		return
	case `"cut"`:
		_ = control.JSON(link.TypeExited, link.ExitMeta{Run: run, Code: 3})
		return
	case `"endless"`: // says nothing more
		return
	}
	_ = data.Message(link.TypeResult, link.FlagIdle, reply, nil)
}

type functions map[string]*lambda.Config

func (f functions) Resolve(_, name, _ string) (*lambda.Config, error) {
	if fn := f[name]; fn != nil {
		return fn, nil
	}
	return nil, lambda.Errorf(lambda.KindNotFound, "Function not found: %s", name)
}

var discard = slog.New(slog.DiscardHandler)

func newInvoker(t *testing.T) (*invoke.Invoker, *fake.Engine) {
	t.Helper()
	p, fns, engine := newPool(t)
	return newInvokerOf(fns, p, lambda.NoReservation), engine
}

// newPool returns a pool with the function f.
func newPool(t *testing.T) (*pool.Pool, functions, *fake.Engine) {
	t.Helper()
	engine := fake.New(fake.Options{Guest: actor})
	p := pool.Open(pool.Options{
		Engines: []sandbox.Engine{sandbox.Guard(engine)},
		Launch: func(context.Context, *lambda.Config) (pool.Launch, error) {
			return pool.Launch{Image: "/image", Agent: "/agent", Kind: link.KindFrames, Env: map[string]string{}}, nil
		},
		CodeImage:    func(context.Context, *lambda.Config) (string, error) { return "/dev/null", nil },
		OpenLog:      func(*lambda.Config) *logs.Stream { return logs.NewStream("g", "n", 4096, func([]logs.Event) {}) },
		MemoryBudget: 1 << 40, KeepAlive: time.Hour, Logger: discard,
	})
	t.Cleanup(p.Close)
	fns := functions{"f": {Account: "0", Name: "f", Version: lambda.Latest, MemoryMB: 128, Timeout: 1}}
	return p, fns, engine
}

// newInvokerOf returns an Invoker whose functions all have the reservation.
func newInvokerOf(f invoke.Functions, e invoke.Environments, reserved int) *invoke.Invoker {
	return invoke.New(invoke.Options{
		Functions: f, Environments: e, Shares: fixed{Reserved: reserved, Unreserved: lambda.AccountConcurrency},
		Logger: discard,
	})
}

func call(t *testing.T, i *invoke.Invoker, event string) *invoke.Result {
	t.Helper()
	r, err := i.Sync(t.Context(), &invoke.Request{ID: "the-id", Account: "0", Function: "f", Payload: []byte(event), LogTail: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReportNamesTheEngineIfTheOperatorWantsIt(t *testing.T) {
	t.Parallel()
	for _, wanted := range []bool{true, false} {
		p, fns, _ := newPool(t)
		i := invoke.New(invoke.Options{
			Functions: fns, Environments: p, Shares: fixed{Reserved: lambda.NoReservation, Unreserved: lambda.AccountConcurrency},
			ReportEngine: wanted, Logger: discard,
		})
		log := string(call(t, i, `"exit"`).LogTail)
		if strings.Contains(log, "Engine") != wanted || strings.HasSuffix(strings.TrimRight(log, "\n"), "Error Type: Runtime.ExitError\tEngine: fake\t") != wanted {
			t.Errorf("wanted %v:\n%s", wanted, log)
		}
	}
}

func TestSyncNamesWhatWentWrong(t *testing.T) {
	t.Parallel()
	for event, c := range map[string]struct{ payload, report string }{
		`"exit"`:    {`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: the-id Error: Runtime exited with error: exit status 3"}`, "Status: error\tError Type: Runtime.ExitError\t"},
		`"signal"`:  {`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: the-id Error: Runtime exited with error: signal: killed"}`, "Status: error\tError Type: Runtime.ExitError\t"},
		`"hang"`:    {`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: the-id Error: Task timed out after 1.00 seconds"}`, "Status: timeout\tError Type: Sandbox.Timedout\t"},
		`"garbage"`: {`{"errorType":"Runtime.Unknown","errorMessage":"RequestId: the-id Error: Runtime sent something that is no answer"}`, "Error Type: Runtime.Unknown\t"},
		`"error"`:   {`{"errorType":"Mine"}`, "Status: error\tError Type: MyError\t"},
		`"large"`:   {`{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}`, "Error Type: Function.ResponseSizeTooLarge\t"},
		`"end"`:     {`{"errorType":"Sandbox.Failure","errorMessage":"RequestId: the-id Error: The execution environment ended unexpectedly"}`, "Error Type: Sandbox.Failure\t"},
	} {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			i, _ := newInvoker(t)
			r := call(t, i, event)
			if string(r.Payload) != c.payload || r.FunctionError != "Unhandled" {
				t.Errorf("got %q %s", r.FunctionError, r.Payload)
			}
			if !strings.Contains(string(r.LogTail), c.report) {
				t.Errorf("log:\n%s", r.LogTail)
			}
			if r := call(t, i, `"fine"`); string(r.Payload) != `"fine"` || r.FunctionError != "" {
				t.Errorf("the next invocation: %q %s", r.FunctionError, r.Payload)
			}
			if left := i.Counts(); len(left) > 0 {
				t.Errorf("counted for ever: %v", left)
			}
		})
	}
}

func TestSyncOutOfMemory(t *testing.T) {
	t.Parallel()
	i, engine := newInvoker(t)
	call(t, i, `1`)
	engine.Sandboxes()[0].SetStats(sandbox.Stats{PeakMemoryBytes: 500 << 20, OOMKills: 1})
	r := call(t, i, `"signal"`)
	if want := `{"errorType":"Runtime.OutOfMemory","errorMessage":"RequestId: the-id Error: Runtime exited with error: signal: killed"}`; string(r.Payload) != want {
		t.Errorf("got %s", r.Payload)
	}
	if r := call(t, i, `"exit"`); !strings.Contains(string(r.Payload), "exit status 3") {
		t.Errorf("an exit after an old OOM kill: %s", r.Payload)
	}
}

func TestSyncLog(t *testing.T) {
	t.Parallel()
	i, _ := newInvoker(t)
	want := regexp.MustCompile(`^START RequestId: the-id Version: \$LATEST
printed
END RequestId: the-id
REPORT RequestId: the-id	Duration: \d+\.\d\d ms	Billed Duration: \d+ ms	Memory Size: 128 MB	Max Memory Used: \d+ MB	(Init Duration: \d+\.\d\d ms	)?
$`)
	for _, cold := range []bool{true, false} {
		r := call(t, i, `{}`)
		m := want.FindSubmatch(r.LogTail)
		if m == nil || (len(m[1]) > 0) != cold {
			t.Errorf("cold %v, log:\n%s", cold, r.LogTail)
		}
		if phases := len(r.Phases); (phases == 4) != cold || r.Phases[phases-1].Name != "invoke" {
			t.Errorf("cold %v, phases %v", cold, r.Phases)
		}
	}
}

func TestSyncNothingIsNull(t *testing.T) {
	t.Parallel()
	i, _ := newInvoker(t)
	if r := call(t, i, `"nothing"`); string(r.Payload) != "null" {
		t.Errorf("got %q", r.Payload)
	}
}

func TestSyncDoesNotReuseARuntimeThatIsStillBusy(t *testing.T) {
	t.Parallel()
	i, _ := newInvoker(t)
	for range 3 {
		if r := call(t, i, `"busy"`); string(r.Payload) != `"answered"` {
			t.Errorf("got %s", r.Payload)
		}
	}
}

func TestSyncPassesOnWhatResolveSays(t *testing.T) {
	t.Parallel()
	i, _ := newInvoker(t)
	_, err := i.Sync(t.Context(), &invoke.Request{Function: "nope"})
	if lambda.KindOf(err) != lambda.KindNotFound {
		t.Errorf("got %v", err)
	}
}

// nobodyFree is a pool in which every caller waits.
type nobodyFree struct{ *pool.Pool }

func (nobodyFree) Acquire(ctx context.Context, _ *lambda.Config) (*pool.Environment, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestSyncThrottlesAtTheAccountsLimit(t *testing.T) {
	t.Parallel()
	i := newInvokerOf(functions{"f": {}}, nobodyFree{}, lambda.NoReservation)
	for range 2 { // the second time shows that what was counted was given back
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		throttled := make(chan error, 1)
		for range lambda.AccountConcurrency + 1 {
			wg.Go(func() {
				if _, err := i.Sync(ctx, &invoke.Request{Account: "0", Function: "f"}); lambda.KindOf(err) == lambda.KindThrottled {
					throttled <- err
				}
			})
		}
		if e := (<-throttled).(*lambda.Error); e.Reason != "ConcurrentInvocationLimitExceeded" || e.Msg != "Rate Exceeded." {
			t.Errorf("got %+v", e)
		}
		cancel()
		wg.Wait()
		if len(throttled) > 0 {
			t.Error("more than one of 1,001 was throttled")
		}
	}
}

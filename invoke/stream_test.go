package invoke_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/sandbox"
)

// sink remembers what it got.
type sink struct {
	heads []invoke.StreamHead
	text  strings.Builder
	fails bool // refuses all writes
	tries int
	begun func() // may be nil
}

func (s *sink) Begin(h invoke.StreamHead) {
	s.heads = append(s.heads, h)
	if s.begun != nil {
		s.begun()
	}
}

func (s *sink) Write(p []byte, by time.Time) error {
	s.tries++
	switch {
	case s.fails:
		return errors.New("nobody is there")
	case len(p) == 0 || len(p) > 64<<10 || !by.After(time.Now()):
		return errors.New("not as promised")
	}
	s.text.Write(p)
	return nil
}

func streamed(t *testing.T, i *invoke.Invoker, event string, to *sink) *invoke.StreamResult {
	t.Helper()
	r, err := i.Stream(t.Context(), &invoke.Request{ID: "the-id", Account: "0", Function: "f", Payload: []byte(event), LogTail: true}, to)
	if err != nil {
		t.Fatal(err)
	}
	if r.Begun != (len(to.heads) == 1) || len(to.heads) > 1 || r.ExecutedVersion != lambda.Latest {
		t.Errorf("%+v after %d heads", r, len(to.heads))
	}
	if (r.ErrorType == "") != (len(r.ErrorPayload) == 0) {
		t.Errorf("%q %s", r.ErrorType, r.ErrorPayload)
	}
	if !strings.Contains(string(r.LogTail), "REPORT RequestId: the-id\t") {
		t.Errorf("log:\n%s", r.LogTail)
	}
	return r
}

// warm reports whether an answer came from an environment that was there already.
func warm(s *sink) bool {
	p := s.heads[0].Phases
	return len(p) == 0 || p[0].Name == invoke.PhaseThaw
}

func TestStream(t *testing.T) {
	t.Parallel()
	for event, c := range map[string]struct{ text, contentType, errorType, payload string }{
		`"stream"`:  {"one two", "text/plain", "", ""},
		`"midway"`:  {"one two", "text/plain", "Mine", `{"errorType":"Mine"}`},
		`"cut"`:     {"one two", "text/plain", "Runtime.ExitError", "exit status 3"},
		`"killed"`:  {"one two", "text/plain", "Runtime.TruncatedResponse", "{}"},
		`"endless"`: {"one two", "text/plain", "Sandbox.Timedout", "Task timed out after 1.00 seconds"},
		`"whole"`:   {`"whole"`, "application/json", "", ""},
		`"nothing"`: {"null", "application/json", "", ""},
		`"soon"`:    {`"answered"`, "application/json", "", ""},
		`"error"`:   {"", "", "MyError", `{"errorType":"Mine"}`},
		`"exit"`:    {"", "", "Runtime.ExitError", "exit status 3"},
	} {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			i, _ := newInvoker(t)
			to := &sink{}
			r := streamed(t, i, event, to)
			if to.text.String() != c.text || r.ErrorType != c.errorType || !strings.Contains(string(r.ErrorPayload), c.payload) || r.Bytes != int64(len(c.text)) {
				t.Errorf("%q, %+v", to.text.String(), r)
			}
			if r.Begun && (to.heads[0].ExecutedVersion != lambda.Latest || to.heads[0].ContentType != c.contentType || len(to.heads[0].Phases) != 3) {
				t.Errorf("head %+v", to.heads[0])
			}
			again := &sink{}
			if streamed(t, i, `"stream"`, again); again.text.String() != "one two" {
				t.Errorf("the next invocation: %q", again.text.String())
			}
			if event == `"killed"` || event == `"soon"` {
				return // the environment comes back later
			}
			if !warm(again) {
				t.Errorf("the next invocation: %+v", again.heads)
			}
			if left := i.Counts(); len(left) > 0 {
				t.Errorf("counted for ever: %v", left)
			}
		})
	}
}

func TestSyncCollectsAStream(t *testing.T) {
	t.Parallel()
	i, _ := newInvoker(t)
	if r := call(t, i, `"stream"`); string(r.Payload) != "one two" || r.FunctionError != "" || r.StreamedBytes != 7 {
		t.Errorf("%+v", r)
	}
	if r := call(t, i, `"midway"`); string(r.Payload) != `{"errorType":"Mine"}` || r.FunctionError != "Unhandled" {
		t.Errorf("%+v", r)
	}
	if r := call(t, i, `"long"`); !strings.Contains(string(r.Payload), `"Function.ResponseSizeTooLarge"`) || r.FunctionError != "Unhandled" {
		t.Errorf("%+v", r)
	}
}

// Who leaves ends nothing: the environment serves the next one, and no second is started.
func TestStreamWithoutAnybody(t *testing.T) {
	t.Parallel()
	i, engine := newInvoker(t)
	to := &sink{fails: true}
	r := streamed(t, i, `"long"`, to)
	if r.ErrorType != "" || r.Bytes < lambda.MaxResponseBytes || to.tries != 1 {
		t.Errorf("%+v after %d tries", r, to.tries)
	}
	if to = (&sink{}); streamed(t, i, `"stream"`, to).Bytes != 7 || !warm(to) {
		t.Errorf("the next invocation: %+v", to.heads)
	}
	if n := len(engine.Sandboxes()); n != 1 {
		t.Errorf("%d sandboxes", n)
	}
}

func TestStreamOutOfMemory(t *testing.T) {
	t.Parallel()
	i, engine := newInvoker(t)
	for n, event := range []string{`"cut"`, `"killed"`} {
		to := &sink{begun: func() {
			engine.Sandboxes()[0].SetStats(sandbox.Stats{PeakMemoryBytes: 128 << 20, OOMKills: n + 1})
		}}
		if r := streamed(t, i, event, to); r.ErrorType != "Runtime.OutOfMemory" || !strings.Contains(string(r.ErrorPayload), "signal: killed") {
			t.Errorf("%s: %+v", event, r)
		}
	}
}

func TestStreamErrors(t *testing.T) {
	t.Parallel()
	i, _ := newInvoker(t)
	to := &sink{}
	_, err := i.Stream(t.Context(), &invoke.Request{Account: "0", Function: "none"}, to)
	if e, ok := errors.AsType[*lambda.Error](err); !ok || e.Kind != lambda.KindNotFound || len(to.heads) > 0 {
		t.Errorf("%v", err)
	}
}

// The first StreamBurst bytes pass at once, later ones at the rate.
func TestStreamRate(t *testing.T) {
	t.Parallel()
	p, fns, _ := newPool(t)
	fns["f"].Timeout = 30
	const rate = 2 << 20
	i := invoke.New(invoke.Options{
		Functions: fns, Environments: p, Shares: fixed{Reserved: lambda.NoReservation, Unreserved: lambda.AccountConcurrency},
		StreamRate: rate, Logger: discard,
	})
	streamed(t, i, `"stream"`, &sink{}) // warm
	var begun time.Time
	to := &sink{begun: sync.OnceFunc(func() { begun = time.Now() })}
	r := streamed(t, i, `"long"`, to)
	took, least := time.Since(begun), time.Duration(float64(r.Bytes-invoke.StreamBurst)/rate*float64(time.Second))
	if least <= 0 || took < least {
		t.Errorf("%d bytes took %s, at least %s", r.Bytes, took, least)
	}
}

// A function whose time is over while it waits for the rate has timed out, and its caller is told.
func TestStreamRateEndsWithTheFunctionsTime(t *testing.T) {
	t.Parallel()
	p, fns, _ := newPool(t)
	i := invoke.New(invoke.Options{
		Functions: fns, Environments: p, Shares: fixed{Reserved: lambda.NoReservation, Unreserved: lambda.AccountConcurrency},
		StreamRate: 1 << 10, Logger: discard,
	})
	to := &sink{}
	if r := streamed(t, i, `"long"`, to); r.ErrorType != "Sandbox.Timedout" || to.text.Len() > invoke.StreamBurst+8<<10 || to.text.Len() < invoke.StreamBurst {
		t.Errorf("%+v after %d bytes", r, to.text.Len())
	}
	if link.MaxStreamBytes <= invoke.StreamBurst {
		t.Error("a stream must outgrow its burst")
	}
}

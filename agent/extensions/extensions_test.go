package extensions_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/agent/extensions"
	"thaw.dev/thaw/agent/http1"
	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/link"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// host lets everybody register until it is told otherwise, and remembers what it heard.
type host struct {
	mu      sync.Mutex
	refusal link.Refusal
	err     error
	said    []string
	n       int
}

func (h *host) say(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said = append(h.said, fmt.Sprintf(format, args...))
}

// heard returns what was said since the last call.
func (h *host) heard() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := strings.Join(h.said, ", ")
	h.said = nil
	return all
}

func (h *host) Register(e link.Extension) (link.AnswerMeta, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil || h.refusal != "" {
		return link.AnswerMeta{Refusal: h.refusal}, h.err
	}
	h.n++
	return link.AnswerMeta{Registered: &link.Registration{
		Identifier: fmt.Sprintf("00000000-0000-4000-8000-%012d", h.n), Function: "f", Version: "1", Handler: "a.b", Account: "123456789012",
	}}, nil
}

func (h *host) Extended()                              { h.say("extended") }
func (h *host) Listening(name, after string)           { h.say("%s listens after %q", name, after) }
func (h *host) Broken(name, errorType, message string) { h.say("%s %s %s", name, errorType, message) }

// request makes "METHOD path" with a body and headers "K: V".
func request(t testing.TB, what, body string, headers ...string) *http1.Request {
	t.Helper()
	method, path, _ := strings.Cut(what, " ")
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s%s HTTP/1.1\r\n", method, extensions.Prefix, path)
	for _, h := range append(headers, fmt.Sprintf("Content-Length: %d", len(body))) {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("\r\n" + body)
	req, err := http1.NewReader(&b).Next()
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func header(a http1.Answer, name string) string { return http1.Header(a.Fields).Get(name) }

// register registers and returns the identifier header.
func register(t testing.TB, r *extensions.Registry, name, events string) string {
	t.Helper()
	a := r.Serve(request(t, "POST register", `{"events":[`+events+`]}`, "Lambda-Extension-Name: "+name))
	if a.Status != 200 {
		t.Fatalf("register %s: %d %s", name, a.Status, a.Body)
	}
	return "Lambda-Extension-Identifier: " + header(a, "Lambda-Extension-Identifier")
}

// next calls event/next in the background, and returns when it waits.
func next(t *testing.T, r *extensions.Registry, h *host, me string) <-chan http1.Answer {
	t.Helper()
	got := make(chan http1.Answer, 1)
	go func() { got <- r.Serve(request(t, "GET event/next", "", me)) }() // ends with the registry
	for deadline := time.Now().Add(10 * time.Second); ; {
		h.mu.Lock()
		n := len(h.said)
		h.mu.Unlock()
		if n > 0 {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing said")
		}
	}
}

func refused(t *testing.T, a http1.Answer, status int, errorType string) {
	t.Helper()
	var e struct{ ErrorMessage, ErrorType string }
	if err := json.Unmarshal(a.Body, &e); err != nil || a.Status != status || e.ErrorType != errorType || e.ErrorMessage == "" {
		t.Errorf("got %d %s, want %d %s", a.Status, a.Body, status, errorType)
	}
}

func TestRegister(t *testing.T) {
	t.Parallel()
	h := &host{}
	r := extensions.New(h)
	defer r.Close()
	r.Launch("outer")
	r.Launch("other")
	r.AllLaunched()
	for _, tt := range []struct {
		name, body, feature string
		status              int
		want                string
	}{
		{"", `{}`, "", 403, "Extension.InvalidExtensionName"},
		{strings.Repeat("x", 256), `{}`, "", 403, "Extension.InvalidExtensionName"},
		{"inner", `{`, "", 403, "InvalidRequestFormat"},
		{"inner", `{"events":"INVOKE"}`, "", 403, "InvalidRequestFormat"},
		{"inner", `{"events":["` + strings.Repeat("x", 70_000) + `"]}`, "", 403, "InvalidRequestFormat"},
		{"inner", `{"events":["SHUTDOWN"]}`, "", 403, "Extension.InvalidEventType"},
		{"inner", `{"events":["invoke"]}`, "", 403, "Extension.InvalidEventType"},
		{"outer", `{"events":["OTHER"]}`, "", 403, "Extension.InvalidEventType"},
		{"outer", `{"events":["INVOKE","SHUTDOWN"]}`, "accountId", 200, `{"functionName":"f","functionVersion":"1","handler":"a.b","accountId":"123456789012"}`},
		{"outer", `{"events":[]}`, "", 403, "Extension.InvalidExtensionState"},
		{"inner", ``, "other, accountId", 200, `{"functionName":"f","functionVersion":"1","handler":"a.b","accountId":"123456789012"}`},
		{"inner", `{}`, "", 403, "Extension.InvalidExtensionState"},
		{"other", `{}`, "", 200, `{"functionName":"f","functionVersion":"1","handler":"a.b"}`},
	} {
		a := r.Serve(request(t, "POST register", tt.body, "Lambda-Extension-Name: "+tt.name, "Lambda-Extension-Accept-Feature: "+tt.feature))
		if a.Status != tt.status || !strings.Contains(string(a.Body), tt.want) {
			t.Errorf("%.20s with %.50s: got %d %s, want %d %s", tt.name, tt.body, a.Status, a.Body, tt.status, tt.want)
		}
	}
	if got := h.heard(); got != "extended" {
		t.Errorf("host heard %s", got)
	}
	for i := range link.MaxExtensions - 3 {
		register(t, r, fmt.Sprint("more-", i), `"INVOKE"`)
	}
	one := request(t, "POST register", "", "Lambda-Extension-Name: one-more")
	refused(t, r.Serve(one), 403, "Extension.TooManyExtensions")
}

func TestHostDecidesWhoRegisters(t *testing.T) {
	t.Parallel()
	for why, want := range map[link.Refusal]string{
		link.RefusalClosed: "Extension.RegistrationClosed", link.RefusalTooMany: "Extension.TooManyExtensions",
		link.RefusalTaken: "Extension.InvalidExtensionState",
	} {
		h := &host{refusal: why}
		r := extensions.New(h)
		refused(t, r.Serve(request(t, "POST register", "", "Lambda-Extension-Name: a")), 403, want)
		h.refusal = ""
		register(t, r, "a", "") // what was refused has left nothing
		r.Close()
	}
	h := &host{err: errors.New("gone")}
	r := extensions.New(h)
	refused(t, r.Serve(request(t, "POST register", "", "Lambda-Extension-Name: a")), 500, "InternalServerError")
	r.Close()
	h.err = nil
	refused(t, r.Serve(request(t, "POST register", "", "Lambda-Extension-Name: a")), 500, "InternalServerError")
}

func TestIdentifiers(t *testing.T) {
	t.Parallel()
	r := extensions.New(&host{})
	defer r.Close()
	r.Launch("not-registered")
	for _, call := range []string{"GET event/next", "POST init/error", "POST exit/error"} {
		refused(t, r.Serve(request(t, call, "")), 403, "Extension.MissingExtensionIdentifier")
		for _, id := range []string{"x", "00000000-0000-4000-8000-00000000000", "{00000000-0000-4000-8000-000000000001}"} {
			refused(t, r.Serve(request(t, call, "", "Lambda-Extension-Identifier: "+id)), 403, "Extension.InvalidExtensionIdentifier")
		}
		refused(t, r.Serve(request(t, call, "", "Lambda-Extension-Identifier: 00000000-0000-4000-8000-000000000001")), 403,
			"Extension.UnknownExtensionIdentifier")
	}
	for _, call := range []string{"GET register", "POST event/next", "POST other", "GET "} {
		refused(t, r.Serve(request(t, call, "")), 404, "NotFound")
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	h := &host{}
	r := extensions.New(h)
	defer r.Close()
	outer := r.Launch("outer")
	r.AllLaunched()
	me, inner := register(t, r, "outer", `"SHUTDOWN","INVOKE","INVOKE"`), register(t, r, "inner", "")
	h.heard()
	waits := next(t, r, h, me)
	if got := h.heard(); got != `outer listens after ""` {
		t.Errorf("host heard %s", got)
	}
	ignored := next(t, r, h, inner)
	h.heard()
	r.Happen(&link.EventMeta{ID: "id-1", DeadlineMS: 1700000000123, ARN: "arn:f", TraceID: "Root=1"})
	a := <-waits
	want := `{"eventType":"INVOKE","deadlineMs":1700000000123,"requestId":"id-1","invokedFunctionArn":"arn:f","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1"}}`
	if a.Status != 200 || string(a.Body) != want || header(a, "Content-Type") != "application/json" || len(header(a, "Lambda-Extension-Event-Identifier")) != 36 {
		t.Errorf("got %d %v %s", a.Status, a.Fields, a.Body)
	}
	waits = next(t, r, h, me)
	if got := h.heard(); got != `outer listens after "id-1"` {
		t.Errorf("host heard %s", got)
	}
	// A newer call takes the older one's place, and the host hears nothing of it.
	newer := make(chan http1.Answer, 1)
	go func() { newer <- r.Serve(request(t, "GET event/next", "", me)) }()
	refused(t, <-waits, 403, "Extension.InvalidExtensionState")

	told, others := r.End(link.ReasonTimeout, time.UnixMilli(1700000000999))
	if len(told) != 1 || told[0] != outer || len(others) != 0 {
		t.Errorf("told %v, not %v", told, others)
	}
	if a := <-newer; string(a.Body) != `{"eventType":"SHUTDOWN","deadlineMs":1700000000999,"shutdownReason":"timeout"}` {
		t.Errorf("got %s", a.Body)
	}
	r.Ended(outer, "exit status 0")
	<-outer.Done()
	r.Close()
	refused(t, <-ignored, 500, "InternalServerError")
	if got := h.heard(); got != "" {
		t.Errorf("host heard %s", got)
	}
}

// TestEventBeforeNext: what happens while an extension is at work waits for it.
func TestEventBeforeNext(t *testing.T) {
	t.Parallel()
	h := &host{}
	r := extensions.New(h)
	defer r.Close()
	r.Launch("outer")
	r.AllLaunched()
	me := register(t, r, "outer", `"SHUTDOWN"`)
	r.End(link.ReasonSpindown, time.Now())
	if a := r.Serve(request(t, "GET event/next", "", me)); !strings.Contains(string(a.Body), `"spindown"`) {
		t.Errorf("got %s", a.Body)
	}
}

// TestOrderOfCalls walks the table of state.go: every call in every state.
func TestOrderOfCalls(t *testing.T) {
	t.Parallel()
	fail := "Lambda-Extension-Function-Error-Type: Mine.Bad"
	states := map[string]func(r *extensions.Registry, h *host, e *extensions.Extension, me string){
		"registered": func(*extensions.Registry, *host, *extensions.Extension, string) {},
		"listening": func(r *extensions.Registry, h *host, _ *extensions.Extension, me string) {
			next(t, r, h, me)
		},
		"working": func(r *extensions.Registry, h *host, _ *extensions.Extension, me string) {
			waits := next(t, r, h, me)
			r.Happen(&link.EventMeta{ID: "id"})
			<-waits
		},
		"failed": func(r *extensions.Registry, _ *host, _ *extensions.Extension, me string) {
			r.Serve(request(t, "POST exit/error", "{}", me, fail))
		},
		"ended": func(r *extensions.Registry, _ *host, e *extensions.Extension, _ string) { r.Ended(e, "exit status 0") },
	}
	for _, tt := range []struct {
		state, call string
		status      int
		says        string
	}{
		{"registered", "POST init/error", 202, "e Extension.InitError Mine.Bad"},
		{"registered", "POST exit/error", 202, "e Extension.ExitError Mine.Bad"},
		{"listening", "POST init/error", 403, ""},
		{"listening", "POST exit/error", 202, "e Extension.ExitError Mine.Bad"},
		{"working", "POST init/error", 403, ""},
		{"working", "POST exit/error", 202, "e Extension.ExitError Mine.Bad"},
		{"failed", "GET event/next", 403, ""},
		{"failed", "POST init/error", 403, ""},
		{"failed", "POST exit/error", 403, ""},
		{"ended", "GET event/next", 403, ""},
		{"ended", "POST exit/error", 403, ""},
	} {
		t.Run(tt.state+" "+tt.call, func(t *testing.T) {
			h := &host{}
			r := extensions.New(h)
			defer r.Close()
			e := r.Launch("e")
			r.AllLaunched()
			me := register(t, r, "e", `"INVOKE"`)
			h.heard()
			states[tt.state](r, h, e, me)
			h.heard()
			a := r.Serve(request(t, tt.call, "{}", me, fail))
			if tt.status == 403 {
				refused(t, a, 403, "Extension.InvalidExtensionState")
			} else if a.Status != tt.status || string(a.Body) != `{"status":"OK"}` {
				t.Errorf("got %d %s", a.Status, a.Body)
			}
			if got := h.heard(); got != tt.says {
				t.Errorf("host heard %q, want %q", got, tt.says)
			}
		})
	}
	r := extensions.New(&host{})
	defer r.Close()
	me := register(t, r, "e", "")
	for _, call := range []string{"POST init/error", "POST exit/error"} {
		refused(t, r.Serve(request(t, call, "{}", me)), 403, "Extension.MissingHeader")
	}
}

func TestCrash(t *testing.T) {
	t.Parallel()
	h := &host{}
	r := extensions.New(h)
	defer r.Close()
	a, b, c := r.Launch("a"), r.Launch("b"), r.Launch("c")
	r.AllLaunched()
	me := register(t, r, "b", "")
	r.Ended(a, "exit status 3")
	if got := h.heard(); got != "a Extension.Crash exit status 3" {
		t.Errorf("host heard %s", got)
	}
	r.Serve(request(t, "POST init/error", "", me, "Lambda-Extension-Function-Error-Type: X"))
	r.Ended(b, "exit status 1") // that was to be expected
	if got := h.heard(); got != "b Extension.InitError X" {
		t.Errorf("host heard %s", got)
	}
	r.Quiet()
	r.Ended(c, "signal: killed")
	if got := h.heard(); got != "" {
		t.Errorf("host heard %s", got)
	}
}

// FuzzServe sends arbitrary requests. Whatever they are, the host is asked about sound registrations only and hears of
// no failure that it has no type for.
func FuzzServe(f *testing.F) {
	f.Add("POST", "register", "Lambda-Extension-Name: a", []byte(`{"events":["INVOKE"]}`))
	f.Add("POST", "init/error", "Lambda-Extension-Identifier: 00000000-0000-4000-8000-000000000001", []byte(`{}`))
	f.Add("POST", "exit/error", "Lambda-Extension-Function-Error-Type: x", []byte(`{}`))
	f.Add("GET", "event/next", "Lambda-Extension-Identifier: x", []byte(nil))
	f.Fuzz(func(t *testing.T, method, path, field string, body []byte) {
		var in bytes.Buffer
		fmt.Fprintf(&in, "%s %s%s HTTP/1.1\r\n%s\r\nContent-Length: %d\r\n\r\n%s", method, extensions.Prefix, path, field, len(body), body)
		req, err := http1.NewReader(struct {
			io.Reader
			io.Writer
		}{&in, io.Discard}).Next()
		if err != nil || !strings.HasPrefix(req.Path, extensions.Prefix) {
			return
		}
		h := &host{}
		r := extensions.New(h)
		r.Launch("outer")
		r.AllLaunched()
		register(t, r, "outer", "")
		answered := make(chan http1.Answer, 1)
		go func() { answered <- r.Serve(req) }()
		if method == "GET" && strings.HasSuffix(req.Path, "event/next") {
			r.End(link.ReasonSpindown, time.Now())
			r.Close()
		}
		a := <-answered
		r.Close()
		if a.Status < 200 || a.Status > 500 || !json.Valid(a.Body) {
			t.Errorf("answer %d %q", a.Status, a.Body)
		}
		for _, said := range strings.Split(h.heard(), ", ") {
			if strings.Contains(said, "Extension.") && !strings.Contains(said, link.ExtensionInitError) && !strings.Contains(said, link.ExtensionExitError) {
				t.Errorf("host heard %q", said)
			}
		}
	})
}

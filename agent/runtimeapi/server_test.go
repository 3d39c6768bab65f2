package runtimeapi_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/agent/runtimeapi"
	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// message is what the server handed to Send.
type message struct {
	Type    link.Type
	Meta    link.ReplyMeta
	Payload string
}

// world is a server, the host behind it and the runtime before it.
type world struct {
	t    *testing.T
	api  *runtimeapi.Server
	addr string
	sent chan message
	http *http.Client

	snapStart bool
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOf(t, false)
}

// newWorldOf returns a world whose runtime may wait for a restore, or not.
func newWorldOf(t *testing.T, snapStart bool) *world {
	t.Helper()
	w := &world{t: t, sent: make(chan message, 16), snapStart: snapStart}
	return w.open(func(ty link.Type, meta *link.ReplyMeta, payload []byte) error {
		m := message{Type: ty, Payload: string(payload)}
		if meta != nil {
			m.Meta = *meta
		}
		w.sent <- m
		return nil
	})
}

func (w *world) open(send runtimeapi.Send) *world {
	w.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.api = runtimeapi.New(ln, send, runtimeapi.NotFound)
	w.api.Serves(w.snapStart)
	w.addr = ln.Addr().String()
	served := make(chan struct{})
	go func() {
		defer close(served)
		w.api.Serve()
	}()
	transport := &http.Transport{}
	w.http = &http.Client{Transport: transport}
	w.t.Cleanup(func() {
		w.api.Close()
		<-served
		transport.CloseIdleConnections()
	})
	return w
}

func (w *world) deliver(id string) {
	w.t.Helper()
	if err := w.api.Deliver(eventOf(id)); err != nil {
		w.t.Fatal(err)
	}
}

func eventOf(id string) *link.Event {
	return &link.Event{EventMeta: link.EventMeta{ID: id, DeadlineMS: 1700000000123, ARN: "arn:f"}, Payload: []byte(`{"n":1}`)}
}

func (w *world) expect(want message) {
	w.t.Helper()
	if got := <-w.sent; got != want {
		w.t.Errorf("host got type %#x, meta %+v, payload %.100q\nwant     type %#x, meta %+v, payload %.100q",
			got.Type, got.Meta, got.Payload, want.Type, want.Meta, want.Payload)
	}
}

func (w *world) silent() {
	w.t.Helper()
	select {
	case m := <-w.sent:
		w.t.Errorf("unexpected message %#x %+v", m.Type, m.Meta)
	default:
	}
}

// answer is an answer of the API.
type answer struct {
	status int
	header http.Header
	body   string
}

const base = "/2018-06-01/runtime/"

// call runs "METHOD path" with a body and headers "K: V".
func (w *world) call(what, body string, headers ...string) answer {
	w.t.Helper()
	a, err := w.try(what, strings.NewReader(body), headers...)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) try(what string, body io.Reader, headers ...string) (answer, error) {
	method, path, _ := strings.Cut(what, " ")
	if !strings.HasPrefix(path, "/") {
		path = base + path
	}
	req, err := http.NewRequest(method, "http://"+w.addr+path, body)
	if err != nil {
		return answer{}, err
	}
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		req.Header.Set(k, v)
	}
	res, err := w.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(b)}, err
}

// refused checks a refusal's status and type.
func (w *world) refused(a answer, status int, errorType string) {
	w.t.Helper()
	var e struct{ ErrorMessage, ErrorType string }
	if err := json.Unmarshal([]byte(a.body), &e); err != nil {
		w.t.Errorf("body %q: %v", a.body, err)
	}
	if a.status != status || e.ErrorType != errorType || e.ErrorMessage == "" {
		w.t.Errorf("got %d %s, want %d %s", a.status, a.body, status, errorType)
	}
	if ct := a.header.Get("Content-Type"); ct != "application/json" {
		w.t.Errorf("content type %q", ct)
	}
}

func (w *world) accepted(a answer) {
	w.t.Helper()
	if a.status != 202 || a.body != `{"status":"OK"}` {
		w.t.Errorf("got %d %s, want 202", a.status, a.body)
	}
}

// ready brings the server to running event id.
func (w *world) ready(id string) {
	w.t.Helper()
	w.readyFor(eventOf(id))
}

// readyFor is ready for an event of the test's own.
func (w *world) readyFor(ev *link.Event) {
	w.t.Helper()
	if err := w.api.Deliver(ev); err != nil { // before next: it comes early
		w.t.Fatal(err)
	}
	if a := w.call("GET invocation/next", ""); a.status != 200 {
		w.t.Fatalf("next: %d %s", a.status, a.body)
	}
	w.expect(message{Type: link.TypeReady})
}

func result(id, payload string) message {
	return message{Type: link.TypeResult, Meta: link.ReplyMeta{ID: id}, Payload: payload}
}

func TestConversation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 3 {
		id := fmt.Sprint("id-", i)
		got := make(chan answer, 1)
		go func() {
			a, err := w.try("GET invocation/next", nil)
			if err != nil {
				t.Error(err)
			}
			got <- a
		}()
		if i == 0 {
			w.expect(message{Type: link.TypeReady})
		} else {
			w.expect(message{Type: link.TypeIdle})
		}
		w.deliver(id)
		a := <-got
		if a.status != 200 || a.body != `{"n":1}` || a.header.Get("Lambda-Runtime-Aws-Request-Id") != id {
			t.Errorf("next: %d %v %q", a.status, a.header, a.body)
		}
		w.accepted(w.call("POST invocation/"+id+"/response", "out", "Content-Type: text/x"))
		m := result(id, "out")
		m.Meta.ContentType = "text/x"
		w.expect(m)
	}
	w.silent()
}

func TestHeadersOfNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ev := &link.Event{EventMeta: link.EventMeta{
		ID: "id", DeadlineMS: 1700000000123, ARN: "arn:f:live", TraceID: "Root=1-2;Sampled=0",
		ClientContext: "{\"a\":\r\n\"b\"}", Identity: `{"cognitoIdentityId":"x"}`, TenantID: "blue",
	}, Payload: []byte(strings.Repeat("x", 100_000))}
	if err := w.api.Deliver(ev); err != nil {
		t.Fatal(err)
	}
	a := w.call("GET invocation/next", "")
	for name, want := range map[string]string{
		"Content-Type":                        "application/json",
		"Lambda-Runtime-Aws-Request-Id":       "id",
		"Lambda-Runtime-Deadline-Ms":          "1700000000123",
		"Lambda-Runtime-Invoked-Function-Arn": "arn:f:live",
		"Lambda-Runtime-Trace-Id":             "Root=1-2;Sampled=0",
		"Lambda-Runtime-Client-Context":       `{"a":  "b"}`,
		"Lambda-Runtime-Cognito-Identity":     `{"cognitoIdentityId":"x"}`,
		"Lambda-Runtime-Aws-Tenant-Id":        "blue",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if a.body != string(ev.Payload) {
		t.Errorf("event of %d bytes, want %d", len(a.body), len(ev.Payload))
	}

	w = newWorld(t)
	w.deliver("id")
	a = w.call("GET invocation/next", "")
	for _, name := range []string{"Lambda-Runtime-Trace-Id", "Lambda-Runtime-Client-Context", "Lambda-Runtime-Cognito-Identity", "Lambda-Runtime-Aws-Tenant-Id"} {
		if _, there := a.header[name]; there {
			t.Errorf("%s is there without a value", name)
		}
	}
}

// TestOrderOfCalls walks the table of state.go: every call in every state.
func TestOrderOfCalls(t *testing.T) {
	t.Parallel()
	states := map[string]func(w *world){
		"starting": func(*world) {},
		"running":  func(w *world) { w.ready("id") },
		"answered": func(w *world) {
			w.ready("id")
			w.accepted(w.call("POST invocation/id/response", "1"))
			w.expect(result("id", "1"))
		},
		"failed": func(w *world) {
			w.accepted(w.call("POST init/error", "{}"))
			w.expect(message{Type: link.TypeInitError, Meta: link.ReplyMeta{ErrorType: "Runtime.Unknown"}, Payload: "{}"})
		},
		"over": func(w *world) {
			w.ready("id")
			w.api.Drain(time.Minute)
		},
	}
	tests := []struct {
		state, call string
		status      int
		errorType   string
		sends       link.Type
	}{
		{"starting", "POST invocation/id/response", 400, "InvalidRequestID", 0},
		{"starting", "POST invocation/id/error", 400, "InvalidRequestID", 0},
		{"starting", "POST init/error", 202, "", link.TypeInitError},
		{"running", "GET invocation/next", 200, "", 0},
		{"running", "POST invocation/id/response", 202, "", link.TypeResult},
		{"running", "POST invocation/id/error", 202, "", link.TypeError},
		{"running", "POST invocation/other/response", 400, "InvalidRequestID", 0},
		{"running", "POST invocation/other/error", 400, "InvalidRequestID", 0},
		{"running", "POST invocation//response", 400, "InvalidRequestID", 0},
		{"running", "POST init/error", 403, "InvalidStateTransition", 0},
		{"answered", "POST invocation/id/response", 400, "InvalidRequestID", 0},
		{"answered", "POST invocation/id/error", 400, "InvalidRequestID", 0},
		{"answered", "POST init/error", 403, "InvalidStateTransition", 0},
		{"failed", "GET invocation/next", 403, "InvalidStateTransition", 0},
		{"failed", "POST init/error", 403, "InvalidStateTransition", 0},
		{"failed", "POST invocation/id/response", 400, "InvalidRequestID", 0},
		{"over", "GET invocation/next", 403, "InvalidStateTransition", 0},
		{"over", "POST invocation/id/response", 403, "InvalidStateTransition", 0},
		{"over", "POST invocation/id/error", 403, "InvalidStateTransition", 0},
		{"over", "POST init/error", 403, "InvalidStateTransition", 0},
		// No state matters.
		{"starting", "GET /ping", 200, "", 0},
		{"over", "GET /ping", 200, "", 0},
		{"starting", "GET restore/next", 404, "NotFound", 0},
		{"starting", "POST restore/error", 404, "NotFound", 0},
		{"starting", "POST invocation/next", 404, "NotFound", 0},
		{"running", "GET invocation/id/response", 404, "NotFound", 0},
		{"running", "PUT invocation/id/response", 404, "NotFound", 0},
		{"running", "POST invocation/id/response/", 404, "NotFound", 0},
		{"running", "POST invocation/id", 404, "NotFound", 0},
		{"starting", "POST /2020-01-01/extension/register", 404, "NotFound", 0},
		{"starting", "GET /", 404, "NotFound", 0},
	}
	for _, tt := range tests {
		t.Run(tt.state+" "+tt.call, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			states[tt.state](w)
			a := w.call(tt.call, "body")
			if tt.errorType != "" {
				w.refused(a, tt.status, tt.errorType)
			} else if a.status != tt.status {
				t.Errorf("got %d %s, want %d", a.status, a.body, tt.status)
			}
			if tt.sends == 0 {
				w.silent()
			} else if m := <-w.sent; m.Type != tt.sends || m.Payload != "body" {
				t.Errorf("host got %#x %q, want %#x", m.Type, m.Payload, tt.sends)
			}
		})
	}
}

func TestPing(t *testing.T) {
	t.Parallel()
	if a := newWorld(t).call("GET /ping", ""); a.body != "pong" {
		t.Errorf("got %q", a.body)
	}
}

func TestErrorTypes(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                     "Runtime.Unknown",
		"Runtime.NoSuchHandler":                "Runtime.NoSuchHandler",
		"Function.MyError":                     "Function.MyError",
		"Function.my_error":                    "Function.Unknown",
		"Function.":                            "Function.Unknown",
		"Runtime.E":                            "Runtime.Unknown",
		"KeyError":                             "Runtime.Unknown",
		"xFunction.MyError":                    "Runtime.Unknown",
		"Runtime.MyError\tother":               "Runtime.Unknown",
		"Runtime." + strings.Repeat("A", 1000): "Runtime.Unknown",
	} {
		w := newWorld(t)
		w.ready("id")
		w.accepted(w.call("POST invocation/id/error", "any text", "Lambda-Runtime-Function-Error-Type: "+in))
		w.expect(message{Type: link.TypeError, Meta: link.ReplyMeta{ID: "id", ErrorType: want}, Payload: "any text"})

		w = newWorld(t)
		w.accepted(w.call("POST init/error", "any text", "Lambda-Runtime-Function-Error-Type: "+in))
		w.expect(message{Type: link.TypeInitError, Meta: link.ReplyMeta{ErrorType: want}, Payload: "any text"})
	}
}

const tooLarge = `{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`

func TestSizes(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"response", "error"} {
		for _, announced := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s announced=%v", verb, announced), func(t *testing.T) {
				t.Parallel()
				post := func(w *world, n int) answer {
					t.Helper()
					var body io.Reader = strings.NewReader(strings.Repeat("x", n))
					if !announced {
						body = io.MultiReader(body) // the client then sends chunks
					}
					a, err := w.try("POST invocation/id/"+verb, body)
					if err != nil {
						t.Fatal(err)
					}
					return a
				}
				w := newWorld(t)
				w.ready("id")
				w.accepted(post(w, lambda.MaxResponseBytes))
				if m := <-w.sent; len(m.Payload) != lambda.MaxResponseBytes {
					t.Errorf("host got %d bytes", len(m.Payload))
				}

				w = newWorld(t)
				w.ready("id")
				w.refused(post(w, lambda.MaxResponseBytes+1), 413, "RequestEntityTooLarge")
				w.expect(message{
					Type: link.TypeError, Meta: link.ReplyMeta{ID: "id", ErrorType: "Function.ResponseSizeTooLarge"}, Payload: tooLarge,
				})
				// The environment lives on.
				w.deliver("next")
				if a := w.call("GET invocation/next", ""); a.status != 200 {
					t.Errorf("next after a refusal: %d", a.status)
				}
				w.expect(message{Type: link.TypeIdle})
			})
		}
	}
}

func TestInitErrorTooLarge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.refused(w.call("POST init/error", strings.Repeat("x", lambda.MaxResponseBytes+1)), 413, "RequestEntityTooLarge")
	if m := <-w.sent; m.Type != link.TypeInitError || len(m.Payload) > 200 {
		t.Errorf("host got %#x with %d bytes", m.Type, len(m.Payload))
	}
}

// raw sends bytes and returns the answer; leave ends the sending direction after them.
func (w *world) raw(in string, leave bool) string {
	w.t.Helper()
	c := w.dial()
	if _, err := io.WriteString(c, in); err != nil {
		w.t.Fatal(err)
	}
	if leave {
		if err := c.CloseWrite(); err != nil {
			w.t.Fatal(err)
		}
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.Proto + " " + res.Status + " " + string(body)
}

func (w *world) dial() *net.TCPConn {
	w.t.Helper()
	c, err := net.Dial("tcp", w.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// TestTruncatedBody: an answer that breaks off is none. The event stays with the runtime.
func TestTruncatedBody(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"response", "error"} {
		w := newWorld(t)
		w.ready("id")
		a := w.raw("POST "+base+"invocation/id/"+verb+" HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc", true)
		if !strings.HasPrefix(a, "HTTP/1.1 400 ") || !strings.Contains(a, "TruncatedHTTPRequest") {
			t.Errorf("%s: %q", verb, a)
		}
		w.silent()
		w.accepted(w.call("POST invocation/id/response", "again"))
		w.expect(result("id", "again"))
	}
	w := newWorld(t)
	if a := w.raw("POST "+base+"init/error HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc", true); !strings.Contains(a, "TruncatedHTTPRequest") {
		t.Error(a)
	}
	w.accepted(w.call("POST init/error", "{}"))
}

func TestMalformedRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if a := w.raw("no HTTP\r\n\r\n", false); !strings.HasPrefix(a, "HTTP/1.1 400 ") || !strings.Contains(a, "InvalidRequest") {
		t.Error(a)
	}
}

// half posts half of an answer and returns when the server has begun to read it.
func (w *world) half(id string) *net.TCPConn {
	w.t.Helper()
	c := w.dial()
	in := "POST " + base + "invocation/" + id + "/response HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
	if _, err := io.WriteString(c, in); err != nil {
		w.t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))); err != nil {
		w.t.Fatal(err)
	}
	if _, err := io.WriteString(c, "ab"); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// TestDuringPost: while an answer is being read nothing else may happen.
func TestDuringPost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ready("id")
	c := w.half("id")
	w.refused(w.call("GET invocation/next", ""), 403, "InvalidStateTransition")
	w.refused(w.call("POST invocation/id/response", "x"), 403, "InvalidStateTransition")
	w.refused(w.call("POST invocation/id/error", "x"), 403, "InvalidStateTransition")
	w.refused(w.call("POST invocation/other/error", "x"), 400, "InvalidRequestID")
	w.silent()
	if _, err := io.WriteString(c, "cd"); err != nil {
		t.Fatal(err)
	}
	w.expect(result("id", "abcd"))
}

// TestDrain: a post that has begun when the process ends is waited for.
func TestDrain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ready("id")
	c := w.half("id")
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		w.api.Drain(time.Minute)
	}()
	for !strings.Contains(w.call("GET invocation/next", "").body, "ended") { // until Drain is at work
	}
	select {
	case <-drained:
		t.Fatal("drained while an answer was being posted")
	default:
	}
	if _, err := io.WriteString(c, "cd"); err != nil {
		t.Fatal(err)
	}
	<-drained
	select {
	case m := <-w.sent:
		if m != result("id", "abcd") {
			t.Errorf("host got %+v", m)
		}
	default:
		t.Error("drained before the answer was sent")
	}
}

// TestDrainIsBounded: a child of the ended process cannot hold up the news of its end.
func TestDrainIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ready("id")
	w.half("id")
	w.api.Drain(time.Millisecond)
	w.silent()
}

// TestNewerNextWins: of two waiting calls the newer one gets the event.
func TestNewerNextWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	older := make(chan answer, 1)
	go func() {
		a, err := w.try("GET invocation/next", nil)
		if err != nil {
			t.Error(err)
		}
		older <- a
	}()
	w.expect(message{Type: link.TypeReady})
	newer := make(chan answer, 1)
	go func() {
		a, err := w.try("GET invocation/next", nil)
		if err != nil {
			t.Error(err)
		}
		newer <- a
	}()
	w.refused(<-older, 403, "InvalidStateTransition")
	w.deliver("id")
	if a := <-newer; a.status != 200 {
		t.Errorf("newer call: %d %s", a.status, a.body)
	}
	w.silent() // neither a second Ready nor an Idle
}

// TestNextAfterClientLeft: an event that found nobody goes to the next call.
func TestNextAfterClientLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.dial()
	if _, err := io.WriteString(c, "GET "+base+"invocation/next HTTP/1.1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	w.expect(message{Type: link.TypeReady})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	w.deliver("id")
	if a := w.call("GET invocation/next", ""); a.status != 200 || a.header.Get("Lambda-Runtime-Aws-Request-Id") != "id" {
		t.Errorf("got %d %v", a.status, a.header)
	}
	w.silent()
}

// TestPipeliningEnds: a client that does not wait for its event loses the connection.
func TestPipeliningEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.dial()
	if _, err := io.WriteString(c, strings.Repeat("GET "+base+"invocation/next HTTP/1.1\r\n\r\n", 2)); err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(c); len(b) > 0 {
		t.Errorf("got %q", b)
	}
}

func TestDeliverRefusesSecondEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver("one")
	if err := w.api.Deliver(&link.Event{EventMeta: link.EventMeta{ID: "two"}}); err == nil {
		t.Error("two events at once were taken")
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 300 {
		c := w.dial()
		if _, err := io.WriteString(c, "GET /ping HTTP/1.1\r\n\r\n"); err != nil {
			return // closed at once
		}
		if _, err := c.Read(make([]byte, 1)); err != nil {
			return
		}
	}
	t.Error("300 connections are open")
}

// TestHostGone: the runtime is told that the platform is broken.
func TestHostGone(t *testing.T) {
	t.Parallel()
	except := func(allowed link.Type) runtimeapi.Send {
		return func(ty link.Type, _ *link.ReplyMeta, _ []byte) error {
			if ty == allowed {
				return nil
			}
			return errors.New("gone")
		}
	}
	w := (&world{t: t}).open(except(0))
	w.refused(w.call("GET invocation/next", ""), 500, "InternalServerError")
	w = (&world{t: t}).open(except(0))
	w.refused(w.call("POST init/error", ""), 500, "InternalServerError")
	for _, verb := range []string{"response", "error"} {
		w = (&world{t: t}).open(except(link.TypeReady))
		w.deliver("id")
		w.call("GET invocation/next", "")
		w.refused(w.call("POST invocation/id/"+verb, ""), 500, "InternalServerError")
	}
}

func TestCloseBeforeServe(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	api := runtimeapi.New(ln, nil, nil)
	api.Close()
	next, err := net.Listen("tcp", ln.Addr().String())
	if err != nil {
		t.Fatalf("the address is not free: %v", err)
	}
	_ = next.Close()
	api.Serve() // returns
}

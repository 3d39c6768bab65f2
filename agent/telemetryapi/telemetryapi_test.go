package telemetryapi_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/agent/http1"
	"thaw.dev/thaw/agent/telemetryapi"
	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/link"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// host is a Host.
type host struct {
	mu     sync.Mutex
	asked  []link.Subscription
	closed bool
	gone   error
}

func (h *host) Subscribe(s link.Subscription) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, s)
	return !h.closed, h.gone
}

func open(t testing.TB) (*telemetryapi.Server, *host) {
	t.Helper()
	h := &host{}
	s := telemetryapi.New(h)
	t.Cleanup(s.Close)
	return s, h
}

// call makes a call and returns status and body.
func call(t testing.TB, s *telemetryapi.Server, method, path, name, body string) (int, string) {
	t.Helper()
	text := fmt.Sprintf("%s %s HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s", method, path, len(body), body)
	req, err := http1.NewReader(struct {
		io.Reader
		io.Writer
	}{strings.NewReader(text), io.Discard}).Next()
	if err != nil {
		t.Fatal(err)
	}
	a := s.Serve(req, name)
	return a.Status, string(a.Body)
}

func mustSubscribe(t testing.TB, s *telemetryapi.Server, name, destination, buffering string) {
	t.Helper()
	body := `{"schemaVersion":"2022-12-13","types":["platform","function"],"destination":` + destination + buffering + `}`
	if status, answer := call(t, s, "PUT", telemetryapi.TelemetryPath, name, body); status != 200 || answer != "OK" {
		t.Fatalf("%d %s", status, answer)
	}
}

func TestSubscribe(t *testing.T) {
	t.Parallel()
	const http = `{"protocol":"HTTP","URI":"http://sandbox.localdomain:80/a?b","method":"PUT","encoding":"JSON"}`
	const tcp = `{"protocol":"TCP","port":4243}`
	body := func(types, destination, more string) string {
		return `{"types":` + types + `,"destination":` + destination + more + `}`
	}
	for _, c := range []struct{ body, wrong string }{
		{body(`["platform","function","extension","function"]`, http, ``), ``},
		{body(`["function"]`, tcp, `,"buffering":{"maxItems":1000,"maxBytes":1048576,"timeoutMs":25}`), ``},
		{body(`["function"]`, `{"URI":"http://sandbox:8080"}`, `,"schemaVersion":"2022-07-01"`), ``},
		{`nothing`, "the body is not the JSON it must be"},
		{`{}`, "types should not be empty; destination is not the object it must be"},
		{body(`[]`, http, ``), "types should not be empty"},
		{body(`["all"]`, http, ``), "types has an unknown member"},
		{body(`["function"]`, http, `,"schemaVersion":"1999-01-01"`), "schemaVersion is not supported"},
		{body(`["function"]`, http, `,"schemaVersion":"2021-03-18"`), "schemaVersion is not supported"},
		{body(`["function"]`, `{"protocol":"UDP"}`, ``), "destination.protocol should be HTTP or TCP"},
		{body(`["function"]`, `{"protocol":"TCP"}`, ``), "destination.port should be a port of the extension's"},
		{body(`["function"]`, `{"protocol":"TCP","port":9001}`, ``), "destination.port should be a port of the extension's"},
		{body(`["function"]`, `{"protocol":"TCP","port":65536}`, ``), "destination.port should be a port of the extension's"},
		{body(`["function"]`, `{"protocol":"HTTP"}`, ``), "URI should begin with http://"},
		{body(`["function"]`, `{"URI":"https://sandbox.localdomain:80"}`, ``), "URI should begin with http://"},
		{body(`["function"]`, `{"URI":"http://sandbox.localdomain"}`, ``), "URI port is not provided"},
		{body(`["function"]`, `{"URI":"http://sandbox.localdomain:9001/"}`, ``), "URI port should be a port of the extension's"},
		{body(`["function"]`, `{"URI":"http://example.com:80/"}`, ``), "URI host should be sandbox.localdomain"},
		{body(`["function"]`, `{"URI":"http://sandbox.localdomain:80/ HTTP/1.1\r\nX: y"}`, ``), "URI is not valid"},
		{body(`["function"]`, `{"URI":"http://sandbox.localdomain:80","method":"GET"}`, ``), "destination.method should be POST or PUT"},
		{body(`["function"]`, `{"URI":"http://sandbox.localdomain:80","encoding":"XML"}`, ``), "destination.encoding should be JSON"},
		{body(`["function"]`, http, `,"buffering":{"maxItems":999,"maxBytes":1048577,"timeoutMs":24}`),
			"buffering.maxItems should be from 1000 to 10000; buffering.maxBytes should be from 262144 to 1048576; buffering.timeoutMs should be from 25 to 30000"},
	} {
		s, h := open(t)
		status, answer := call(t, s, "PUT", telemetryapi.TelemetryPath, "ext", c.body)
		want, _ := json.Marshal(map[string]string{"errorMessage": c.wrong, "errorType": "Telemetry.ValidationError"})
		switch {
		case c.wrong == "" && (status != 200 || answer != "OK" || len(h.asked) != 1 || h.asked[0].Name != "ext" || h.asked[0].ID != 0):
			t.Errorf("%s: %d %s, asked %+v", c.body, status, answer, h.asked)
		case c.wrong != "" && (status != 400 || answer != string(want) || len(h.asked) > 0):
			t.Errorf("%s: %d %s, want %s", c.body, status, answer, want)
		}
	}
}

func TestSubscribeWhen(t *testing.T) {
	t.Parallel()
	s, h := open(t)
	body := `{"schemaVersion":"2021-03-18","types":["platform"],"destination":{"protocol":"TCP","port":1}}`
	if status, answer := call(t, s, "PUT", telemetryapi.LogsPath, "logs", body); status != 200 {
		t.Errorf("%d %s", status, answer)
	}
	if got := h.asked[0]; !got.Logs || !got.RuntimeDone || !slices.Equal(got.Types, []string{"platform"}) {
		t.Errorf("asked %+v", got)
	}
	body = `{"types":["platform"],"destination":{"protocol":"TCP","port":1}}`
	if status, answer := call(t, s, "PUT", telemetryapi.TelemetryPath, "logs", body); status != 400 || !strings.Contains(answer, "one of Telemetry API and Logs API") {
		t.Errorf("%d %s", status, answer)
	}
	for i := range link.MaxSubscribers - 1 {
		for range 2 { // the second replaces the first
			if status, answer := call(t, s, "PUT", telemetryapi.TelemetryPath, fmt.Sprint(i), body); status != 200 || h.asked[len(h.asked)-1].ID != i+1 {
				t.Errorf("%d %s, asked %+v", status, answer, h.asked)
			}
		}
	}
	if status, answer := call(t, s, "PUT", telemetryapi.TelemetryPath, "more", body); status != 400 || !strings.Contains(answer, "too many") {
		t.Errorf("%d %s", status, answer)
	}
	h.closed = true
	if status, answer := call(t, s, "PUT", telemetryapi.LogsPath, "logs", body); status != 403 ||
		answer != `{"errorMessage":"Logs API subscription is closed already","errorType":"Logs.SubscriptionClosed"}` {
		t.Errorf("%d %s", status, answer)
	}
	h.gone = errors.New("gone")
	if status, _ := call(t, s, "PUT", telemetryapi.LogsPath, "logs", body); status != 500 {
		t.Errorf("status %d", status)
	}
	if status, _ := call(t, s, "GET", telemetryapi.LogsPath, "logs", body); status != 405 {
		t.Errorf("status %d", status)
	}
	if status, _ := call(t, s, "PUT", telemetryapi.LogsPath, "logs", strings.Repeat(" ", 20<<10)); status != 413 {
		t.Errorf("status %d", status)
	}
}

// listen listens on a port of its own.
func listen(t testing.TB) (net.Listener, int) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln, ln.Addr().(*net.TCPAddr).Port
}

// extension is an HTTP server that keeps the batches it gets.
func extension(t testing.TB, handle http.HandlerFunc) (destination string, batches chan []json.RawMessage) {
	t.Helper()
	ln, port := listen(t)
	batches = make(chan []json.RawMessage, 100)
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var batch []json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&batch); err != nil || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("batch: %v, headers %v", err, r.Header)
		}
		if handle != nil {
			handle(w, r)
		}
		batches <- batch
	})}
	done := make(chan struct{})
	go func() { // ends with the cleanup
		defer close(done)
		_ = srv.Serve(ln)
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return fmt.Sprintf(`{"URI":"http://sandbox.localdomain:%d/here"}`, port), batches
}

func TestDeliverHTTP(t *testing.T) {
	t.Parallel()
	var connections sync.Map
	to, batches := extension(t, func(_ http.ResponseWriter, r *http.Request) {
		connections.Store(r.RemoteAddr, true)
		if r.Method != "POST" || r.URL.Path != "/here" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
	})
	s, _ := open(t)
	mustSubscribe(t, s, "ext", to, `,"buffering":{"timeoutMs":25}`)
	for i := range 3 {
		s.Deliver([]int{0, 5, -1}, []byte(fmt.Sprint(i)))
		if got := <-batches; len(got) != 1 || string(got[0]) != fmt.Sprint(i) {
			t.Errorf("got %s", got)
		}
	}
	n := 0
	connections.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestDeliverTCP(t *testing.T) {
	t.Parallel()
	ln, port := listen(t)
	s, _ := open(t)
	mustSubscribe(t, s, "ext", fmt.Sprintf(`{"protocol":"TCP","port":%d}`, port), `,"buffering":{"timeoutMs":25}`)
	for i := range 2 { // the second time after the extension closed its end
		s.Deliver([]int{0}, []byte(`{"a":1}`))
		s.Deliver([]int{0}, []byte(fmt.Sprint(i)))
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewScanner(c)
		for _, want := range []string{`{"a":1}`, fmt.Sprint(i)} {
			if !in.Scan() || in.Text() != want {
				t.Errorf("got %q, want %s", in.Text(), want)
			}
		}
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
}

// TestBatches: they go out when there are enough items or bytes, and keep their order.
func TestBatches(t *testing.T) {
	t.Parallel()
	to, batches := extension(t, nil)
	s, _ := open(t)
	mustSubscribe(t, s, "ext", to, `,"buffering":{"maxItems":1000,"maxBytes":262144,"timeoutMs":30000}`)
	for i := range 1001 {
		s.Deliver([]int{0}, []byte(fmt.Sprint(i)))
	}
	if got := <-batches; len(got) != 1000 || string(got[999]) != "999" {
		t.Errorf("%d items", len(got))
	}
	large := []byte(`"` + strings.Repeat("x", 100<<10) + `"`)
	for range 3 {
		s.Deliver([]int{0}, large)
	}
	if got := <-batches; len(got) != 3 || string(got[0]) != "1000" {
		t.Errorf("%d items", len(got))
	}
	flushed := make(chan struct{})
	s.Flush(func() { close(flushed) })
	<-flushed
	select {
	case got := <-batches:
		if len(got) != 1 || len(got[0]) != len(large) {
			t.Errorf("%d items", len(got))
		}
	default:
		t.Error("nothing came with the flush")
	}
}

// TestDrops: what a slow extension misses is counted, and it is told.
func TestDrops(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	to, batches := extension(t, func(http.ResponseWriter, *http.Request) { <-release })
	s, _ := open(t)
	mustSubscribe(t, s, "ext", to, `,"buffering":{"timeoutMs":25}`)
	line := []byte(`"` + strings.Repeat("x", 1<<20) + `"`)
	const sent = 10 // of which at most one is on its way and two wait
	for range sent {
		s.Deliver([]int{0}, line)
	}
	close(release)
	got, dropped := 0, 0
	for got+dropped < sent {
		for _, event := range <-batches {
			if !strings.Contains(string(event), "platform.logsDropped") {
				got++
				continue
			}
			var e struct {
				Record struct{ DroppedRecords, DroppedBytes int }
			}
			if err := json.Unmarshal(event, &e); err != nil || e.Record.DroppedBytes != e.Record.DroppedRecords*len(line) {
				t.Errorf("%s", event)
			}
			dropped += e.Record.DroppedRecords
		}
	}
	if got+dropped != sent || got > 3 {
		t.Errorf("%d came, %d were dropped", got, dropped)
	}
}

// TestBadAnswers: whatever an extension answers, the next batch is tried again and the loss is told.
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"", "garbage\r\n\r\n", "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 20\r\n\r\n",
		"HTTP/1.1 200 " + strings.Repeat("x", 10<<10), "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 100),
	} {
		ln, port := listen(t)
		s, _ := open(t)
		mustSubscribe(t, s, "ext", fmt.Sprintf(`{"URI":"http://sandbox.localdomain:%d"}`, port), `,"buffering":{"timeoutMs":25}`)
		for i, answer := range []string{bad, "HTTP/1.1 204 Fine\r\n\r\n"} {
			s.Deliver([]int{0}, []byte(fmt.Sprint(i)))
			c, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			req, err := http.ReadRequest(bufio.NewReader(c))
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(req.Body)
			if told := strings.Contains(string(body), `"droppedRecords":1`); told != (i == 1) {
				t.Errorf("after %.20q the batch is %s", bad, body)
			}
			_, _ = io.WriteString(c, answer)
			_ = c.Close()
		}
	}
}

func TestCloseEndsADelivery(t *testing.T) {
	t.Parallel()
	ln, port := listen(t)
	s := telemetryapi.New(&host{})
	mustSubscribe(t, s, "ext", fmt.Sprintf(`{"URI":"http://sandbox.localdomain:%d"}`, port), `,"buffering":{"timeoutMs":25}`)
	s.Deliver([]int{0}, []byte("1"))
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	s.Close() // although no answer comes
	if status, _ := call(t, s, "PUT", telemetryapi.TelemetryPath, "ext", `{"types":["platform"],"destination":{"protocol":"TCP","port":1}}`); status != 400 {
		t.Errorf("status %d after Close", status)
	}
}

func FuzzSubscribe(f *testing.F) {
	f.Add(`{"schemaVersion":"2022-12-13","types":["platform"],"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:80/a"}}`)
	f.Add(`{"types":["function"],"destination":{"protocol":"TCP","port":4243},"buffering":{"maxItems":1000}}`)
	f.Fuzz(func(t *testing.T, body string) {
		h := &host{}
		s := telemetryapi.New(h)
		defer s.Close()
		if len(body) > 16<<10 {
			return
		}
		if status, _ := call(t, s, "PUT", telemetryapi.TelemetryPath, "ext", body); (status == 200) != (len(h.asked) == 1) || status != 200 && status != 400 {
			t.Errorf("%q: %d, asked %+v", body, status, h.asked)
		}
	})
}

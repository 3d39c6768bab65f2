package gateway_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/control"
	"thaw.dev/thaw/control/controltest"
	"thaw.dev/thaw/durable"
	"thaw.dev/thaw/durable/durabletest"
	"thaw.dev/thaw/gateway"
	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/layer"
	"thaw.dev/thaw/signing"
	"thaw.dev/thaw/store"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

const (
	mine   = "000000000000"
	theirs = "111111111111"
	fnARN  = "arn:aws:lambda:us-east-1:000000000000:function:"
	fns    = "/2015-03-31/functions"
)

var discard = slog.New(slog.DiscardHandler)

// verifier believes "Authorization: Test ACCOUNT SERVICE", and with a ROLE behind that the session s of that role.
type verifier struct{}

func (verifier) Verify(r *http.Request, _ []byte) (auth.Identity, error) {
	account, service, ok := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "Test "), " ")
	if !ok {
		return auth.Identity{}, &auth.Error{Code: auth.CodeMissingToken, Message: "Missing Authentication Token"}
	}
	service, role, _ := strings.Cut(service, " ")
	id := auth.Identity{AccountID: account, ARN: "arn:aws:iam::" + account + ":root", UserID: account, AccessKeyID: "AKIA" + account, Service: service}
	if role != "" {
		id.Role, id.ARN = "arn:aws:iam::"+account+":role/"+role, "arn:aws:sts::"+account+":assumed-role/"+role+"/s"
		id.UserID = "AROA" + role + ":s"
	}
	return id, nil
}

func (verifier) PresignGet(caller auth.Identity, base, path string, expires time.Duration) (string, error) {
	return base + path + "?key=" + caller.AccessKeyID + "&expires=" + expires.String(), nil
}

// invoker answers with what the test put into answer.
type invoker struct {
	mu     sync.Mutex
	answer func(ctx context.Context, req *invoke.Request) (*invoke.Result, error)
	last   *invoke.Request
}

func (i *invoker) Sync(ctx context.Context, req *invoke.Request) (*invoke.Result, error) {
	i.mu.Lock()
	i.last = req
	answer := i.answer
	i.mu.Unlock()
	if answer == nil {
		return &invoke.Result{Payload: req.Payload, ExecutedVersion: "$LATEST", TraceID: req.TraceID}, nil
	}
	return answer(ctx, req)
}

func (i *invoker) Stream(context.Context, *invoke.Request, invoke.Sink) (*invoke.StreamResult, error) {
	return nil, errors.New("this double does not stream")
}

// withInvoker is a change for newServer.
func withInvoker(i gateway.Invoker) func(*server, *gateway.Options) {
	return func(_ *server, o *gateway.Options) { o.Invoker = i }
}

func (i *invoker) set(answer func(context.Context, *invoke.Request) (*invoke.Result, error)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = answer
}

func (i *invoker) request() *invoke.Request {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.last
}

// server is a gateway over a real control plane with doubles below.
type server struct {
	t         *testing.T
	url       string
	functions *control.Functions
	store     *controltest.Store
	layers    *layer.Layers
	signing   *signing.Configs
	packages  *controltest.Packages
	slots     *controltest.Slots
	invoker   *invoker
	events    eventQueue
	checkRole func(account, role string) error
	durable   *durable.Executions
	gate      chan struct{} // if not nil, each preparation takes one token
	log       *syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// newServer starts a server; change may alter its options.
func newServer(t *testing.T, change ...func(*server, *gateway.Options)) *server {
	t.Helper()
	s := &server{t: t, store: &controltest.Store{}, packages: &controltest.Packages{}, slots: &controltest.Slots{}, invoker: &invoker{}, log: &syncBuffer{}}
	logger := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o := gateway.Options{Region: "us-east-1", Invoker: s.invoker, Events: &s.events, Packages: s.packages, Verifier: verifier{}, Logger: logger}
	for _, f := range change {
		f(s, &o)
	}
	s.packages.Build = func(ctx context.Context, _ string) error {
		if s.gate == nil {
			return nil
		}
		select {
		case <-s.gate:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.openRecords()
	s.functions = control.New(control.Options{
		Region: "us-east-1", Store: s.store, Packages: s.packages, Layers: s.layers, Signing: s.signing, Logger: slog.New(slog.DiscardHandler),
		EnsureRuntime: func(context.Context, *lambda.Config) error { return nil }, Slots: s.slots,
		Reaches: func(service string) bool { return service != "events" }, CheckRole: s.checkRole,
	})
	s.functions.Open()
	t.Cleanup(s.functions.Close)
	o.Functions, o.Layers, o.Signing = s.functions, s.layers, s.signing
	s.durable = durable.Open(durable.Options{Region: "us-east-1", Journals: durabletest.New(), Functions: s.functions, Invoker: s.invoker, Logger: logger})
	t.Cleanup(s.durable.Close)
	o.Durable = s.durable
	ts := httptest.NewServer(gateway.New(o))
	t.Cleanup(func() { ts.Client().CloseIdleConnections(); http.DefaultClient.CloseIdleConnections(); ts.Close() })
	s.url = ts.URL
	return s
}

// openRecords makes what is kept in records: those are real.
func (s *server) openRecords() {
	s.t.Helper()
	st, err := store.Open(s.t.Context(), store.Options{Dir: s.t.TempDir()})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = st.Close() })
	s.signing = signing.New("us-east-1", st.Records())
	s.layers = layer.New(layer.Options{
		Region: "us-east-1", Records: st.Records(), Packages: s.packages,
		FunctionBytes: func(account string) int64 { return s.store.Totals(account).CodeBytes },
	})
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request of account mine; headers are "Name: value" and may replace Authorization ("-Name" removes).
func (s *server) do(method, path, body string, headers ...string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Test "+mine+" lambda")
	for _, h := range headers {
		if name, gone := strings.CutPrefix(h, "-"); gone {
			r.Header.Del(name)
			continue
		}
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

var (
	uuidText = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	timeText = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000`)
)

// want fails unless the answer has that status and body; UUIDs and times in it read UUID and TIME.
func (a answer) want(t *testing.T, status int, body string) {
	t.Helper()
	got := timeText.ReplaceAllString(uuidText.ReplaceAllString(a.body, "UUID"), "TIME")
	if a.status != status || got != body {
		t.Errorf("answer\n%d %s\nwant\n%d %s", a.status, got, status, body)
	}
	if !uuidText.MatchString(a.header.Get("x-amzn-RequestId")) {
		t.Errorf("request id %q", a.header.Get("x-amzn-RequestId"))
	}
}

// wantError is want for an error of type typ.
func (a answer) wantError(t *testing.T, status int, typ, body string) {
	t.Helper()
	a.want(t, status, body)
	if got := a.header.Get("x-amzn-ErrorType"); got != typ {
		t.Errorf("x-amzn-ErrorType %q, want %q", got, typ)
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
}

var zip64 = base64.StdEncoding.EncodeToString([]byte("PK one"))

// createBody is the body of a CreateFunction for name with more members, ",…" or "".
func createBody(name, more string) string {
	return `{"FunctionName":"` + name + `","Role":"arn:aws:iam::000000000000:role/r","Runtime":"python3.11","Handler":"main.handler",` +
		`"Code":{"ZipFile":"` + zip64 + `"}` + more + `}`
}

// create makes an Active function.
func (s *server) create(name, more string) {
	s.t.Helper()
	if a := s.do("POST", fns, createBody(name, more)); a.status != 201 {
		s.t.Fatalf("create answered %d %s", a.status, a.body)
	}
	s.settle(name)
}

// seed makes an Active function without the gateway.
func (s *server) seed(name string) {
	s.t.Helper()
	role, language, handler := "arn:aws:iam::000000000000:role/r", "python3.11", "main.handler"
	if _, err := s.functions.Create(s.t.Context(), control.CreateInput{
		Account: mine, Name: name, Zip: []byte("PK one"),
		Settings: control.Settings{Role: &role, Runtime: &language, Handler: &handler},
	}); err != nil {
		s.t.Fatal(err)
	}
	s.settle(name)
}

// settle waits until nothing of the function is being prepared.
func (s *server) settle(name string) store.Function {
	s.t.Helper()
	for s.t.Context().Err() == nil {
		f, err := s.functions.Get(mine, name, "")
		if err != nil {
			s.t.Fatal(err)
		}
		if f.Config.State != lambda.StatePending && f.Config.UpdateStatus != lambda.UpdateInProgress {
			return f
		}
		runtime.Gosched()
	}
	panic(errors.New("test is over"))
}

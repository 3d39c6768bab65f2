package traps_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/internal/thawtest"
)

// Paths of the Lambda API.
const (
	functions = "/2015-03-31/functions"
	fnARN     = "arn:aws:lambda:us-east-1:000000000000:function:"
)

// patience is how long something that must happen may take on a busy machine.
const patience = 60 * time.Second

func TestMain(m *testing.M) { leakcheck.Main(withServer{m}) }

// withServer runs the tests and then closes the server that they shared.
type withServer struct{ m *testing.M }

func (w withServer) Run() int {
	code := w.m.Run()
	if shared.server == nil {
		return code
	}
	shared.scope.failed = code != 0 // then the end of the server's log is shown
	if !shared.scope.close() {
		return 1
	}
	return 0
}

// shared is the server that all tests use; the first one starts it.
var shared struct {
	mu     sync.Mutex
	server *thawtest.Server
	scope  *scope
}

// server returns the shared server.
func server(t *testing.T) *thawtest.Server {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server == nil {
		shared.scope = &scope{TB: t}
		shared.server = thawtest.Start(shared.scope, nil)
	}
	return shared.server
}

// scope is a test as far as thawtest.Start is concerned, which lasts as long as the test binary.
type scope struct {
	testing.TB
	cleanups []func()
	dir      string
	failed   bool
}

func (s *scope) Cleanup(f func())         { s.cleanups = append(s.cleanups, f) }
func (s *scope) Context() context.Context { return context.Background() }
func (s *scope) Failed() bool             { return s.failed }

func (s *scope) TempDir() string {
	dir, err := os.MkdirTemp("", "traps-")
	if err == nil {
		err = os.Chmod(dir, 0o755) // the sandbox's unprivileged processes pass through it
	}
	if err != nil {
		s.Fatal(err)
	}
	s.dir = dir
	return dir
}

// Error and Logf are called when the tests have ended.
func (s *scope) Error(args ...any) {
	s.failed = true
	fmt.Fprintln(os.Stderr, args...)
}

func (s *scope) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// close undoes what was started and reports whether nothing failed.
func (s *scope) close() bool {
	for len(s.cleanups) > 0 {
		last := len(s.cleanups) - 1
		f := s.cleanups[last]
		s.cleanups = s.cleanups[:last]
		f()
	}
	if s.dir != "" {
		if err := os.RemoveAll(filepath.Clean(s.dir)); err != nil {
			s.Error(err)
		}
	}
	return !s.failed
}

// python deploys a Python function whose module is source.
func python(t *testing.T, source string, change ...func(*thawtest.Function)) string {
	t.Helper()
	return deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Files: thawtest.Files{"app.py": source}}, change)
}

// javascript deploys a Node.js function whose module is source.
func javascript(t *testing.T, source string, change ...func(*thawtest.Function)) string {
	t.Helper()
	return deploy(t, thawtest.Function{Runtime: thawtest.Node(t), Files: thawtest.Files{"app.js": source}}, change)
}

func deploy(t *testing.T, fn thawtest.Function, change []func(*thawtest.Function)) string {
	t.Helper()
	fn.Handler, fn.MemoryMB = "app.handler", 256
	for _, f := range change {
		f(&fn)
	}
	return server(t).Deploy(t, fn)
}

// timeout sets a function's timeout.
func timeout(seconds int) func(*thawtest.Function) {
	return func(fn *thawtest.Function) { fn.Timeout = seconds }
}

// publicURL gives a function a URL that everybody may use.
func publicURL(t *testing.T, name, mode string) string {
	t.Helper()
	var config struct{ FunctionUrl string }
	server(t).Do(t, "POST", "/2021-10-31/functions/"+name+"/url", `{"AuthType":"NONE","InvokeMode":"`+mode+`"}`).Decode(t, 201, &config)
	allow(t, name, `{"StatementId":"url","Action":"lambda:InvokeFunctionUrl","Principal":"*","FunctionUrlAuthType":"NONE"}`)
	allow(t, name, `{"StatementId":"fn","Action":"lambda:InvokeFunction","Principal":"*","InvokedViaFunctionUrl":true}`)
	return config.FunctionUrl
}

func allow(t *testing.T, name, statement string) {
	t.Helper()
	if a := server(t).Do(t, "POST", functions+"/"+name+"/policy", statement); a.Status != 201 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
}

// fails checks an answer for an error: its status, the name in its header, and the body up to where want ends.
func fails(t *testing.T, a thawtest.Answer, status int, name, want string) {
	t.Helper()
	if a.Status != status || a.Header.Get("X-Amzn-Errortype") != name || !strings.HasPrefix(a.Body, want) {
		t.Errorf("got %d %s %s\nwant %d %s %s", a.Status, a.Header.Get("X-Amzn-Errortype"), a.Body, status, name, want)
	}
}

// await waits until ok holds.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// like checks got for a pattern.
func like(t *testing.T, got, pattern string) {
	t.Helper()
	if !regexp.MustCompile(pattern).MatchString(got) {
		t.Errorf("got %.600q\nwant %s", got, pattern)
	}
}

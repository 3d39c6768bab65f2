// Package thawtest starts real servers for tests and deploys functions to them.
package thawtest

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/embedded"
	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/node"
	"thaw.dev/thaw/pool"
)

// Role is the execution role that tests give to functions.
const Role = "arn:aws:iam::000000000000:role/test"

// Server is a server with a real engine, in this process: gVisor, unless the test or THAW_TEST_ENGINE says another.
type Server struct {
	*client.Client
	Dir string // the data directory
	Log *Log   // the server's own log

	node    *node.Node
	options client.Options // how the client signs
}

// Start starts a server on a free port of 127.0.0.1. It is closed when the test ends, and must then leave nothing.
// change may alter the configuration; nil leaves the defaults.
func Start(t testing.TB, change func(*node.Config)) *Server {
	t.Helper()
	testenv.NeedsRoot(t)
	s := &Server{Dir: dataDir(t), Log: &Log{}}
	c := node.Default()
	c.DataDir, c.Listen = s.Dir, "127.0.0.1:0"
	c.Helpers = embedded.Paths{Agent: helperbin.Agent(t), Sentry: helperbin.Sentry(t)}
	if os.Getenv("THAW_TEST_ENGINE") == "microvm" {
		c.Engine = "microvm"
		Machines(t, &c)
	}
	c.Logger = slog.New(slog.NewTextHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if change != nil {
		change(&c)
	}
	if c.SlotMemory == noSlots && c.HotSlots+c.EmptySlots > 0 {
		c.SlotMemory = 0
	}
	s.Dir = c.DataDir
	n, err := node.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	s.node = n
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("server log:\n%s", s.Log.Tail(60))
		}
	})
	options, err := client.FromDataDir(s.Dir, "http://"+n.Addr())
	if err != nil {
		t.Fatal(err)
	}
	s.options = options
	if s.Client, err = client.New(options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Client.Close)
	return s
}

// Status is what the server's pool holds now.
func (s *Server) Status() pool.Status { return s.node.Status() }

// Invocations counts those under way, by function version.
func (s *Server) Invocations() []invoke.Count { return s.node.Invocations() }

// dataDir is a directory of the test's own that the sandbox's unprivileged processes can pass through.
func dataDir(t testing.TB) string {
	return filepath.Join(t.TempDir(), "data")
}

// Log is a writer that keeps what was written.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// Tail returns the last n lines.
func (l *Log) Tail(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(l.buf.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// Files are the files of a deployment package by name. A name that ends in "*" is executable.
type Files map[string]string

// Zip packs files.
func Zip(t testing.TB, files Files) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, content := range files {
		h := &zip.FileHeader{Name: strings.TrimSuffix(name, "*"), Method: zip.Deflate}
		h.SetMode(0o644)
		if strings.HasSuffix(name, "*") {
			h.SetMode(0o755)
		}
		f, err := w.CreateHeader(h)
		if err == nil {
			_, err = f.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Function is a function to deploy. Zero members mean: 512 MB, 10 s. Where machines are emulated it has a whole CPU unless
// MemoryMB says otherwise, and the time that Server.Timeout says.
type Function struct {
	Name             string // "" makes one of the test's
	Runtime, Handler string
	Files            Files
	MemoryMB         int
	Timeout          int // seconds, on gVisor
	EphemeralMB      int
	Env              map[string]string
	Layers           []string // ARNs of layer versions
	Logging          *client.LoggingConfig
	Tracing          string // the mode
}

var notName = regexp.MustCompile(`[^a-zA-Z0-9-]+`)

// Deploy creates fn under a name made of the test's, waits until it is active, and returns the name.
func (s *Server) Deploy(t testing.TB, fn Function) string {
	t.Helper()
	name := notName.ReplaceAllString(t.Name(), "-")
	name = strings.ToLower(name[max(0, len(name)-60):])
	if fn.Name != "" {
		name = fn.Name
	}
	in := client.CreateFunctionInput{
		FunctionName: name, Runtime: fn.Runtime, Handler: fn.Handler, Role: Role,
		MemorySize: s.memory(fn.MemoryMB), Timeout: s.Timeout(fn.Timeout), Layers: fn.Layers,
		Code: client.CodeInput{ZipFile: Zip(t, fn.Files)},
	}
	if fn.Env != nil {
		in.Environment = &client.Environment{Variables: fn.Env}
	}
	in.LoggingConfig = fn.Logging
	if fn.Tracing != "" {
		in.TracingConfig = &client.TracingConfig{Mode: fn.Tracing}
	}
	if fn.EphemeralMB != 0 {
		in.EphemeralStorage = &client.EphemeralStorage{Size: fn.EphemeralMB}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if _, err := s.CreateFunction(ctx, in); err != nil {
		t.Fatal(err)
	}
	c, err := s.WaitActive(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	if c.State != "Active" {
		t.Fatalf("%s is %s: %s", name, c.State, c.StateReason)
	}
	return name
}

// Layer publishes a version of a layer with these files and returns its ARN.
func (s *Server) Layer(t testing.TB, name string, files Files) string {
	t.Helper()
	v, err := s.PublishLayerVersion(t.Context(), name, Zip(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return v.LayerVersionArn
}

// Call invokes a function with the JSON text event and returns the answer; any failure of ours ends the test.
func (s *Server) Call(t testing.TB, name, event string) client.InvokeOutput {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), s.Allow(2*time.Minute))
	defer cancel()
	out, err := s.Invoke(ctx, client.InvokeInput{Function: name, Payload: []byte(event), LogTail: true})
	if err != nil {
		t.Fatalf("invoke %s: %v", name, err)
	}
	return out
}

// Result invokes a function that must succeed and decodes its answer.
func (s *Server) Result(t testing.TB, name, event string, into any) {
	t.Helper()
	out := s.Call(t, name, event)
	if out.FunctionError != "" {
		t.Fatalf("%s failed: %s\n%s", name, out.Payload, out.LogTail)
	}
	if err := json.Unmarshal(out.Payload, into); err != nil {
		t.Fatalf("%s answered %.200s: %v", name, out.Payload, err)
	}
}

// Failure is the error object of a failed invocation.
type Failure struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
	Log     string `json:"-"`
	Raw     string `json:"-"`
}

// Fails invokes a function that must fail, and returns how.
func (s *Server) Fails(t testing.TB, name, event string) Failure {
	t.Helper()
	out := s.Call(t, name, event)
	if out.FunctionError != "Unhandled" {
		t.Fatalf("%s did not fail: FunctionError %q, answer %.200s\n%s", name, out.FunctionError, out.Payload, out.LogTail)
	}
	f := Failure{Log: string(out.LogTail), Raw: string(out.Payload)}
	if err := json.Unmarshal(out.Payload, &f); err != nil {
		t.Fatalf("%s failed with %.200s: %v", name, out.Payload, err)
	}
	return f
}

// Python is the Python runtime of this host.
func Python(t testing.TB) string {
	t.Helper()
	return "python" + version(t, "python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
}

// Node is the Node.js runtime of this host.
func Node(t testing.TB) string {
	t.Helper()
	return "nodejs" + version(t, "node", "-p", "process.versions.node.split('.')[0]") + ".x"
}

func version(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(testenv.NeedsCommand(t, name), args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

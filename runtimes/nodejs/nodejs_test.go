package nodejs_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/runtimes/nodejs"
	"thaw.dev/thaw/runtimes/runtimetest"
)

var bootstrap = runtimetest.Bootstrap{Interpreter: "node", Files: nodejs.Files, Entry: nodejs.Entry, HandlerFile: "app.js"}

// TestInJavaScript runs the bootstrap's own tests, which cover what a handler sees, after both kinds of start.
func TestInJavaScript(t *testing.T) {
	t.Parallel()
	tests, err := filepath.Glob("tests/*.test.cjs")
	if err != nil || len(tests) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	for _, name := range append(tests, "tests/host.cjs") { // tells the go command what a cached result depends on
		if _, err := os.Stat(name); err != nil {
			t.Fatal(err)
		}
	}
	interpreter := testenv.NeedsCommand(t, "node")
	for start, hot := range map[string]string{"on demand": "0", "hot": "1"} {
		t.Run(start, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(interpreter, "--test")
			cmd.Env = append(os.Environ(), "HOT="+hot)
			out, err := cmd.CombinedOutput()
			if err != nil || bytes.Contains(out, []byte(" tests 0\n")) {
				t.Fatalf("node --test: %v\n%s", err, out)
			}
		})
	}
}

// TestOnDemandLoadsLittle has Specialise there before the process: it then loads none of what a hot slot has.
func TestOnDemandLoadsLittle(t *testing.T) {
	t.Parallel()
	p := runtimetest.New(t, bootstrap)
	if err := p.Become(t, "const list = [...process.moduleLoadList]; exports.handler = async () => list;"); err != nil {
		t.Fatal(err)
	}
	reply, err := p.Call(t, "id", "1")
	if err != nil || reply.Failed || !bytes.Contains(reply.Payload, []byte(`"NativeModule net"`)) {
		t.Fatalf("reply %+v, error %v", reply, err)
	}
	for _, name := range []string{"child_process", "crypto", "http", "https", "tls", "zlib"} {
		if bytes.Contains(reply.Payload, []byte(`"NativeModule `+name+`"`)) {
			t.Errorf("%s is loaded", name)
		}
	}
}

// TestFilesAreComplete finds modules that the embedding pattern misses, and tests that it takes in.
func TestFilesAreComplete(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"*.cjs", "lib/*", "rehearsal/*"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("glob %s: %v, %v", pattern, names, err)
		}
		for _, name := range names {
			if _, err := nodejs.Files.ReadFile(name); err != nil {
				t.Errorf("%s is not embedded: %v", name, err)
			}
		}
	}
	if _, err := nodejs.Files.ReadDir("tests"); err == nil {
		t.Error("the tests are embedded")
	}
}

// TestConversation goes through a whole life: specialise, results, errors, sizes on both sides of every limit, exit.
func TestConversation(t *testing.T) {
	t.Parallel()
	p := runtimetest.Start(t, bootstrap)
	code := `
exports.handler = async (event, context) => {
  if (event === 'fail') throw new RangeError('no');
  if (event === 'exit') process.exit(9);
  if (typeof event === 'number') return 'x'.repeat(event);
  return { event, colour: process.env.COLOUR, id: context.awsRequestId };
};`
	if err := p.Become(t, code); err != nil {
		t.Fatal(err)
	}
	reply, err := p.Call(t, "id-1", `{"a":[1,"ü"]}`)
	if err != nil || reply.Failed || !reply.Idle || reply.TooLarge {
		t.Fatalf("reply %+v, error %v", reply, err)
	}
	if want := `{"event":{"a":[1,"ü"]},"colour":"blue","id":"id-1"}`; string(reply.Payload) != want {
		t.Errorf("got %s, want %s", reply.Payload, want)
	}
	reply, err = p.Call(t, "id-2", `"fail"`)
	if err != nil || !reply.Failed || !reply.Idle || reply.ErrorType != "RangeError" {
		t.Errorf("reply %+v, error %v", reply, err)
	}
	p.WantLimits(t, 38) // bytes besides the event
}

func TestLogComesBeforeResult(t *testing.T) {
	t.Parallel()
	runtimetest.LogComesBeforeResult(t, bootstrap, `exports.handler = async (event) => { process.stdout.write('x'.repeat(event)); }`)
}

func BenchmarkWarm(b *testing.B) {
	b.Run("runtime=nodejs", func(b *testing.B) {
		runtimetest.BenchmarkWarm(b, bootstrap, "exports.handler = async (event) => ({ hello: event.name })")
	})
}

// TestCrash has an error object that is larger than the socket's buffer sent before the process ends.
func TestCrash(t *testing.T) {
	t.Parallel()
	p := runtimetest.Start(t, bootstrap)
	code := `exports.handler = () => { setTimeout(() => { throw new TypeError('x'.repeat(3e6)); }, 0); };`
	if err := p.Become(t, code); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, p.Logs) }() // ends with the process; the log entry is large, too
	reply, err := p.Call(t, "id-1", "1")
	if err != nil || !reply.Failed || reply.Idle || reply.ErrorType != "TypeError" || len(reply.Payload) < 3e6 {
		t.Fatalf("reply %.200v, %d bytes, error %v", reply.ReplyMeta, len(reply.Payload), err)
	}
	var exit *link.ExitError
	if err := p.AwaitIdle(time.Now().Add(runtimetest.Patience)); !errors.As(err, &exit) || exit.Code != 129 {
		t.Errorf("got %v, want exit status 129", err)
	}
}

func TestInitError(t *testing.T) {
	t.Parallel()
	p := runtimetest.Start(t, bootstrap)
	var failed *link.InitError
	if err := p.Become(t, `require("missing")`); !errors.As(err, &failed) {
		t.Fatalf("got %v, want an init error", err)
	}
	want := `{"errorType":"Runtime.ImportModuleError","errorMessage":"Error: Cannot find module 'missing'\nRequire stack:`
	if failed.ErrorType != "Runtime.ImportModuleError" || !strings.HasPrefix(string(failed.Payload), want) {
		t.Errorf("got %s %s", failed.ErrorType, failed.Payload)
	}
	status, out := p.Ended(t)
	if !strings.Contains(out, "\tundefined\tERROR\tUncaught Exception \t{\"errorType\":\"Runtime.ImportModuleError\"") {
		t.Errorf("logged %q", out)
	}
	if status != 129 {
		t.Errorf("exit status %d, want 129", status)
	}
}

func TestExitWhenHostIsGone(t *testing.T) {
	t.Parallel()
	waiting, working := runtimetest.Start(t, bootstrap), runtimetest.Start(t, bootstrap)
	if err := working.Become(t, `exports.handler = async (event) => event`); err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]*runtimetest.Process{"waiting": waiting, "specialised": working} {
		if err := p.Data.Close(); err != nil {
			t.Fatal(err)
		}
		if status, out := p.Ended(t); status != 0 || out != "" {
			t.Errorf("%s: exit status %d, logged %q", name, status, out)
		}
	}
}

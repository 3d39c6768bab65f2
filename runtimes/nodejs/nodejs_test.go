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
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/runtimes/nodejs"
)

// TestInJavaScript runs the bootstrap's own tests, which cover what a handler sees.
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
	cmd := exec.Command(testenv.NeedsCommand(t, "node"), "--test")
	out, err := cmd.CombinedOutput()
	if err != nil || bytes.Contains(out, []byte(" tests 0\n")) {
		t.Fatalf("node --test: %v\n%s", err, out)
	}
}

// TestFilesAreComplete finds modules that the embedding pattern misses, and tests that it takes in.
func TestFilesAreComplete(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"*.cjs", "lib/*"} {
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
	p := start(t)
	code := `
exports.handler = async (event, context) => {
  if (event === 'fail') throw new RangeError('no');
  if (event === 'exit') process.exit(9);
  if (typeof event === 'number') return 'x'.repeat(event);
  return { event, colour: process.env.COLOUR, id: context.awsRequestId };
};`
	if err := p.become(t, code); err != nil {
		t.Fatal(err)
	}
	reply, err := p.invoke(t, "id-1", `{"a":[1,"ü"]}`)
	if err != nil || reply.Failed || !reply.Idle || reply.TooLarge {
		t.Fatalf("reply %+v, error %v", reply, err)
	}
	if want := `{"event":{"a":[1,"ü"]},"colour":"blue","id":"id-1"}`; string(reply.Payload) != want {
		t.Errorf("got %s, want %s", reply.Payload, want)
	}
	reply, err = p.invoke(t, "id-2", `"fail"`)
	if err != nil || !reply.Failed || !reply.Idle || reply.ErrorType != "RangeError" {
		t.Errorf("reply %+v, error %v", reply, err)
	}
	// The answer repeats the event and has 38 bytes more.
	for size, tooLarge := range map[int]bool{lambda.MaxSyncPayloadBytes: false, lambda.MaxSyncPayloadBytes + 70: true} {
		event := `"` + strings.Repeat("e", size-2) + `"`
		reply, err = p.invoke(t, "id-3", event)
		if err != nil || reply.Failed || reply.TooLarge != tooLarge || !tooLarge && len(reply.Payload) != size+38 {
			t.Errorf("answer of %d bytes, too large %v, failed %v, error %v", len(reply.Payload), reply.TooLarge, reply.Failed, err)
		}
	}
	for size, tooLarge := range map[string]bool{"0": false, "6291554": false, "6291555": true, "20000000": true} {
		reply, err = p.invoke(t, "id-4", size)
		if err != nil || reply.Failed || !reply.Idle || reply.TooLarge != tooLarge {
			t.Errorf("answer of %s bytes: too large %v, idle %v, error %v", size, reply.TooLarge, reply.Idle, err)
		}
	}
	var exit *link.ExitError
	if _, err = p.invoke(t, "id-5", `"exit"`); !errors.As(err, &exit) || exit.Code != 9 {
		t.Errorf("got %v, want exit status 9", err)
	}
}

// TestLogComesBeforeResult has a function write far more than the log pipe holds.
func TestLogComesBeforeResult(t *testing.T) {
	t.Parallel()
	p := start(t)
	if err := p.become(t, `exports.handler = async (event) => { process.stdout.write('x'.repeat(event)); }`); err != nil {
		t.Fatal(err)
	}
	var seen int
	logs, err := link.NewLogs(p.logs, func(b []byte) { seen += bytes.Count(b, []byte("x")) })
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan struct{})
	go func() { // ends with the process, since the pipe then does
		defer close(ran)
		logs.Run()
	}()
	for total := 0; total < 10<<19; {
		total += 1 << 19
		if _, err := p.invoke(t, "id", "524288"); err != nil {
			t.Fatal(err)
		}
		logs.Drain()
		logs.Drain() // waits for a sink that is running, so that seen can be read
		if seen != total {
			t.Fatalf("%d bytes of log came with the result, want %d", seen, total)
		}
	}
	_ = p.cmd.Process.Kill()
	<-ran
}

// TestCrash has an error object that is larger than the socket's buffer sent before the process ends.
func TestCrash(t *testing.T) {
	t.Parallel()
	p := start(t)
	code := `exports.handler = () => { setTimeout(() => { throw new TypeError('x'.repeat(3e6)); }, 0); };`
	if err := p.become(t, code); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, p.logs) }() // ends with the process; the log entry is large, too
	reply, err := p.invoke(t, "id-1", "1")
	if err != nil || !reply.Failed || reply.Idle || reply.ErrorType != "TypeError" || len(reply.Payload) < 3e6 {
		t.Fatalf("reply %.200v, %d bytes, error %v", reply.ReplyMeta, len(reply.Payload), err)
	}
	var exit *link.ExitError
	if err := p.AwaitIdle(time.Now().Add(patience)); !errors.As(err, &exit) || exit.Code != 129 {
		t.Errorf("got %v, want exit status 129", err)
	}
}

func TestInitError(t *testing.T) {
	t.Parallel()
	p := start(t)
	var failed *link.InitError
	if err := p.become(t, `require("missing")`); !errors.As(err, &failed) {
		t.Fatalf("got %v, want an init error", err)
	}
	want := `{"errorType":"Runtime.ImportModuleError","errorMessage":"Error: Cannot find module 'missing'\nRequire stack:`
	if failed.ErrorType != "Runtime.ImportModuleError" || !strings.HasPrefix(string(failed.Payload), want) {
		t.Errorf("got %s %s", failed.ErrorType, failed.Payload)
	}
	if out := p.output(t); !strings.Contains(out, "\tundefined\tERROR\tUncaught Exception \t{\"errorType\":\"Runtime.ImportModuleError\"") {
		t.Errorf("logged %q", out)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 129 {
		t.Errorf("exit status %d, want 129", code)
	}
}

func TestExitWhenHostIsGone(t *testing.T) {
	t.Parallel()
	waiting, working := start(t), start(t)
	if err := working.become(t, `exports.handler = async (event) => event`); err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]*process{"waiting": waiting, "specialised": working} {
		if err := p.data.Close(); err != nil {
			t.Fatal(err)
		}
		if out := p.output(t); out != "" || p.cmd.ProcessState.ExitCode() != 0 {
			t.Errorf("%s: exit status %d, logged %q", name, p.cmd.ProcessState.ExitCode(), out)
		}
	}
}

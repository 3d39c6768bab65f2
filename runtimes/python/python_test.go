package python_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/runtimes/python"
	"thaw.dev/thaw/runtimes/runtimetest"
)

var bootstrap = runtimetest.Bootstrap{Interpreter: "python3", Files: python.Files, Entry: python.Entry, HandlerFile: "app.py"}

// TestInPython runs the bootstrap's own tests, which cover what a handler sees, after both kinds of start.
func TestInPython(t *testing.T) {
	t.Parallel()
	tests, err := filepath.Glob("tests/test_*.py")
	if err != nil || len(tests) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	for _, name := range append(tests, "tests/host.py", "tests/twins.py") { // tells the go command what a cached result depends on
		if _, err := os.Stat(name); err != nil {
			t.Fatal(err)
		}
	}
	interpreter := testenv.NeedsCommand(t, "python3")
	for start, hot := range map[string]string{"on demand": "0", "hot": "1"} {
		t.Run(start, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(interpreter, "-m", "unittest")
			cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "HOT="+hot)
			out, err := cmd.CombinedOutput()
			if err != nil || !bytes.Contains(out, []byte("\nOK")) {
				t.Fatalf("python3 -m unittest: %v\n%s", err, out)
			}
		})
	}
}

// TestTwins proves that two copies of one process, with the same memory and the same process id, differ once they were
// restored.
func TestTwins(t *testing.T) {
	t.Parallel()
	testenv.NeedsRoot(t)
	testenv.NeedsCommand(t, "unshare")
	interpreter := testenv.NeedsCommand(t, "python3")
	cmd := exec.Command(interpreter, "-m", "unittest", "tests.twins")
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "HOT=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("Ran 1 test ")) || !bytes.Contains(out, []byte("\nOK\n")) {
		t.Fatalf("python3 -m unittest tests.twins: %v\n%s", err, out)
	}
}

// TestFilesAreComplete finds modules that the embedding pattern misses, and tests that it takes in.
func TestFilesAreComplete(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"*.py", "rehearsal/*", "thaw_runtime/*"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("glob %s: %v, %v", pattern, names, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "__pycache__") {
				continue
			}
			if _, err := python.Files.ReadFile(name); err != nil {
				t.Errorf("%s is not embedded: %v", name, err)
			}
		}
	}
	if _, err := python.Files.ReadDir("tests"); err == nil {
		t.Error("the tests are embedded")
	}
}

// TestSnapshot goes through the steps of a copy with the host's real half of the conversation.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	p := runtimetest.Start(t, bootstrap)
	if err := p.Become(t, "import os\ndef handler(event, context):\n    return os.environ['COLOUR']\n"); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(runtimetest.Patience)
	if err := p.PrepareSnapshot(deadline); err != nil {
		t.Fatal(err)
	}
	r := link.Restoration{Env: map[string]string{"COLOUR": "red"}, Entropy: bytes.Repeat([]byte{7}, 32)}
	if err := p.Restored(r, deadline); err != nil {
		t.Fatal(err)
	}
	if reply, err := p.Call(t, "id", "1"); err != nil || string(reply.Payload) != `"red"` {
		t.Errorf("reply %+v, error %v", reply, err)
	}
}

// TestConversation goes through a whole life: specialise, results, errors, sizes on both sides of every limit, exit.
func TestConversation(t *testing.T) {
	t.Parallel()
	p := runtimetest.Start(t, bootstrap)
	code := `
import os, sys
def handler(event, context):
    if event == "fail":
        raise ValueError("no")
    if event == "exit":
        sys.exit(9)
    if isinstance(event, int):
        return "x" * event
    return {"event": event, "colour": os.environ["COLOUR"], "id": context.aws_request_id}
`
	if err := p.Become(t, code); err != nil {
		t.Fatal(err)
	}
	reply, err := p.Call(t, "id-1", `{"a":[1,"ü"]}`)
	if err != nil || reply.Failed || !reply.Idle || reply.TooLarge {
		t.Fatalf("reply %+v, error %v", reply, err)
	}
	got := string(bytes.ReplaceAll(reply.Payload, []byte(`\u00fc`), []byte("ü"))) // escaped before python3.12
	if want := `{"event": {"a": [1, "ü"]}, "colour": "blue", "id": "id-1"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	reply, err = p.Call(t, "id-2", `"fail"`)
	if err != nil || !reply.Failed || !reply.Idle || reply.ErrorType != "ValueError" {
		t.Errorf("reply %+v, error %v", reply, err)
	}
	p.WantLimits(t, 43) // bytes besides the event
}

func TestLogComesBeforeResult(t *testing.T) {
	t.Parallel()
	runtimetest.LogComesBeforeResult(t, bootstrap, "def handler(event, context):\n    print('x' * event, end='')\n")
}

func BenchmarkWarm(b *testing.B) {
	b.Run("runtime=python", func(b *testing.B) {
		runtimetest.BenchmarkWarm(b, bootstrap, "def handler(event, context):\n    return {'hello': event['name']}\n")
	})
}

func TestInitError(t *testing.T) {
	t.Parallel()
	p := runtimetest.Start(t, bootstrap)
	var failed *link.InitError
	if err := p.Become(t, "import missing"); !errors.As(err, &failed) {
		t.Fatalf("got %v, want an init error", err)
	}
	want := `{"errorMessage": "Unable to import module 'app': No module named 'missing'", ` +
		`"errorType": "Runtime.ImportModuleError", "requestId": "", "stackTrace": []}`
	if failed.ErrorType != "Runtime.ImportModuleError" || string(failed.Payload) != want {
		t.Errorf("got %s %s", failed.ErrorType, failed.Payload)
	}
	status, out := p.Ended(t)
	if !strings.Contains(out, "[ERROR] Runtime.ImportModuleError: Unable to import module 'app'") {
		t.Errorf("logged %q", out)
	}
	if status != 1 {
		t.Errorf("exit status %d, want 1", status)
	}
}

func TestExitWhenHostIsGone(t *testing.T) {
	t.Parallel()
	waiting, working := runtimetest.Start(t, bootstrap), runtimetest.Start(t, bootstrap)
	if err := working.Become(t, "def handler(event, context):\n    return event\n"); err != nil {
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

package functions_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"thaw.dev/thaw/internal/thawtest"
)

func TestPython(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	runtime := thawtest.Python(t)
	deploy := func(t *testing.T, handler, source string) string {
		return s.Deploy(t, thawtest.Function{Runtime: runtime, Handler: handler, Files: thawtest.Files{
			"app.py": source, "pkg/__init__.py": "", "pkg/mod.py": "def run(e, c): return 'dots'\n",
			"sub/dir/mod.py": "def run(e, c): return 'slashes'\n",
		}})
	}
	t.Run("state is kept between invocations", func(t *testing.T) {
		t.Parallel()
		name := deploy(t, "app.handler", "n = 0\ndef handler(e, c):\n    global n\n    n += e['by']\n    return n\n")
		var n int
		for want := 2; want <= 6; want += 2 {
			if s.Result(t, name, `{"by":2}`, &n); n != want {
				t.Fatalf("got %d, want %d", n, want)
			}
		}
	})
	for handler, want := range map[string]string{"pkg.mod.run": "dots", "sub/dir/mod.run": "slashes"} {
		t.Run("handler with "+want, func(t *testing.T) {
			t.Parallel()
			var got string
			if s.Result(t, deploy(t, handler, ""), `{}`, &got); got != want {
				t.Errorf("got %q", got)
			}
		})
	}
	t.Run("context", func(t *testing.T) {
		t.Parallel()
		name := deploy(t, "app.handler", `
def handler(e, c):
    return [c.function_name, c.function_version, c.invoked_function_arn, c.memory_limit_in_mb, c.log_group_name,
            c.log_stream_name, c.aws_request_id, c.get_remaining_time_in_millis()]
`)
		var got []any
		s.Result(t, name, `{}`, &got)
		arn := "arn:aws:lambda:us-east-1:000000000000:function:" + name
		c, err := s.WaitActive(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if got[0] != name || got[1] != "$LATEST" || got[2] != arn || got[3] != strconv.Itoa(c.MemorySize) || got[4] != "/aws/lambda/"+name {
			t.Errorf("got %v", got)
		}
		if left, whole := got[7].(float64), float64(c.Timeout*1000); left <= whole/2 || left > whole {
			t.Errorf("%v ms left of %v", left, whole)
		}
		if !strings.Contains(got[5].(string), "[$LATEST]") || len(got[6].(string)) != 36 {
			t.Errorf("log stream %v, request id %v", got[5], got[6])
		}
	})
	failures := map[string]struct{ handler, source, errorType, message string }{
		"exception":           {"app.handler", "def handler(e, c):\n    raise ValueError('bad ' + e['x'])\n", "ValueError", "bad y"},
		"no such module":      {"nope.handler", "", "Runtime.ImportModuleError", "No module named 'nope'"},
		"no such handler":     {"app.nope", "", "Runtime.HandlerNotFound", "nope"},
		"malformed handler":   {"app", "", "Runtime.MalformedHandlerName", "app"},
		"syntax error":        {"app.handler", "def handler(:\n", "Runtime.UserCodeSyntaxError", "Syntax error"},
		"error in the module": {"app.handler", "1/0\n", "ZeroDivisionError", "division by zero"},
		"not serialisable":    {"app.handler", "def handler(e, c):\n    return {1, 2}\n", "Runtime.MarshalError", "set"},
		"exit":                {"app.handler", "import os\ndef handler(e, c):\n    os._exit(3)\n", "Runtime.ExitError", "exit status 3"},
		"exit without reason": {"app.handler", "import os\ndef handler(e, c):\n    os._exit(0)\n", "Runtime.ExitError", "without providing a reason"},
		"exit during init":    {"app.handler", "import os\nos._exit(4)\n", "Runtime.ExitError", "exit status 4"},
		"killed":              {"app.handler", "import os\ndef handler(e, c):\n    os.kill(os.getpid(), 9)\n", "Runtime.ExitError", "signal: killed"},
	}
	for what, c := range failures {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			name := deploy(t, c.handler, c.source)
			for range 2 { // the second time in an environment that has failed once
				f := s.Fails(t, name, `{"x":"y"}`)
				if f.Type != c.errorType || !strings.Contains(f.Message, c.message) {
					t.Errorf("got %s", f.Raw)
				}
				if !strings.Contains(f.Log, "REPORT RequestId: ") || !strings.Contains(f.Log, "Status: error") {
					t.Errorf("log:\n%s", f.Log)
				}
			}
		})
	}
}

// timedOut is how a message ends of a function of s with so many seconds, see thawtest.Function.
func timedOut(s *thawtest.Server, seconds int) string {
	return fmt.Sprintf("Task timed out after %d.00 seconds", s.Timeout(seconds))
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Timeout: 4, Files: thawtest.Files{"app.py": `
import os, subprocess, time
def handler(e, c):
    if e.get("sleep"):
        open("/tmp/kept", "w").write("kept")
        subprocess.Popen(["sleep", "600"])
        time.sleep(600)
    return [os.path.exists("/tmp/kept"), c.log_stream_name, len([p for p in os.listdir("/proc") if p.isdigit()])]
`}})
	var before, after []any
	s.Result(t, name, `{}`, &before)
	f := s.Fails(t, name, `{"sleep":true}`)
	if f.Type != "Sandbox.Timedout" || !strings.HasSuffix(f.Message, timedOut(s, 4)) {
		t.Errorf("got %s", f.Raw)
	}
	if !strings.Contains(f.Log, "Status: timeout") {
		t.Errorf("log:\n%s", f.Log)
	}
	s.Result(t, name, `{}`, &after)
	if after[0] != true || after[1] != before[1] {
		t.Errorf("before %v, after %v: /tmp and the log stream must survive a timeout", before, after)
	}
	if after[2] != before[2] {
		t.Errorf("%v processes before, %v after: what the function left must be gone", before[2], after[2])
	}
}

func TestInitThatIsTooSlowRunsAgainInTheInvocation(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Timeout: 2, Files: thawtest.Files{"app.py": `
import os, time
if not os.path.exists("/tmp/second"):
    open("/tmp/second", "w")
    time.sleep(60)
def handler(e, c):
    return "up"
`}})
	out := s.Call(t, name, `{}`)
	if string(out.Payload) != `"up"` || out.FunctionError != "" {
		t.Errorf("got %s", out.Payload)
	}
	if !strings.Contains(string(out.LogTail), "INIT_REPORT Init Duration: 10") || !strings.Contains(string(out.LogTail), "Status: timeout") {
		t.Errorf("log:\n%s", out.LogTail)
	}
}

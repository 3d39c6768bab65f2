package functions_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/node"
)

// internalExtension is a Python module with an extension in the runtime process: start registers it and has handle
// called with each event.
const internalExtension = `
import json, os, threading, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2020-01-01/extension/"
def call(path, headers, body=None):
    req = urllib.request.Request(api + path, data=body, headers=headers)
    with urllib.request.urlopen(req) as res:
        return res.headers, json.loads(res.read())
def start(name, handle, events=("INVOKE",)):
    headers, about = call("register", {"Lambda-Extension-Name": name}, json.dumps({"events": events}).encode())
    me = {"Lambda-Extension-Identifier": headers["Lambda-Extension-Identifier"]}
    def run():
        while True:
            handle(call("event/next", me)[1])
    threading.Thread(target=run, daemon=True).start()
    return about
`

// messages are the function's log lines.
func messages(t *testing.T, s *thawtest.Server, name, pattern string) (all []string) {
	t.Helper()
	in := client.FilterLogEventsInput{LogGroupName: "/aws/lambda/" + name, FilterPattern: pattern}
	for {
		page, err := s.FilterLogEvents(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			all = append(all, e.Message)
		}
		if in.NextToken = page.NextToken; in.NextToken == "" {
			return all
		}
	}
}

// awaitMessages waits until there are n log lines with the pattern.
func awaitMessages(t *testing.T, s *thawtest.Server, name, pattern string, n int) []string {
	t.Helper()
	for deadline := time.Now().Add(s.Allow(20 * time.Second)); ; time.Sleep(20 * time.Millisecond) {
		all := messages(t, s, name, pattern)
		if len(all) >= n {
			return all
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d lines with %s, want %d: %q", len(all), pattern, n, messages(t, s, name, ""))
		}
	}
}

// awaitIdleOf returns when no invocation of the function is under way: when its extensions are through with theirs, too.
func awaitIdleOf(t *testing.T, s *thawtest.Server, name string) {
	t.Helper()
	underWay := func() bool {
		return slices.ContainsFunc(s.Invocations(), func(c invoke.Count) bool { return c.Function == name && c.Running > 0 })
	}
	for deadline := time.Now().Add(s.Allow(20 * time.Second)); underWay(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still under way: %+v", s.Invocations())
		}
	}
}

func TestInternalExtension(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, func(c *node.Config) { c.KeepAlive, c.KeepAliveMin = 2*time.Second, 2*time.Second })
	name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Timeout: 3, MemoryMB: 1769, Files: thawtest.Files{
		"extension.py": internalExtension, "app.py": `
import signal, sys, time
import extension
seen = []
def handle(event):
    time.sleep(0.2)
    seen.append(event)
    if len(seen) == 3:
        time.sleep(100)
about = extension.start("mine", handle)
def ended(*args):
    print("the runtime got SIGTERM", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, ended)
def late():
    try:
        extension.start("late", print)
    except extension.urllib.request.HTTPError as e:
        return json.loads(e.read())["errorType"]
import json
def handler(e, c):
    time.sleep(e["hold"])
    return {"about": about, "seen": [[x["eventType"], x["requestId"], x["deadlineMs"] > 0, x["invokedFunctionArn"]] for x in seen],
            "id": c.aws_request_id, "late": late(), "arn": c.invoked_function_arn}
`}})
	type result struct {
		About    map[string]string
		Seen     [][]any
		ID, Late string
		ARN      string
	}
	var first, second result
	s.Result(t, name, `{"hold":0}`, &first)
	if first.About["functionName"] != name || first.About["functionVersion"] != "$LATEST" || first.About["handler"] != "app.handler" {
		t.Errorf("registered as %v", first.About)
	}
	if len(first.Seen) != 0 || first.Late != "Extension.RegistrationClosed" {
		t.Errorf("%+v", first)
	}
	awaitIdleOf(t, s, name) // so that the same environment is used
	s.Result(t, name, `{"hold":0}`, &second)
	if len(second.Seen) != 1 || second.Seen[0][0] != "INVOKE" || second.Seen[0][1] != first.ID || second.Seen[0][2] != true || second.Seen[0][3] != second.ARN {
		t.Errorf("the extension saw %v of %+v", second.Seen, first)
	}
	if lines := awaitMessages(t, s, name, `"EXTENSION"`, 1); lines[0] != "EXTENSION\tName: mine\tState: Ready\tEvents: [INVOKE]" {
		t.Errorf("got %q", lines)
	}
	// The third event is never finished: the timeout covers the extension, and resets the environment.
	awaitIdleOf(t, s, name)
	s.Result(t, name, `{"hold":0}`, &second)
	awaitMessages(t, s, name, `"the runtime got SIGTERM"`, 1)
	var after result
	s.Result(t, name, `{"hold":0}`, &after)
	if len(after.Seen) != 0 {
		t.Errorf("after a reset: %+v", after)
	}
	awaitMessages(t, s, name, `"the runtime got SIGTERM"`, 2) // at the end of its keep-alive
}

func TestWrapperScript(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	app := map[string]thawtest.Function{
		"python": {Runtime: thawtest.Python(t), Handler: "app.handler", Files: thawtest.Files{
			"app.py": "import os\ndef handler(e, c):\n    return [os.environ['WRAPPED'], os.environ['_HANDLER']]\n"}},
		"node": {Runtime: thawtest.Node(t), Handler: "app.handler", Files: thawtest.Files{
			"app.js": "exports.handler = async () => [process.env.WRAPPED, process.env._HANDLER]\n"}},
	}
	for family, fn := range app {
		t.Run(family, func(t *testing.T) {
			t.Parallel()
			fn.Files["wrapper*"] = "#!/bin/sh\nexport WRAPPED=\"yes by $1\"\necho wrapping\nexec \"$@\"\n"
			fn.Env = map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"}
			name := s.Deploy(t, fn)
			for range 2 {
				var got []string
				s.Result(t, name, `{}`, &got)
				if len(got) != 2 || !strings.HasPrefix(got[0], "yes by /var/lang/bin/"+family) || got[1] != "app.handler" {
					t.Errorf("got %v", got)
				}
			}
		})
	}
	for what, c := range map[string]struct{ file, status, says string }{
		"missing":        {"other", "exit status 127", "/var/task/wrapper: does not exist"},
		"not executable": {"wrapper", "exit status 126", "/var/task/wrapper: is not an executable"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			fn := app["python"]
			fn.Files = thawtest.Files{c.file: "#!/bin/sh\n"}
			fn.Env = map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"}
			f := s.Fails(t, s.Deploy(t, fn), `{}`)
			if f.Type != "Runtime.ExitError" || !strings.HasSuffix(f.Message, c.status) || !strings.Contains(f.Log, c.says) {
				t.Errorf("got %s\n%s", f.Raw, f.Log)
			}
		})
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Files: thawtest.Files{"app.py": `
import os, urllib.request
def ask(token):
    url = "http://" + os.environ["AWS_LAMBDA_METADATA_API"] + "/2026-01-15/metadata/execution-environment"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": "Bearer " + token})) as res:
            return res.read().decode() + " " + res.headers["Cache-Control"]
    except urllib.request.HTTPError as e:
        return e.code
def handler(e, c):
    return [ask(os.environ["AWS_LAMBDA_METADATA_TOKEN"]), ask("wrong")]
`}})
	out := s.Call(t, name, `{}`)
	if want := `["{\"AvailabilityZoneID\":\"use1-az1\"} private, max-age=43200, immutable", 401]`; string(out.Payload) != want {
		t.Errorf("got %s\n%s", out.Payload, out.LogTail)
	}
}

// externalExtension is a Python program that says on its output what happens to it.
const externalExtension = "#!/var/lang/bin/%s" + extensionAPI + `
about = register(os.path.basename(sys.argv[0]), "INVOKE", "SHUTDOWN")
hidden = [k for k in os.environ if k.startswith("_") or k in ("AWS_EXECUTION_ENV", "LAMBDA_TASK_ROOT", "AWS_LAMBDA_LOG_GROUP_NAME")]
print("outer has", os.environ["AWS_REGION"], os.environ["MINE"], about["handler"], hidden, flush=True)
while True:
    event = next_event()
    if event["eventType"] == "SHUTDOWN":
        print("outer ends:", event["shutdownReason"], event["deadlineMs"] > time.time() * 1000, flush=True)
        sys.exit()
    for _ in range(10): # the handler has as long to say so
        time.sleep(0.1)
        if os.path.exists("/tmp/crash"):
            os.unlink("/tmp/crash")
            sys.exit(4)
    print("outer saw", event["requestId"], flush=True)
`

func TestExternalExtension(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	runtime := thawtest.Python(t)
	layer := s.Layer(t, "extension", thawtest.Files{"extensions/outer*": strings.Replace(externalExtension, "%s", runtime, 1)})
	name := s.Deploy(t, thawtest.Function{
		Runtime: runtime, Handler: "app.handler", Timeout: 4, MemoryMB: 1769, Layers: []string{layer}, Env: map[string]string{"MINE": "yes"},
		Files: thawtest.Files{"app.py": `
import os, time
calls = 0
def handler(e, c):
    global calls
    calls += 1
    if e.get("crash"):
        open("/tmp/crash", "w").close()
    time.sleep(e.get("hold", 0))
    return [calls, c.aws_request_id]
`}})
	for range 2 {
		var got []any
		s.Result(t, name, `{}`, &got)
		awaitMessages(t, s, name, `"outer saw `+got[1].(string)+`"`, 1)
	}
	if lines := awaitMessages(t, s, name, `"outer has"`, 1); !strings.Contains(lines[0], "outer has us-east-1 yes app.handler []") {
		t.Errorf("got %q", lines[0])
	}
	if lines := messages(t, s, name, `"EXTENSION"`); len(lines) == 0 || lines[0] != "EXTENSION\tName: outer\tState: Ready\tEvents: [INVOKE, SHUTDOWN]" {
		t.Errorf("got %q", lines)
	}
	if f := s.Fails(t, name, `{"hold":60}`); f.Type != "Sandbox.Timedout" {
		t.Errorf("got %s", f.Raw)
	}
	awaitMessages(t, s, name, `"outer ends: timeout True"`, 1)
	f := s.Fails(t, name, `{"crash":1,"hold":60}`)
	if f.Type != "Extension.Crash" || !strings.HasSuffix(f.Message, "Error: exit status 4") {
		t.Errorf("got %s\n%s", f.Raw, f.Log)
	}
	var got []any
	s.Result(t, name, `{}`, &got)
	if err := s.DeleteFunction(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	awaitMessages(t, s, name, `"outer ends: spindown True"`, 1)
}

// TestExtensionThatCannotStart: the invocation says why.
func TestExtensionThatCannotStart(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	for what, c := range map[string]struct {
		files              thawtest.Files
		errorType, message string
	}{
		"not executable": {thawtest.Files{"extensions/outer": "#!/bin/sh\n"}, "Extension.LaunchError", "permission denied"},
		"exits":          {thawtest.Files{"extensions/outer*": "#!/bin/sh\nexit 5\n"}, "Extension.Crash", "exit status 5"},
		"too many": {thawtest.Files{"extensions/a*": "1", "extensions/b*": "1", "extensions/c*": "1", "extensions/d*": "1", "extensions/e*": "1",
			"extensions/f*": "1", "extensions/g*": "1", "extensions/h*": "1", "extensions/i*": "1", "extensions/j*": "1", "extensions/k*": "1"},
			"Extension.LaunchError", "at most 10"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			layer := s.Layer(t, strings.ReplaceAll(what, " ", "-"), c.files)
			name := s.Deploy(t, thawtest.Function{Runtime: "provided.al2023", Handler: "x", Layers: []string{layer}, Files: shell("cat")})
			if f := s.Fails(t, name, `{}`); f.Type != c.errorType || !strings.Contains(f.Message, c.message) {
				t.Errorf("got %s\n%s", f.Raw, f.Log)
			}
		})
	}
}

// TestWrapperInALayer starts a program in the place of the bundled runtime that speaks the Runtime API itself.
func TestWrapperInALayer(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	runtime := thawtest.Python(t)
	layer := s.Layer(t, "wrapper", thawtest.Files{
		"bootstrap*": "#!/bin/sh\nexec /var/lang/bin/" + runtime + " /opt/own.py \"$_HANDLER\"\n",
		"own.py": `
import json, os, sys, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as res:
        event, id = json.loads(res.read()), res.headers["Lambda-Runtime-Aws-Request-Id"]
    answer = json.dumps({"event": event, "handler": sys.argv[1]}).encode()
    urllib.request.urlopen(urllib.request.Request(api + id + "/response", data=answer)).close()
`})
	name := s.Deploy(t, thawtest.Function{
		Runtime: runtime, Handler: "run.sh", Layers: []string{layer}, Env: map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap"},
		Files: thawtest.Files{"run.sh": ""},
	})
	for range 3 {
		if out := s.Call(t, name, `{"a":1}`); string(out.Payload) != `{"event": {"a": 1}, "handler": "run.sh"}` {
			t.Errorf("got %s\n%s", out.Payload, out.LogTail)
		}
	}
}

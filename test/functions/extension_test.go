package functions_test

import (
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/thawtest"
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
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		all := messages(t, s, name, pattern)
		if len(all) >= n {
			return all
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d lines with %s, want %d: %q", len(all), pattern, n, messages(t, s, name, ""))
		}
	}
}

func TestInternalExtension(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, func(c *node.Config) { c.KeepAlive, c.KeepAliveMin = 2*time.Second, 2*time.Second })
	name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Timeout: 3, Files: thawtest.Files{
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
	s.Result(t, name, `{"hold":0}`, &second) // the same environment, when the extension was through with the first event
	if len(second.Seen) != 1 || second.Seen[0][0] != "INVOKE" || second.Seen[0][1] != first.ID || second.Seen[0][2] != true || second.Seen[0][3] != second.ARN {
		t.Errorf("the extension saw %v of %+v", second.Seen, first)
	}
	if lines := awaitMessages(t, s, name, `"EXTENSION"`, 1); lines[0] != "EXTENSION\tName: mine\tState: Ready\tEvents: [INVOKE]" {
		t.Errorf("got %q", lines)
	}
	// The third event is never finished: the timeout covers the extension, and resets the environment.
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

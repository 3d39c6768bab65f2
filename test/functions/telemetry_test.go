package functions_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/node"
)

// extensionAPI has external extensions speak HTTP by themselves: where machines are emulated Python's modules for that
// take most of the time that init may take.
const extensionAPI = `
import json, os, socket, sys, threading, time
api = os.environ["AWS_LAMBDA_RUNTIME_API"]
host, port = api.split(":")
me = {}
def message(f):
    fields = {}
    while line := f.readline().decode().strip():
        name, _, value = line.partition(": ")
        fields[name.lower()] = value
    return fields, f.read(int(fields.get("content-length", 0)))
def call(method, path, body=None, headers={}):
    data = b"" if body is None else json.dumps(body).encode()
    lines = ["%s %s HTTP/1.1" % (method, path), "Host: " + api, "Content-Length: %d" % len(data)]
    lines += [name + ": " + value for name, value in dict(me, **headers).items()]
    with socket.create_connection((host, int(port))) as s, s.makefile("rb") as f:
        s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + data)
        status = int(f.readline().split()[1])
        fields, text = message(f)
        return status, fields, text.decode()
def register(name, *events):
    _, fields, about = call("POST", "/2020-01-01/extension/register", {"events": events}, {"Lambda-Extension-Name": name})
    me["Lambda-Extension-Identifier"] = fields["lambda-extension-identifier"]
    return json.loads(about)
def next_event():
    return json.loads(call("GET", "/2020-01-01/extension/event/next")[2])
`

// spy is an external extension that keeps what it gets of telemetry in /tmp/events, one event a line.
const spy = extensionAPI + `
def keep(events):
    with open("/tmp/events", "a") as f:
        f.write("".join(json.dumps(e) + "\n" for e in events))
def posts(server):
    while True:
        conn, _ = server.accept()
        with conn, conn.makefile("rb") as f:
            while f.readline():
                keep(json.loads(message(f)[1]))
                conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
def lines(server):
    conn, _ = server.accept()
    for line in conn.makefile():
        keep([json.loads(line)])
def subscribe():
    API, TCP = API_AND_PROTOCOL
    types = {"types": ["platform", "function", "extension"], "buffering": {"timeoutMs": 25}}
    server = socket.create_server(("sandbox.localdomain", 4243))
    threading.Thread(target=lines if TCP else posts, args=(server,), daemon=True).start()
    if TCP:
        types["destination"] = {"protocol": "TCP", "port": 4243}
    else:
        types["destination"] = {"protocol": "HTTP", "URI": "http://sandbox.localdomain:4243/here"}
    other = "/2020-08-15/logs" if API.startswith("/2022") else "/2022-07-01/telemetry"
    refused = [call("PUT", API, {"types": []})[::2], call("PUT", API, dict(types, buffering={"maxItems": 1}))[::2]]
    keep([{"type": "answers", "record": refused + [call("PUT", API, types)[::2], call("PUT", other, types)[::2]]}])
    return API, types
register("spy", "INVOKE")
again = subscribe()
print("spying", flush=True)
next_event()
keep([{"type": "late", "record": call("PUT", *again)[::2]}])
while True:
    next_event()
`

const spied = `
import time
print("early")
def handler(e, c):
    print("line of " + c.aws_request_id)
    print('{"level":"INFO"}')
    if e.get("fail"):
        raise ValueError("bad")
    return [c.aws_request_id, open("/tmp/events").read()]
`

type event struct {
	Time, Type string
	Record     json.RawMessage
}

// TestTelemetryExtension has an external extension subscribe, by each API and protocol, and looks at what it gets.
func TestTelemetryExtension(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, func(c *node.Config) { c.FreezeAfter = 0 })
	runtime := thawtest.Python(t)
	for name, c := range map[string]struct{ api, tcp, closed, logFormat string }{
		"Telemetry by HTTP": {"/2022-07-01/telemetry", "False", "Telemetry", "JSON"},
		"Telemetry by TCP":  {"/2022-07-01/telemetry", "True", "Telemetry", "Text"},
		"Logs by HTTP":      {"/2020-08-15/logs", "False", "Logs", "Text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := strings.Replace(spy, "API_AND_PROTOCOL", `"`+c.api+`", `+c.tcp, 1)
			layer := s.Layer(t, "spy", thawtest.Files{"extensions/spy*": "#!/var/lang/bin/" + runtime + "\n" + program})
			function := s.Deploy(t, thawtest.Function{
				Runtime: runtime, Handler: "app.handler", Files: thawtest.Files{"app.py": spied}, Layers: []string{layer},
				Logging: &client.LoggingConfig{LogFormat: c.logFormat},
			})
			got := awaitEvents(t, s, function, func(all []event) bool {
				return served(all) != "" && (c.closed == "Logs" || strings.Contains(text(of(all, "platform.report")), "ValueError"))
			})
			id := served(got)
			check := func(kind, want string) {
				t.Helper()
				for _, e := range got {
					if e.Type == kind && strings.Contains(string(e.Record), want) {
						return
					}
				}
				t.Errorf("no %s with %s in %s", kind, want, text(got))
			}
			check("answers", `types should not be empty`)
			check("answers", `buffering.maxItems should be from 1000 to 10000`)
			check("answers", `[200, "OK"], [400, `)
			check("late", `[403, "{\"errorMessage\":\"`+c.closed+` API subscription is closed already\",\"errorType\":\"`+c.closed+`.SubscriptionClosed\"}"]`)
			check("function", `"early"`)
			check("function", `"line of `+id+`"`)
			check("extension", `"spying"`)
			for _, e := range of(got, "function") {
				if strings.Contains(string(e.Record), "spying") {
					t.Error("the extension's line is the function's")
				}
			}
			check("platform.start", `"requestId": "`+id+`", "version": "$LATEST"`)
			check("platform.extension", `{"name": "spy", "state": "Ready", "events": ["INVOKE"]}`)
			if c.closed == "Logs" {
				check("platform.logsSubscription", `{"name": "spy", "state": "Subscribed", "types": ["platform", "function", "extension"]}`)
				check("platform.report", `{"requestId": "`+id+`", "metrics": {"durationMs": `)
				check("platform.end", `{"requestId": "`+id+`"}`)
				check("function", `"{\"level\":\"INFO\"}"`)
				if len(of(got, "platform.initStart"))+len(of(got, "platform.runtimeDone")) > 0 {
					t.Errorf("the Logs API has %s", text(got))
				}
				return
			}
			check("platform.initStart", `"functionName": "`+function+`", "functionVersion": "$LATEST"`)
			check("platform.initRuntimeDone", `{"initializationType": "on-demand", "phase": "init", "status": "success"}`)
			check("platform.telemetrySubscription", `{"name": "spy", "state": "Subscribed", "types": ["platform", "function", "extension"]}`)
			check("platform.runtimeDone", `{"requestId": "`+id+`", "status": "success", "metrics": {"durationMs": `)
			check("platform.report", `{"requestId": "`+id+`", "status": "success", "metrics": {"durationMs": `)
			check("platform.report", `"status": "error", "errorType": "ValueError"`)
			if c.logFormat == "JSON" {
				check("function", `{"level": "INFO"}`)
			} else {
				check("function", `"{\"level\":\"INFO\"}"`)
			}
			order := []string{"platform.initStart", "platform.initRuntimeDone", "platform.start", "function", "platform.runtimeDone", "platform.report"}
			at := -1
			for _, kind := range order {
				next := slices.IndexFunc(got[at+1:], func(e event) bool { return e.Type == kind })
				if next < 0 {
					t.Fatalf("%s does not come after what has to come before it: %s", kind, text(got))
				}
				at += next + 1
			}
		})
	}
}

// served is the id of an invocation that went well and is reported, "" if there is none.
func served(all []event) string {
	for _, e := range of(all, "platform.report") {
		var r struct{ RequestID, Status string }
		if json.Unmarshal(e.Record, &r) == nil && r.Status != "error" && strings.Contains(text(of(all, "function")), r.RequestID) {
			return r.RequestID
		}
	}
	return ""
}

// awaitEvents calls the function, with and without failures, until the extension in an environment has what is wanted.
// Each call waits until the extension is through with the one before: its environment is the only one.
func awaitEvents(t *testing.T, s *thawtest.Server, function string, enough func([]event) bool) []event {
	t.Helper()
	for deadline := time.Now().Add(s.Allow(20 * time.Second)); ; {
		var answer []string
		s.Call(t, function, `{"fail":true}`)
		awaitIdleOf(t, s, function)
		s.Result(t, function, `{}`, &answer)
		awaitIdleOf(t, s, function)
		var all []event
		for line := range strings.Lines(answer[1]) {
			var e event
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			all = append(all, e)
		}
		if enough(all) {
			return all
		}
		if time.Now().After(deadline) {
			t.Fatalf("the extension has only %s", answer[1])
		}
	}
}

func of(all []event, kind string) (out []event) {
	for _, e := range all {
		if e.Type == kind {
			out = append(out, e)
		}
	}
	return out
}

func text(all []event) string {
	var b strings.Builder
	for _, e := range all {
		b.WriteString("\n" + e.Time + " " + e.Type + " " + string(e.Record))
	}
	return b.String()
}

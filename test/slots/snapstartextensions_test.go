package slots_test

import (
	"strings"
	"testing"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/node"
	"thaw.dev/thaw/pool"
)

// outer is an external extension with telemetry. It says on its output what happens to it, and with each event what its
// token and its credentials are worth.
const outer = `
import json, os, sys, threading, urllib.request, uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
base, me, boot = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"], {}, uuid.uuid4()
def call(method, path, body=None, headers={}, base=base):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(base + path, data=data, method=method, headers=dict(me, **headers))) as res:
        return res.headers, res.read().decode()
class Listener(BaseHTTPRequestHandler):
    def do_POST(self):
        with open("/tmp/events", "ab") as f:
            f.write(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()
    def log_message(self, *args):
        pass
headers, _ = call("POST", "/2020-01-01/extension/register", {"events": ["INVOKE", "SHUTDOWN"]}, {"Lambda-Extension-Name": "outer"})
me["Lambda-Extension-Identifier"] = headers["Lambda-Extension-Identifier"]
threading.Thread(target=HTTPServer(("sandbox.localdomain", 4243), Listener).serve_forever, daemon=True).start()
call("PUT", "/2022-07-01/telemetry", {"types": ["platform"], "buffering": {"timeoutMs": 25},
    "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:4243/"}})
while True:
    event = json.loads(call("GET", "/2020-01-01/extension/event/next")[1])
    if event["eventType"] == "SHUTDOWN":
        print("outer", boot, "ends:", event["shutdownReason"], flush=True)
        sys.exit()
    zone = call("GET", "/2026-01-15/metadata/execution-environment", headers={"Authorization": "Bearer " + os.environ["AWS_LAMBDA_METADATA_TOKEN"]})[1]
    keys = call("GET", "", headers={"Authorization": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]}, base=os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"])[1]
    print("outer", boot, "saw", event["requestId"], zone, "AccessKeyId" in keys, flush=True)
`

// inner is a module with an internal extension in Python.
const inner = `
import json, os, threading, urllib.request
api, seen = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2020-01-01/extension/", []
def call(path, headers, body=None):
    with urllib.request.urlopen(urllib.request.Request(api + path, data=body, headers=headers)) as res:
        return res.headers, json.loads(res.read())
headers, _ = call("register", {"Lambda-Extension-Name": "inner"}, b'{"events":["INVOKE"]}')
me = {"Lambda-Extension-Identifier": headers["Lambda-Extension-Identifier"]}
def run():
    while True:
        seen.append(call("event/next", me)[1]["requestId"])
threading.Thread(target=run, daemon=True).start()
`

// TestSnapStartWithExtensions: extensions of both kinds register before the snapshot and go on in every copy.
func TestSnapStartWithExtensions(t *testing.T) {
	s := thawtest.Start(t, func(c *node.Config) { c.FreezeAfter = 0 })
	runtime := thawtest.Python(t)
	layer := s.Layer(t, "outer", thawtest.Files{"extensions/outer*": "#!/var/lang/bin/" + runtime + outer})
	name := s.Deploy(t, thawtest.Function{Runtime: runtime, Handler: "app.handler", Timeout: 20, MemoryMB: 1769, Layers: []string{layer}, Files: thawtest.Files{
		"inner.py": inner, "app.py": `
import os, time, uuid
import inner
from snapshot_restore_py import register_after_restore
boot, restored = str(uuid.uuid4()), []
register_after_restore(restored.append, True)
def handler(e, c):
    time.sleep(e.get("hold", 0))
    events = open("/tmp/events").read() if os.path.exists("/tmp/events") else ""
    return {"id": c.aws_request_id, "boot": boot, "restored": restored, "inner": inner.seen[:-1], "events": events}
`}})
	if v := publish(t, s, name, true); v.State != "Active" || v.SnapStart.OptimizationStatus != "On" {
		t.Fatalf("%+v", v)
	}
	type result struct {
		ID, Boot, Events string
		Restored         []bool
		Inner            []string
	}
	// Two copies at once, and then both again.
	rounds := [2][2]result{}
	for n := range rounds {
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.Result(t, name+":1", `{"hold":1}`, &rounds[n][0])
		}()
		s.Result(t, name+":1", `{"hold":1}`, &rounds[n][1])
		<-done
		await(t, s, "both copies are idle", func(st pool.Status) bool { return len(s.Invocations()) == 0 })
	}
	first, second := rounds[0], rounds[1]
	if es := environments(s.Status(), name); len(es) != 2 || es[0].Source != pool.SourceSnapshot || es[1].Source != pool.SourceSnapshot {
		t.Errorf("%+v\n%s", es, s.Log.Tail(30))
	}
	for _, r := range append(first[:], second[:]...) {
		if r.Boot != first[0].Boot || len(r.Restored) != 1 {
			t.Errorf("not of the snapshot: %+v", r)
		}
	}
	for i := range second {
		before := first[0]
		if len(second[i].Inner) != 1 {
			t.Fatalf("the internal extension saw %v before %s", second[i].Inner, second[i].ID)
		}
		if second[i].Inner[0] != before.ID {
			before = first[1]
		}
		if second[i].Inner[0] != before.ID {
			t.Errorf("the internal extension saw %v before %s", second[i].Inner, second[i].ID)
		}
		for _, want := range []string{`"platform.initStart"`, `"platform.restoreStart"`, `"platform.restoreReport"`, `"platform.start","record":{"requestId":"` + before.ID, `"platform.report","record":{"requestId":"` + before.ID} {
			if got := strings.ReplaceAll(second[i].Events, `": `, `":`); strings.Count(got, want) != 1 {
				t.Errorf("telemetry has %s %d times:\n%s", want, strings.Count(got, want), got)
			}
		}
	}
	if err := s.DeleteFunction(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	var lines []string
	await(t, s, "both copies of the extension end", func(pool.Status) bool {
		lines = printed(t, s, name, `"outer "`)
		return strings.Count(strings.Join(lines, "\n"), "ends: spindown") == 2
	})
	_, boot, _ := strings.Cut(lines[0], " ")
	boot, _, _ = strings.Cut(boot, " ")
	for _, r := range append(first[:], second[:]...) {
		if want := "outer " + boot + " saw " + r.ID + ` {"AvailabilityZoneID":"use1-az1"} True`; !strings.Contains(strings.Join(lines, "\n"), want) {
			t.Errorf("no %s in\n%s", want, strings.Join(lines, "\n"))
		}
	}
}

// printed is what the function and its extensions printed, as far as it has the pattern.
func printed(t *testing.T, s *thawtest.Server, name, pattern string) (all []string) {
	t.Helper()
	page, err := s.FilterLogEvents(t.Context(), client.FilterLogEventsInput{LogGroupName: "/aws/lambda/" + name, FilterPattern: pattern})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Events {
		all = append(all, e.Message)
	}
	return all
}

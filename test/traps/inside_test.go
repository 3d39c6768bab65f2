package traps_test

import (
	"encoding/json"
	"strings"
	"testing"

	"thaw.dev/thaw/internal/thawtest"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	s := server(t)
	name := python(t, `
import os, resource
def handler(e, c):
    if e.get("bytes"):
        return len(bytearray(b"x") * e["bytes"])
    refused = []
    for path in ["/var/task/new", "/opt/new", "/etc/new", "/new", "/var/runtime/new"]:
        try:
            open(path, "w")
        except OSError:
            refused.append(path)
    tmp = os.statvfs("/tmp")
    return {"files": resource.getrlimit(resource.RLIMIT_NOFILE)[0], "processes": resource.getrlimit(resource.RLIMIT_NPROC)[0],
            "refused": refused, "tmp": tmp.f_blocks * tmp.f_frsize >> 20, "uid": os.getuid() > 0, "cwd": os.getcwd()}
`, timeout(20), func(fn *thawtest.Function) { fn.EphemeralMB = 600 })
	out := s.Call(t, name, `{}`)
	want := `{"files": 1024, "processes": 1024, "refused": ["/var/task/new", "/opt/new", "/etc/new", "/new", "/var/runtime/new"], "tmp": 600, "uid": true, "cwd": "/var/task"}`
	if string(out.Payload) != want {
		t.Errorf("got %s\nwant %s", out.Payload, want)
	}
	f := s.Fails(t, name, `{"bytes":400000000}`) // of 256 MB
	if f.Type != "Runtime.OutOfMemory" && !strings.HasSuffix(f.Message, "signal: killed") {
		t.Errorf("got %s", f.Raw)
	}
	for setting, body := range map[string]string{
		"VpcConfig":         `{"VpcConfig":{"SubnetIds":["subnet-0123456789abcdef0"],"SecurityGroupIds":["sg-0123456789abcdef0"]}}`,
		"FileSystemConfigs": `{"FileSystemConfigs":[{"Arn":"arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0","LocalMountPath":"/mnt/a"}]}`,
	} {
		fails(t, s.Do(t, "PUT", functions+"/"+name+"/configuration", body), 400, "InvalidParameterValueException", `{"Type":"User","message":"`+setting)
	}
}

// talking is a program in place of the bundled runtime: it says what the Runtime API answered to calls out of order.
const talking = `
import json, os, time, urllib.error, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/"
def call(path, body=None, headers={}):
    try:
        with urllib.request.urlopen(urllib.request.Request(api + path, data=body, headers=headers)) as res:
            return res.status, res.read().decode(), res.headers
    except urllib.error.HTTPError as e:
        return e.code, json.loads(e.read())["errorType"], e.headers
nobody = "invocation/00000000-0000-4000-8000-000000000000/"
seen = {"response before next": call(nobody + "response", b"1")[:2], "restore": call("restore/next")[0]}
time.sleep(2)
while True:
    status, event, headers = call("invocation/next")
    left = int(headers["Lambda-Runtime-Deadline-Ms"]) / 1000 - time.time()
    id = headers["Lambda-Runtime-Aws-Request-Id"]
    path = "invocation/" + id + "/"
    if event == '"error"':
        call(path + "error", b'{"mine":1}', {"Lambda-Runtime-Function-Error-Type": "not a type"})
    elif event == '"own error"':
        call(path + "error", b'{"mine":2}', {"Lambda-Runtime-Function-Error-Type": "Function.Own"})
    else:
        seen["init error after next"] = call("init/error", b"{}")[:2]
        seen["unknown id"] = call(nobody + "response", b"1")[:2]
        again = call("invocation/next")
        seen["next again"] = [again[0], again[1] == event, again[2]["Lambda-Runtime-Aws-Request-Id"] == id]
        seen["mode"] = None
        seen["left"] = left
        seen["arn"] = headers["Lambda-Runtime-Invoked-Function-Arn"]
        seen["type"] = headers["Content-Type"]
        seen["none"] = headers["Lambda-Runtime-Client-Context"]
        call(path + "response", json.dumps(seen).encode())
        seen["answered twice"] = call(path + "response", b"1")[:2]
`

func TestRuntimeAPI(t *testing.T) {
	t.Parallel()
	s := server(t)
	runtime := thawtest.Python(t)
	name := deploy(t, thawtest.Function{Runtime: runtime, Timeout: 30, Env: map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/start"}, Files: thawtest.Files{
		"start*": "#!/bin/sh\nexec /var/lang/bin/" + runtime + " /var/task/talking.py\n", "talking.py": talking, "app.py": "",
	}}, nil)
	var got map[string]any
	s.Result(t, name, `{}`, &got)
	s.Result(t, name, `{}`, &got)
	left, _ := got["left"].(float64)
	if left < 28.1 || left > 30.1 {
		t.Errorf("%.3f s left: the deadline counts from the invocation, not from init, which took 2 s", left)
	}
	for what, want := range map[string]string{
		"response before next": `[400,"InvalidRequestID"]`, "restore": `404`, "init error after next": `[403,"InvalidStateTransition"]`,
		"unknown id": `[400,"InvalidRequestID"]`, "next again": `[200,true,true]`, "answered twice": `[400,"InvalidRequestID"]`,
		"arn": `"` + fnARN + name + `"`, "type": `"application/json"`, "none": `null`,
	} {
		if b, _ := json.Marshal(got[what]); string(b) != want {
			t.Errorf("%s: %s, want %s", what, b, want)
		}
	}
	for event, want := range map[string][2]string{"error": {`{"mine":1}`, "Error Type: Runtime.Unknown"}, "own error": {`{"mine":2}`, "Error Type: Function.Own"}} {
		if f := s.Fails(t, name, `"`+event+`"`); f.Raw != want[0] || !strings.Contains(f.Log, want[1]) {
			t.Errorf("%s: %s\n%s", event, f.Raw, f.Log)
		}
	}
}

func TestExtensions(t *testing.T) {
	t.Parallel()
	s := server(t)
	name := python(t, `
import json, os, threading, time, urllib.error, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2020-01-01/extension/"
def call(path, headers, body=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(api + path, data=body, headers=headers)) as res:
            return res.status, res.headers
    except urllib.error.HTTPError as e:
        return [e.code, json.loads(e.read())["errorType"]]
def register(name, events):
    return call("register", {"Lambda-Extension-Name": name}, json.dumps({"events": events}).encode())
seen = {
    "no name": call("register", {}, b"{}"),
    "SHUTDOWN": register("inside", ["SHUTDOWN"]),
    "unknown event": register("inside", ["LUNCH"]),
    "no identifier": call("event/next", {}),
    "invalid identifier": call("event/next", {"Lambda-Extension-Identifier": "me"}),
    "unknown identifier": call("event/next", {"Lambda-Extension-Identifier": "00000000-0000-4000-8000-000000000000"}),
    "telemetry": call("../../2022-07-01/telemetry", {}, b"{}"),
}
me = {"Lambda-Extension-Identifier": register("inside", ["INVOKE"])[1]["Lambda-Extension-Identifier"]}
seen["no type"] = call("exit/error", me, b"{}")
def handler(e, c):
    seen["late"] = register("late", ["INVOKE"])
    time.sleep(e.get("hold", 0))
    return seen
def run():
    call("event/next", me)
    call("event/next", me)
    call("exit/error", {**me, "Lambda-Extension-Function-Error-Type": "Extension.Tired"}, b'{"errorMessage":"enough","errorType":"Extension.Tired"}')
threading.Thread(target=run, daemon=True).start()
`)
	var got map[string]any
	s.Result(t, name, `{}`, &got)
	for what, want := range map[string]string{
		"no name": `[403,"Extension.InvalidExtensionName"]`, "SHUTDOWN": `[403,"Extension.InvalidEventType"]`, "unknown event": `[403,"Extension.InvalidEventType"]`,
		"no identifier": `[403,"Extension.MissingExtensionIdentifier"]`, "invalid identifier": `[403,"Extension.InvalidExtensionIdentifier"]`,
		"unknown identifier": `[403,"Extension.UnknownExtensionIdentifier"]`, "no type": `[403,"Extension.MissingHeader"]`, "late": `[403,"Extension.RegistrationClosed"]`,
	} {
		if b, _ := json.Marshal(got[what]); string(b) != want {
			t.Errorf("%s: %s, want %s", what, b, want)
		}
	}
	// The second invocation ends with the extension.
	if f := s.Fails(t, name, `{"hold":60}`); f.Type != "Extension.ExitError" || !strings.HasSuffix(f.Message, "Error: Extension.Tired") {
		t.Errorf("got %s", f.Raw)
	}
}

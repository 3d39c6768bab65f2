package functions_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"strings"
	"testing"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/thawtest"
)

func TestEnvironment(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	runtime := thawtest.Python(t)
	t.Run("variables", func(t *testing.T) {
		t.Parallel()
		name := s.Deploy(t, thawtest.Function{Runtime: runtime, Handler: "app.handler", MemoryMB: 300,
			Env:   map[string]string{"MINE": "yes", "TZ": "Asia/Tokyo"},
			Files: thawtest.Files{"app.py": "import os, time\ndef handler(e, c):\n    return {**os.environ, 'zone': time.tzname[0]}\n"}})
		got := map[string]string{}
		s.Result(t, name, `{}`, &got)
		want := variables(name, "app.handler", runtime, "300")
		maps.Copy(want, map[string]string{"MINE": "yes", "TZ": "Asia/Tokyo", "zone": "JST", "PYTHONPATH": "/var/runtime"})
		wantVariables(t, got, want)
	})
	t.Run("variables of Node.js", func(t *testing.T) {
		t.Parallel()
		runtime := thawtest.Node(t)
		name := s.Deploy(t, thawtest.Function{Runtime: runtime, Handler: "app.handler", MemoryMB: 256,
			Files: thawtest.Files{"app.js": "exports.handler = async () => process.env;\n"}})
		got := map[string]string{}
		s.Result(t, name, `{}`, &got)
		want := variables(name, "app.handler", runtime, "256")
		major := strings.TrimSuffix(strings.TrimPrefix(runtime, "nodejs"), ".x")
		want["NODE_PATH"] = "/opt/nodejs/node" + major + "/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task"
		wantVariables(t, got, want)
	})
	t.Run("variables of a custom runtime", func(t *testing.T) {
		t.Parallel()
		name := s.Deploy(t, thawtest.Function{Runtime: "provided.al2023", Handler: "any.thing", MemoryMB: 1769, Files: thawtest.Files{"bootstrap*": `#!/bin/sh
next=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
while true; do
  id=$(curl -sf -o /dev/null -D - "$next/next" | sed -n 's/^Lambda-Runtime-Aws-Request-Id: \([0-9a-f-]*\).*/\1/Ip')
  env -u id -u next | sort | sed 's/"/\\"/g; s/\([^=]*\)=\(.*\)/"\1":"\2"/' | paste -sd, | sed 's/.*/{&}/' | curl -sf -o /dev/null -X POST --data-binary @- "$next/$id/response"
done
`}})
		got := map[string]string{}
		s.Result(t, name, `{}`, &got)
		want := variables(name, "any.thing", "", "1769")
		delete(got, "_X_AMZN_TRACE_ID")                                 // which a custom runtime sets itself
		for _, shell := range []string{"PWD", "OLDPWD", "SHLVL", "_"} { // set by the shell
			delete(got, shell)
		}
		wantVariables(t, got, want)
	})
	t.Run("file system", func(t *testing.T) {
		t.Parallel()
		name := s.Deploy(t, thawtest.Function{Runtime: runtime, Handler: "app.handler", EphemeralMB: 700, Files: thawtest.Files{
			"data/file.txt": "beside the code", "app.py": `
import os, stat
def handler(e, c):
    v = os.statvfs("/tmp")
    return {"cwd": os.getcwd(), "user": os.getuid(), "tmp_mb": v.f_bavail * v.f_frsize >> 20,
            "tmp_mode": oct(stat.S_IMODE(os.stat("/tmp").st_mode)), "data": open("data/file.txt").read(),
            "opt": os.path.isdir("/opt"), "zone": os.path.exists("/usr/share/zoneinfo/Europe/Berlin")}
`}})
		var got map[string]any
		s.Result(t, name, `{}`, &got)
		want := `{"cwd":"/var/task","data":"beside the code","opt":true,"tmp_mb":700,"tmp_mode":"0o1777","user":993,"zone":true}`
		if b, _ := json.Marshal(got); string(b) != want {
			t.Errorf("got %s", b)
		}
	})
	t.Run("payloads of 6 MB", func(t *testing.T) {
		t.Parallel()
		name := s.Deploy(t, thawtest.Function{Runtime: runtime, Handler: "app.handler", Files: thawtest.Files{
			"app.py": "def handler(e, c):\n    return e\n"}})
		event := `"` + strings.Repeat("x", 6<<20-2) + `"`
		if out := s.Call(t, name, event); string(out.Payload) != event {
			t.Errorf("%d bytes came back, FunctionError %q", len(out.Payload), out.FunctionError)
		}
	})
	t.Run("log", func(t *testing.T) {
		t.Parallel()
		name := s.Deploy(t, thawtest.Function{Runtime: runtime, Handler: "app.handler", Files: thawtest.Files{
			"app.py": "import logging\ndef handler(e, c):\n    print('printed', e['n'])\n    logging.warning('logged')\n    print('z' * 10000)\n    print('last')\n"}})
		for _, n := range []string{"1", "2"} {
			log := string(s.Call(t, name, `{"n":`+n+`}`).LogTail)
			if len(log) != 4096 || !strings.Contains(log, "zz\nlast\nEND RequestId: ") || strings.Contains(log, "printed") {
				t.Errorf("tail of %d bytes: …%s", len(log), log[max(0, len(log)-400):])
			}
			if cold := strings.Contains(log, "Init Duration: "); cold != (n == "1") {
				t.Errorf("invocation %s: Init Duration in the log: %v", n, cold)
			}
			if strings.Contains(log, "Max Memory Used: 0 MB") {
				t.Errorf("no memory used: %s", log[len(log)-200:])
			}
		}
	})
}

func TestLogsAreKept(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Files: thawtest.Files{
		"app.py": "def handler(e, c):\n    print('number', e['n'])\n"}})
	for _, n := range []string{"1", "2", "3"} {
		s.Call(t, name, `{"n":`+n+`}`)
	}
	filter := func(pattern string) (messages []string) {
		in := client.FilterLogEventsInput{LogGroupName: "/aws/lambda/" + name, FilterPattern: pattern}
		for {
			page, err := s.FilterLogEvents(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Events {
				messages = append(messages, e.Message)
			}
			if in.NextToken = page.NextToken; in.NextToken == "" {
				return messages
			}
		}
	}
	all := filter("")
	if len(all) != 13 || !strings.HasPrefix(all[0], "INIT_START ") || !strings.HasPrefix(all[1], "START RequestId: ") || all[2] != "number 1" ||
		!strings.HasPrefix(all[12], "REPORT ") {
		t.Errorf("got %d lines: %q", len(all), all)
	}
	if some := filter("number"); len(some) != 3 || some[2] != "number 3" {
		t.Errorf("filtered: %q", some)
	}
	_, err := s.FilterLogEvents(t.Context(), client.FilterLogEventsInput{LogGroupName: "/aws/lambda/nobody"})
	if !client.IsCode(err, "ResourceNotFoundException") {
		t.Errorf("a group that is not there: %v", err)
	}
}

// variables are those of every environment, without those whose values differ each time. Source: AWS Lambda developer guide,
// "Defined runtime environment variables", and answers of AWS Lambda.
func variables(name, handler, runtime, memory string) map[string]string {
	v := map[string]string{
		"_HANDLER": handler, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
		"AWS_LAMBDA_FUNCTION_NAME": name, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": memory,
		"AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/" + name, "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001", "AWS_LAMBDA_METADATA_API": "127.0.0.1:9001",
		"LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime",
		"AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1:2000", "_AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1", "_AWS_XRAY_DAEMON_PORT": "2000",
		"AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
		// Not of AWS: where this server's API is (docs/decisions/0015).
		"AWS_ENDPOINT_URL_LAMBDA": "http://169.254.100.2", "AWS_ENDPOINT_URL_LOGS": "http://169.254.100.2", "AWS_ENDPOINT_URL_STS": "http://169.254.100.2",
		"LANG": "en_US.UTF-8", "TZ": ":UTC",
		"PATH":            "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
	}
	if runtime != "" {
		v["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + runtime
		v["_X_AMZN_TRACE_ID"] = "Root=…"
	}
	return v
}

// passingVariables are those whose values differ each time, by what these look like.
var passingVariables = map[string]*regexp.Regexp{
	"AWS_LAMBDA_LOG_STREAM_NAME": regexp.MustCompile(`^20\d\d/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$`),
	"AWS_LAMBDA_METADATA_TOKEN":  regexp.MustCompile(`^[A-Za-z0-9_-]{20,}$`),
	"AWS_ACCESS_KEY_ID":          regexp.MustCompile(`^ASIA[A-Z0-9]{16}$`),
	"AWS_SECRET_ACCESS_KEY":      regexp.MustCompile(`^.{40}$`),
	"AWS_SESSION_TOKEN":          regexp.MustCompile(`^.{64,}$`),
}

// wantVariables compares all variables of an environment: none is missing, and there are no others.
func wantVariables(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, form := range passingVariables {
		if !form.MatchString(got[name]) {
			t.Errorf("%s is %q, want %s", name, got[name], form)
		}
		delete(got, name)
	}
	if strings.HasPrefix(got["_X_AMZN_TRACE_ID"], "Root=1-") {
		got["_X_AMZN_TRACE_ID"] = "Root=…"
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s is %q, want %q", name, got[name], want[name])
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s=%s is there, too", name, got[name])
		}
	}
}

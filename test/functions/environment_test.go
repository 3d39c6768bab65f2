package functions_test

import (
	"encoding/json"
	"maps"
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
		want := map[string]string{
			"MINE": "yes", "zone": "JST", "_HANDLER": "app.handler", "AWS_REGION": "us-east-1",
			"AWS_DEFAULT_REGION": "us-east-1", "AWS_LAMBDA_FUNCTION_NAME": name, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
			"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "300", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/" + name,
			"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_EXECUTION_ENV": "AWS_Lambda_" + runtime,
			"LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime",
		}
		seen := maps.Clone(want)
		for k := range want {
			seen[k] = got[k]
		}
		if !maps.Equal(seen, want) {
			t.Errorf("got %v", seen)
		}
		for _, k := range []string{"LANG", "PATH", "LD_LIBRARY_PATH", "AWS_LAMBDA_LOG_STREAM_NAME"} {
			if got[k] == "" {
				t.Errorf("%s is not set", k)
			}
		}
	})
	t.Run("file system", func(t *testing.T) {
		t.Parallel()
		name := s.Deploy(t, thawtest.Function{Runtime: runtime, Handler: "app.handler", EphemeralMB: 700, Files: thawtest.Files{
			"data/file.txt": "beside the code", "app.py": `
import os, stat
def handler(e, c):
    v = os.statvfs("/tmp")
    return {"cwd": os.getcwd(), "user": os.getuid(), "tmp_mb": v.f_blocks * v.f_frsize >> 20,
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

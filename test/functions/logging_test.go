package functions_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/thawtest"
)

const pythonLogs = `
import logging, os
log = logging.getLogger("app")
def handler(e, c):
    log.debug("debug")
    log.info("info")
    log.warning({"w": 1})
    log.setLevel(logging.DEBUG)
    log.debug("past the runtime's level")
    print("plain")
    if e.get("fail"):
        raise ValueError("bad")
    return [os.environ.get("AWS_LAMBDA_LOG_FORMAT"), os.environ.get("AWS_LAMBDA_LOG_LEVEL")]
`

const nodeLogs = `
exports.handler = async (e) => {
  console.debug('debug'); console.info('info'); console.warn({ w: 1 }); process.stdout.write('plain\n');
  if (e.fail) throw new RangeError('bad');
  return [process.env.AWS_LAMBDA_LOG_FORMAT, process.env.AWS_LAMBDA_LOG_LEVEL];
};`

// customLogs is the handler of a custom runtime, whose lines the platform filters.
const customLogs = `  cat >/dev/null
  echo '{"timestamp":"2026-01-01T00:00:00Z","level":"DEBUG","message":"debug"}' >&2
  echo '{"timestamp":"2026-01-01T00:00:00Z","level":"INFO","message":"info"}' >&2
  echo '{"timestamp":"2026-01-01T00:00:00Z","level":"WARN","message":{"w":1}}' >&2
  echo plain >&2
  printf '[null,null]'`

// entries are the lines of a log tail, in short: type or level and message of JSON, others as they are.
func entries(t *testing.T, tail []byte) []string {
	t.Helper()
	var out []string
	for line := range strings.Lines(string(tail)) {
		var e struct {
			Time, Type, Timestamp, Level, RequestID, ErrorType string
			Message                                            any
			Record                                             struct{ RequestID, Status string }
		}
		switch {
		case json.Unmarshal([]byte(line), &e) != nil:
			out = append(out, strings.TrimSuffix(line, "\n"))
		case e.Type != "":
			if e.Record.RequestID == "" || e.Time == "" {
				t.Errorf("incomplete: %s", line)
			}
			out = append(out, strings.TrimSpace(e.Type+" "+e.Record.Status))
		default:
			message, _ := json.Marshal(e.Message)
			out = append(out, e.Level+" "+string(message)+e.ErrorType)
		}
	}
	return out
}

// TestJSONLogs: levels of the application and of the system filter what the log has, in the official clients' forms.
func TestJSONLogs(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	for name, fn := range map[string]thawtest.Function{
		"python": {Runtime: thawtest.Python(t), Handler: "app.handler", Files: thawtest.Files{"app.py": pythonLogs}},
		"nodejs": {Runtime: thawtest.Node(t), Handler: "app.handler", Files: thawtest.Files{"app.js": nodeLogs}},
		"custom": {Runtime: "provided.al2023", Handler: "h", Files: shell(customLogs)},
	} {
		for _, level := range []struct {
			app, system string
			want        []string // apart from what only some levels have
		}{
			{"", "", []string{"platform.start", `INFO "info"`, `WARN {"w":1}`, "plain", "platform.report success"}},
			{"WARN", "DEBUG", []string{"platform.start", `WARN {"w":1}`, "plain", "platform.runtimeDone success", "platform.report success"}},
			{"FATAL", "WARN", []string{"plain"}},
		} {
			t.Run(name+" "+level.app+" "+level.system, func(t *testing.T) {
				t.Parallel()
				fn := fn
				fn.Logging = &client.LoggingConfig{LogFormat: "JSON", ApplicationLogLevel: level.app, SystemLogLevel: level.system}
				function := s.Deploy(t, fn)
				out := s.Call(t, function, `{}`)
				var env [2]*string
				if err := json.Unmarshal(out.Payload, &env); err != nil || out.FunctionError != "" {
					t.Fatalf("answer %s\n%s", out.Payload, out.LogTail)
				}
				app := level.app
				if app == "" {
					app = "INFO"
				}
				if name != "custom" && (*env[0] != "JSON" || *env[1] != app) {
					t.Errorf("variables %s", out.Payload)
				}
				got := entries(t, []byte(strings.ReplaceAll(string(out.LogTail), `"level": "WARNING"`, `"level": "WARN"`)))
				if !slices.Equal(got, level.want) {
					t.Errorf("got %q, want %q\n%s", got, level.want, out.LogTail)
				}
				if name == "custom" {
					return
				}
				out = s.Call(t, function, `{"fail":true}`)
				failed := entries(t, out.LogTail)
				if !slices.Contains(failed, "platform.report error") {
					t.Errorf("no report of the failure:\n%s", out.LogTail)
				}
			})
		}
	}
}

// TestTextLogs: the environment's log begins with INIT_START, in a stream named after function and version.
func TestTextLogs(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	name := s.Deploy(t, thawtest.Function{
		Runtime: thawtest.Python(t), Handler: "app.handler", Files: thawtest.Files{"app.py": "print('loading')\n" + pythonLogs},
		Logging: &client.LoggingConfig{LogGroup: "mine"},
	})
	s.Call(t, name, `{}`)
	page, err := s.FilterLogEvents(t.Context(), client.FilterLogEventsInput{LogGroupName: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	for _, e := range page.Events {
		log.WriteString(e.Message + "\n")
		if !regexp.MustCompile(`^\d{4}/\d\d/\d\d/` + name + `\[\$LATEST\][0-9a-f]{32}$`).MatchString(e.Stream) {
			t.Errorf("stream %s", e.Stream)
		}
	}
	id := `[0-9a-f-]{36}`
	want := `^INIT_START Runtime Version: python:3\.[0-9.]+	Runtime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}
loading
START RequestId: ` + id + ` Version: \$LATEST
\[WARNING\]	\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z	` + id + `	{'w': 1}
\[DEBUG\]	[^\n]*	past the runtime's level
plain
END RequestId: ` + id + `
REPORT RequestId: ` + id + `	Duration: [^\n]*
$`
	if !regexp.MustCompile(want).MatchString(log.String()) {
		t.Errorf("log:\n%s", log.String())
	}
}

// TestTracing: a function with active tracing gets a sampled trace, whose segment the REPORT line names.
func TestTracing(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	for name, fn := range map[string]thawtest.Function{
		"python": {Runtime: thawtest.Python(t), Handler: "app.handler", Files: thawtest.Files{"app.py": "import os\n" +
			"def handler(e, c):\n    return [os.environ['_X_AMZN_TRACE_ID'], os.environ['AWS_XRAY_DAEMON_ADDRESS'], os.environ['AWS_XRAY_CONTEXT_MISSING']]\n"}},
		"nodejs": {Runtime: thawtest.Node(t), Handler: "app.handler", Files: thawtest.Files{"app.js": "exports.handler = async () => " +
			"[process.env._X_AMZN_TRACE_ID, process.env.AWS_XRAY_DAEMON_ADDRESS, process.env.AWS_XRAY_CONTEXT_MISSING];"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fn.Tracing = "Active"
			out := s.Call(t, s.Deploy(t, fn), `{}`)
			m := regexp.MustCompile(`^\["Root=(1-[0-9a-f]{8}-[0-9a-f]{24});Parent=([0-9a-f]{16});Sampled=1;Lineage=[0-9a-f]{8}:1", ?"169\.254\.100\.1:2000", ?"LOG_ERROR"\]$`).FindSubmatch(out.Payload)
			if m == nil {
				t.Fatalf("got %s", out.Payload)
			}
			if want := "\nXRAY TraceId: " + string(m[1]) + "\tSegmentId: " + string(m[2]) + "\tSampled: true\t\n"; !strings.HasSuffix(string(out.LogTail), want) {
				t.Errorf("log %q, want %q", out.LogTail, want)
			}
		})
	}
}

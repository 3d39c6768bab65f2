package traps_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"thaw.dev/thaw/client"
)

func TestLifecycle(t *testing.T) {
	t.Parallel()
	t.Run("bill", func(t *testing.T) {
		t.Parallel()
		s := server(t)
		name := python(t, "def handler(e, c):\n    pass\n")
		report := regexp.MustCompile(`\tDuration: ([0-9.]+) ms\tBilled Duration: ([0-9]+) ms\t.*?(?:Init Duration: ([0-9.]+) ms\t)?\n`)
		for _, cold := range []bool{true, false} {
			out := s.Call(t, name, `{}`)
			m := report.FindStringSubmatch(string(out.LogTail))
			if m == nil || (m[3] != "") != cold {
				t.Fatalf("Init Duration belongs to the first invocation only:\n%s", out.LogTail)
			}
			var used float64
			for _, text := range []string{m[1], m[3]} {
				ms, _ := strconv.ParseFloat(text, 64)
				used += ms
			}
			if billed, _ := strconv.ParseFloat(m[2], 64); billed < used-0.01 || billed > used+1.01 {
				t.Errorf("%v ms billed for %v ms, init included", billed, used)
			}
		}
	})
	t.Run("suppressed init", func(t *testing.T) {
		t.Parallel()
		s := server(t)
		name := python(t, `
import os, sys
if not os.path.exists("/tmp/second"):
    open("/tmp/second", "w")
    sys.exit(7)
def handler(e, c):
    return "up"
`)
		out := s.Call(t, name, `{}`)
		if out.FunctionError != "" || string(out.Payload) != `"up"` {
			t.Errorf("got %s", out.Payload)
		}
		_, report, _ := strings.Cut(string(out.LogTail), "\nREPORT ")
		if !strings.Contains(string(out.LogTail), "Phase: init\tStatus: error") || strings.Contains(report, "Init Duration") {
			t.Errorf("log:\n%s", out.LogTail)
		}
	})
	t.Run("no SIGTERM without extensions", func(t *testing.T) {
		t.Parallel()
		s := server(t)
		name := python(t, `
import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: print("got SIGTERM", flush=True))
def handler(e, c):
    print("stream", os.environ["AWS_LAMBDA_LOG_STREAM_NAME"])
    if e.get("hang"):
        open("/tmp/kept", "w")
        time.sleep(60)
    return os.path.exists("/tmp/kept")
`, timeout(1))
		if f := s.Fails(t, name, `{"hang":true}`); f.Type != "Sandbox.Timedout" {
			t.Errorf("got %s", f.Raw)
		}
		if out := s.Call(t, name, `{}`); string(out.Payload) != "true" {
			t.Errorf("/tmp was lost: %s", out.Payload)
		}
		streams := map[string]bool{}
		for _, e := range logLines(t, name, 6) {
			if strings.Contains(e.Message, "SIGTERM") {
				t.Error("the runtime got SIGTERM")
			}
			streams[e.Stream] = true
		}
		if len(streams) != 1 {
			t.Errorf("log streams %v, want one: the environment survives a timeout", streams)
		}
	})
}

// logLines waits until a function's log has n lines and returns them.
func logLines(t *testing.T, name string, n int) (all []client.LogEvent) {
	t.Helper()
	await(t, "the log is there", func() bool {
		page, err := server(t).FilterLogEvents(t.Context(), client.FilterLogEventsInput{LogGroupName: "/aws/lambda/" + name})
		if err != nil && !client.IsCode(err, "ResourceNotFoundException") { // nothing was written yet
			t.Fatal(err)
		}
		all = page.Events
		return len(all) >= n
	})
	return all
}

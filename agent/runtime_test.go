package agent_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
)

func TestShellRuntime(t *testing.T) {
	t.Parallel()
	testenv.NeedsCommand(t, "curl")
	s := newBox(t).session()
	startReady(t, s, shell(link.KindHTTP, loop))
	for range 3 {
		ev := event(`{"some":"event"}`)
		ev.TraceID = "Root=1"
		r := invoke(t, s, ev)
		for _, want := range []string{
			"Lambda-Runtime-Aws-Request-Id: " + ev.ID, "Lambda-Runtime-Invoked-Function-Arn: arn:f",
			"Lambda-Runtime-Deadline-Ms: " + fmt.Sprint(ev.DeadlineMS), "Lambda-Runtime-Trace-Id: Root=1", `{"some":"event"}`,
		} {
			if !strings.Contains(string(r.Payload), want) {
				t.Errorf("no %q in %q", want, r.Payload)
			}
		}
		if r.Failed || r.ContentType != "application/x-www-form-urlencoded" {
			t.Errorf("reply %+v", r.ReplyMeta)
		}
		idle(t, s)
	}
}

func TestGoRuntime(t *testing.T) {
	t.Parallel()
	s := newBox(t).session()
	startReady(t, s, function())
	for _, size := range []int{10, 100_000, lambda.MaxSyncPayloadBytes - 1000} {
		text := strings.Repeat("x", size)
		ev := event(`{"Text":"` + text + `"}`)
		ev.TraceID = "Root=1-x"
		ev.ClientContext = "{\"client\":\n{\"app_title\":\"title\"}}"
		var got report
		r := invoke(t, s, ev)
		if err := json.Unmarshal(r.Payload, &got); err != nil {
			t.Fatalf("%v in %.200q", err, r.Payload)
		}
		want := report{Text: text, ID: ev.ID, ARN: "arn:f", Trace: "Root=1-x", App: "title", Deadline: ev.DeadlineMS}
		if got != want || r.Failed {
			t.Errorf("size %d: got %.200q", size, r.Payload)
		}
		idle(t, s)
	}

	r := invoke(t, s, event(`{"Fail":true}`))
	if !r.Failed || string(r.Payload) != `{"errorMessage":"as ordered","errorType":"errorString"}` || r.ErrorType != "Runtime.Unknown" {
		t.Errorf("failed: %+v %s", r.ReplyMeta, r.Payload)
	}
	idle(t, s)

	// A panic is answered, then the process ends.
	r = invoke(t, s, event(`{"Panic":true}`))
	if !r.Failed || !strings.Contains(string(r.Payload), `"stackTrace"`) {
		t.Errorf("panicked: %s", r.Payload)
	}
	if err := s.AwaitIdle(soon()); exitOf(err).Code != 1 {
		t.Errorf("after a panic: %v", err)
	}
	reset(t, s)
	startReady(t, s, function())
	if _, err := s.Invoke(event(`{"Exit":7}`), soon(), 1<<20); exitOf(err).Code != 7 {
		t.Errorf("exit during an invocation: %v", err)
	}
}

// TestRestore has a shell runtime take part in a snapshot: the process goes on after it, as a copy would.
func TestRestore(t *testing.T) {
	t.Parallel()
	testenv.NeedsCommand(t, "curl")
	const hooks = `
echo began
curl -sS -o /dev/null -w 'restore %{http_code}\n' $api/restore/next
`
	snapStart := func(script string) link.StartRequest {
		req := shell(link.KindHTTP, hooks+script)
		req.Env = append([]string{"AWS_LAMBDA_INITIALIZATION_TYPE=snap-start"}, req.Env...)
		return req
	}
	b := newBox(t)
	s := b.session()
	startReady(t, s, snapStart(loop))
	if err := s.PrepareSnapshot(soon()); err != nil {
		t.Fatal(err)
	}
	if err := s.Restored(link.Restoration{Entropy: make([]byte, 32), Env: map[string]string{"A": "b"}}, soon()); err != nil {
		t.Fatal(err)
	}
	if logs := b.awaitLog("restore 200\n"); strings.Count(logs, "began") != 1 {
		t.Errorf("logs %q", logs)
	}
	if r := invoke(t, s, event("1")); r.Failed {
		t.Errorf("reply %+v", r.ReplyMeta)
	}
	idle(t, s)
	reset(t, s)

	startReady(t, s, snapStart(`curl -sS -d '{"errorType":"X"}' -H 'Lambda-Runtime-Function-Error-Type: Runtime.Bad' $api/restore/error; exit 65`))
	err := s.Restored(link.Restoration{}, soon())
	if e, ok := errors.AsType[*link.InitError](err); !ok || e.ErrorType != "Runtime.Bad" || string(e.Payload) != `{"errorType":"X"}` {
		t.Errorf("got %v", err)
	}
	reset(t, s)

	startReady(t, s, shell(link.KindHTTP, loop)) // knows nothing of snapshots
	err = s.PrepareSnapshot(soon())
	if e, ok := errors.AsType[*link.InitError](err); !ok || e.ErrorType != "Runtime.SnapshotNotSupported" {
		t.Errorf("got %v", err)
	}
	if r := invoke(t, s, event("1")); r.Failed {
		t.Errorf("reply %+v", r.ReplyMeta)
	}
}

// TestResponseTooLarge: the invocation fails, the environment lives on.
func TestResponseTooLarge(t *testing.T) {
	t.Parallel()
	testenv.NeedsCommand(t, "curl")
	b := newBox(t)
	s := b.session()
	startReady(t, s, shell(link.KindHTTP, `
post() {
  id=$(curl -sS -D - -o /dev/null $api/invocation/next | tr -d '\r' | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //p')
  head -c $1 /dev/zero | curl -sS --data-binary @- -o /dev/null -w 'status %{http_code}\n' $api/invocation/$id/response
}
post 6291557; post 6291556; sleep 1000`))
	r := invoke(t, s, event("{}"))
	if !r.Failed || r.ErrorType != "Function.ResponseSizeTooLarge" {
		t.Errorf("got %+v", r.ReplyMeta)
	}
	idle(t, s)
	b.awaitLog("status 413\n")
	r = invoke(t, s, event("{}"))
	if r.Failed || len(r.Payload) != lambda.MaxResponseBytes {
		t.Errorf("got %+v with %d bytes", r.ReplyMeta, len(r.Payload))
	}
	b.awaitLog("status 202\n")
}

func TestInitError(t *testing.T) {
	t.Parallel()
	testenv.NeedsCommand(t, "curl")
	s := newBox(t).session()
	start(t, s, shell(link.KindHTTP, `curl -sS -d '{"errorType":"X"}' -H 'Lambda-Runtime-Function-Error-Type: Runtime.Bad' $api/init/error; exit 1`))
	err := s.AwaitReady(soon())
	if e, ok := errors.AsType[*link.InitError](err); !ok || e.ErrorType != "Runtime.Bad" || string(e.Payload) != `{"errorType":"X"}` {
		t.Errorf("got %v", err)
	}
}

func exitOf(err error) link.ExitMeta {
	if e, ok := errors.AsType[*link.ExitError](err); ok {
		return e.ExitMeta
	}
	return link.ExitMeta{Code: -99}
}

func TestExits(t *testing.T) {
	t.Parallel()
	s := newBox(t).session()
	for _, kind := range []string{link.KindHTTP, link.KindFrames} {
		for script, want := range map[string]link.ExitMeta{
			"exit 0":            {Code: 0},
			"exit 3":            {Code: 3},
			"kill -9 $$":        {Code: -1, Signal: "killed"},
			"kill -TERM $$":     {Code: -1, Signal: "terminated"},
			"sleep 1000 & exit": {Code: 0}, // a child lives on
		} {
			start(t, s, shell(kind, script))
			got := exitOf(s.AwaitReady(soon()))
			want.Run = got.Run
			if got != want {
				t.Errorf("%s %s: got %+v, want %+v", kind, script, got, want)
			}
			reset(t, s)
		}
	}
}

func TestStartErrors(t *testing.T) {
	t.Parallel()
	with := func(kind, argv0, dir string) link.StartRequest {
		req := shell(kind, "")
		req.Argv, req.Dir = []string{argv0}, dir
		return req
	}
	none := with(link.KindHTTP, "", "/var")
	none.Argv = nil
	s := newBox(t).session()
	const frames, http = link.KindFrames, link.KindHTTP
	for _, tt := range []struct {
		req           link.StartRequest
		kind, message string
	}{
		{with(frames, "/var/none", "/var"), "Runtime.InvalidEntrypoint", "fork/exec /var/none: no such file or directory"},
		{with(frames, "/var/locked", "/var"), "Runtime.InvalidEntrypoint", "fork/exec /var/locked: permission denied"},
		{with(http, "/var/locked", "/var"), "Runtime.InvalidEntrypoint", "fork/exec /var/locked: permission denied"},
		{with(http, "/var", "/var"), "Runtime.InvalidEntrypoint", "fork/exec /var: permission denied"},
		{with(http, "/var/lost", "/var"), "Runtime.InvalidEntrypoint", "fork/exec /var/lost: no such file or directory"},
		{with(http, "/var/garbage", "/var"), "Runtime.InvalidEntrypoint", "fork/exec /var/garbage: exec format error"},
		{with(http, "/bin/sh", "/none"), "Runtime.InvalidWorkingDir", "no such directory: /none"},
		{with(http, "/bin/sh", "/var/locked"), "Runtime.InvalidWorkingDir", "no such directory: /var/locked"},
		{none, "Runtime.InvalidEntrypoint", "no command"},
	} {
		start(t, s, tt.req)
		got := exitOf(s.AwaitReady(soon()))
		if got.StartError != tt.kind || got.Message != tt.message || got.Code != -1 {
			t.Errorf("%v: got %+v", tt.req.Argv, got)
		}
	}
	// Nothing of these attempts is in the way of a good one.
	start(t, s, shell(http, "exit 4"))
	if got := exitOf(s.AwaitReady(soon())); got.Code != 4 {
		t.Errorf("got %+v", got)
	}
}

// TestLayerBootstrap: a package without a bootstrap uses that of a layer.
func TestLayerBootstrap(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	s := b.session()
	req := shell(link.KindHTTP, "")
	req.Argv = []string{"/var/none"}
	start(t, s, req)
	if got := exitOf(s.AwaitReady(soon())); got.Code != 5 {
		t.Errorf("got %+v", got)
	}
	b.awaitLog("from /opt/bootstrap\n")
}

// TestProcessAttributes: user, groups, limits, environment, descriptors, session.
func TestProcessAttributes(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	s := b.session()
	req := shell(link.KindHTTP, `
echo "ids $(id -u) $(id -g) $(id -G)"
echo "limits $(ulimit -Sn) $(ulimit -Hn) $(ulimit -Su 2>/dev/null || ulimit -Sp) $(ulimit -Hu 2>/dev/null || ulimit -Hp)"
grep -E '^(NoNewPrivs|CapEff|CapPrm|CapInh|CapAmb)' /proc/self/status
echo "stdin $(readlink /proc/$$/fd/0)"
echo "cwd $(pwd)"
echo "session $(cut -d' ' -f5,6 /proc/$$/stat) of $$"
echo "env [$(tr '\0' ' ' </proc/$$/environ)]"
echo to stderr >&2
exec ls /proc/self/fd`) // ls itself opens one
	req.OpenFiles, req.Processes = 100, 50
	start(t, s, req)
	if got := exitOf(s.AwaitReady(soon())); got.Code != 0 {
		t.Errorf("got %+v", got)
	}
	logs := strings.ReplaceAll(b.awaitLog("\n3\n"), "\t", " ")
	pid := logs[strings.LastIndex(logs, " of ")+4:]
	pid, _, _ = strings.Cut(pid, "\n")
	for _, want := range []string{
		"ids 993 990 990\n", "limits 100 100 50 50\n", "NoNewPrivs: 1\n", "CapEff: 0000000000000000\n", "CapPrm: 0000000000000000\n",
		"CapInh: 0000000000000000\n", "CapAmb: 0000000000000000\n", "to stderr\n0\n1\n2\n3\n", "stdin /dev/null\n", "cwd /var\n",
		"session " + pid + " " + pid + " of " + pid + "\n", "env [" + strings.Join(environment, " ") + " ]\n",
	} {
		if !strings.Contains(logs, want) {
			t.Errorf("no %q in\n%s", want, logs)
		}
	}
	// A runtime that speaks frames has the data channel too.
	reset(t, s)
	start(t, s, shell(link.KindFrames, "echo has; exec ls /proc/self/fd"))
	b.awaitLog("has\n0\n1\n2\n3\n4\n")
}

// TestFlushBeforeExit: what the runtime said is on its way when the host learns of its end.
func TestFlushBeforeExit(t *testing.T) {
	t.Parallel()
	testenv.NeedsCommand(t, "curl")
	for name, script := range map[string]string{
		"answered": "curl -sS -d abcd $api/invocation/id/response",
		// A child of the runtime goes on with its answer when the runtime is gone.
		"answering": `
parent=$$
{ printf 'POST /2018-06-01/runtime/invocation/id/response HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nab'
  while kill -0 $parent 2>/dev/null; do :; done
  printf cd; sleep 1000; } | curl -sSN -T - telnet://127.0.0.1:9001 >/tmp/out &
until grep -q Continue /tmp/out 2>/dev/null; do :; done`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flushBeforeExit(t, "curl -sS -o /dev/null $api/invocation/next\n"+script)
		})
	}
}

func flushBeforeExit(t *testing.T, script string) {
	t.Helper()
	b := newBox(t)
	cr, cw, dr, dw := link.NewReader(b.control), link.NewWriter(b.control), link.NewReader(b.data), link.NewWriter(b.data)
	expect := func(r *link.Reader, want link.Type) link.Frame {
		t.Helper()
		f, err := r.Next()
		if err != nil || f.Type != want {
			t.Fatalf("got %#x, %v; want %#x", f.Type, err, want)
		}
		return f
	}
	expect(cr, link.TypeHello)
	req := shell(link.KindHTTP, script)
	req.Run = 9
	if err := cw.JSON(link.TypeStart, req); err != nil {
		t.Fatal(err)
	}
	expect(dr, link.TypeReady)
	ev := link.EventMeta{ID: "id"}
	if err := dw.Message(link.TypeInvoke, 0, ev, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	var exit link.ExitMeta
	if err := json.Unmarshal(expect(cr, link.TypeExited).Body, &exit); err != nil || exit.Run != 9 {
		t.Errorf("exit %+v, %v", exit, err)
	}
	if err := b.data.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	raw, err := b.data.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1000)
	var n int
	if err := raw.Control(func(fd uintptr) { n, err = read(fd, buf) }); err != nil {
		t.Fatal(err)
	}
	if err != nil || n < 8 || link.Type(buf[0]) != link.TypeResult || !strings.HasSuffix(string(buf[:n]), "abcd") {
		t.Errorf("on the data channel at exit: %q, %v", buf[:max(n, 0)], err)
	}
}

// TestBinary: the agent's binary holds nothing but the standard library and the few packages it may use, because
// every sandbox pays for its size.
func TestBinary(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "thaw.dev/thaw/cmd/thaw-agent").Output()
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{"thaw.dev/thaw/link": true, "thaw.dev/thaw/lambda": true, "thaw.dev/thaw/internal/stream": true, "thaw.dev/thaw/cmd/thaw-agent": true}
	for pkg := range strings.Lines(string(out)) {
		pkg = strings.TrimSpace(pkg)
		first, _, _ := strings.Cut(pkg, "/")
		ours := allowed[pkg] || pkg == "thaw.dev/thaw/agent" || strings.HasPrefix(pkg, "thaw.dev/thaw/agent/")
		if strings.Contains(first, ".") && !ours || pkg == "net/http" || pkg == "os/exec" {
			t.Errorf("the agent links %s", pkg)
		}
	}
}

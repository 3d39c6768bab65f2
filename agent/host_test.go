package agent_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/link"
)

// box is a sandbox made of namespaces, as the host sees it.
type box struct {
	t             testing.TB
	cmd           *exec.Cmd
	control, data *os.File
	ended         chan error // the agent's end

	mu   sync.Mutex
	cond *sync.Cond
	logs strings.Builder
	eof  bool
}

// newBox starts an agent.
func newBox(t testing.TB, env ...string) *box {
	t.Helper()
	testenv.NeedsRoot(t)
	hostControl, control := socketpair(t)
	hostData, data := socketpair(t)
	logs, logsIn, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	b := &box{t: t, control: hostControl, data: hostData, ended: make(chan error, 1)}
	b.cond = sync.NewCond(&b.mu)
	b.cmd = exec.Command("/proc/self/exe")
	b.cmd.Env = append(env, partVariable+"="+partAgent)
	b.cmd.Stdin, b.cmd.Stdout, b.cmd.Stderr = control, data, logsIn
	b.cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET,
	}
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*os.File{control, data, logsIn} {
		_ = f.Close()
	}
	go b.readLogs(logs)
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		b.ended <- b.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = b.cmd.Process.Kill() // takes the PID namespace with it
		<-waited
		_ = hostControl.Close()
		_ = hostData.Close()
		b.awaitEOF()
		if t.Failed() {
			t.Logf("logs:\n%s", b.logs.String())
		}
	})
	return b
}

func (b *box) readLogs(r *os.File) {
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		b.mu.Lock()
		b.logs.Write(buf[:n])
		b.eof = err != nil
		b.cond.Broadcast()
		b.mu.Unlock()
		if err != nil {
			_ = r.Close()
			return
		}
	}
}

func (b *box) awaitEOF() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for !b.eof {
		b.cond.Wait()
	}
}

// awaitLog waits until the logs contain text and returns all of them.
func (b *box) awaitLog(text string) string {
	b.t.Helper()
	late := false
	timer := time.AfterFunc(time.Until(soon()), func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		late = true
		b.cond.Broadcast()
	})
	defer timer.Stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	for !strings.Contains(b.logs.String(), text) {
		if b.eof || late {
			b.t.Fatalf("no %q in the logs", text)
		}
		b.cond.Wait()
	}
	return b.logs.String()
}

// session greets the agent as the host does.
func (b *box) session() *link.Session {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	s, err := link.Open(ctx, b.control, b.data)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(s.Close)
	s.Printed(func(line []byte) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.logs.Write(append(line, '\n'))
		b.cond.Broadcast()
	})
	return s
}

// socketpair returns a non-blocking end for the host, and a blocking one for the sandbox.
func socketpair(t testing.TB) (host, inside *os.File) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.SetNonblock(fds[0], true); err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fds[0]), "host"), os.NewFile(uintptr(fds[1]), "inside")
}

// soon is the deadline of everything that should not fail.
func soon() time.Time { return time.Now().Add(20 * time.Second) }

// The runtime's user.
const (
	uid = 993
	gid = 990
)

var environment = []string{
	"PATH=/usr/local/bin:/usr/bin:/bin", "AWS_LAMBDA_RUNTIME_API=127.0.0.1:9001", "LAMBDA_TASK_ROOT=/var",
}

// shell is a runtime of the kind that runs a script; api is set to the Runtime API's base.
func shell(kind, script string) link.StartRequest {
	return link.StartRequest{
		Kind: kind, Argv: []string{"/bin/sh", "-c", "api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime\n" + script},
		Env: environment, Dir: "/var", UID: uid, GID: gid, TmpBytes: 64 << 20,
	}
}

// function is the runtime that is the official Go client.
func function() link.StartRequest {
	req := shell(link.KindHTTP, "")
	req.Argv = []string{self}
	req.Env = append([]string{partVariable + "=" + partFunction, "AWS_LAMBDA_FUNCTION_NAME=f"}, environment...)
	return req
}

// loop is a shell runtime that answers each event with its headers and body.
const loop = `
while :; do
  curl -sS -D /tmp/head -o /tmp/body $api/invocation/next || exit 1
  id=$(tr -d '\r' </tmp/head | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //p')
  { tr -d '\r' </tmp/head; cat /tmp/body; } | curl -sS --data-binary @- -H 'Expect:' $api/invocation/$id/response >/dev/null
done`

func start(t testing.TB, s *link.Session, req link.StartRequest) {
	t.Helper()
	if err := s.Start(req); err != nil {
		t.Fatal(err)
	}
}

func startReady(t testing.TB, s *link.Session, req link.StartRequest) {
	t.Helper()
	start(t, s, req)
	if err := s.AwaitReady(soon()); err != nil {
		t.Fatal(err)
	}
}

func event(payload string) *link.Event {
	return &link.Event{
		EventMeta: link.EventMeta{ID: "id-" + fmt.Sprint(time.Now().UnixNano()), DeadlineMS: soon().UnixMilli(), ARN: "arn:f"},
		Payload:   []byte(payload),
	}
}

func invoke(t testing.TB, s *link.Session, ev *link.Event) link.Reply {
	t.Helper()
	r, err := s.Invoke(ev, soon(), 7<<20)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func idle(t testing.TB, s *link.Session) {
	t.Helper()
	if err := s.AwaitIdle(soon()); err != nil {
		t.Fatal(err)
	}
}

func reset(t testing.TB, s *link.Session) {
	t.Helper()
	if err := s.Reset(soon()); err != nil {
		t.Fatal(err)
	}
}

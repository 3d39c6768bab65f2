package nodejs_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/runtimes/nodejs"
)

const patience = 30 * time.Second

// process is the bootstrap, running outside any sandbox, and the host's session with it. The test plays the agent.
type process struct {
	*link.Session
	cmd  *exec.Cmd
	data *os.File // the host's end
	logs *os.File // read end of the log pipe
	done chan struct{}
}

// start runs the embedded bootstrap; it waits for Specialise.
func start(t testing.TB) *process {
	t.Helper()
	interpreter := testenv.NeedsCommand(t, "node")
	dir := t.TempDir()
	if err := os.CopyFS(dir, nodejs.Files); err != nil {
		t.Fatal(err)
	}
	control, agent := socketPair(t)
	data, runtime := socketPair(t)
	logs, logsWriter, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(interpreter, filepath.Join(dir, nodejs.Entry))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TZ=:UTC"}
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = logsWriter, logsWriter, []*os.File{runtime}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = logsWriter.Close() // the sandbox's end of the data channel stays open, as the agent has it open too
	p := &process{cmd: cmd, data: data, logs: logs, done: make(chan struct{})}
	tell := link.NewWriter(agent)
	if err := tell.JSON(link.TypeHello, link.HelloMeta{Version: link.Version}); err != nil {
		t.Fatal(err)
	}
	if p.Session, err = link.Open(context.Background(), control, data); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the process, which the cleanup kills and waits for
		defer close(p.done)
		_ = cmd.Wait()
		exit := link.ExitMeta{Code: cmd.ProcessState.ExitCode()}
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			exit.Signal = status.Signal().String()
		}
		_ = tell.JSON(link.TypeExited, exit)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.done
		p.Close()
		_ = logs.Close()
	})
	return p
}

func socketPair(t testing.TB) (ours, theirs *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		t.Fatal(err)
	}
	ours = os.NewFile(uintptr(fds[0]), "host "+strconv.Itoa(fds[0]))
	theirs = os.NewFile(uintptr(fds[1]), "sandbox "+strconv.Itoa(fds[1]))
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	return ours, theirs
}

// become specialises p with the handler app.handler of code, and returns what AwaitReady said.
func (p *process) become(t testing.TB, code string) error {
	t.Helper()
	task := t.TempDir()
	if err := os.WriteFile(filepath.Join(task, "app.js"), []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	order := link.Specialisation{Handler: "app.handler", TaskRoot: task, Env: map[string]string{"COLOUR": "blue"}}
	if err := p.Specialise(order, time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return p.AwaitReady(time.Now().Add(patience))
}

// invoke sends an event and returns the answer.
func (p *process) invoke(t testing.TB, id, event string) (link.Reply, error) {
	t.Helper()
	ev := link.Event{
		EventMeta: link.EventMeta{ID: id, DeadlineMS: time.Now().Add(patience).UnixMilli(), ARN: "arn:aws:lambda:us-east-1:000000000000:function:f"},
		Payload:   []byte(event),
	}
	return p.Invoke(&ev, time.Now().Add(patience), lambda.MaxResponseBytes)
}

// output returns all that an ended process wrote.
func (p *process) output(t testing.TB) string {
	t.Helper()
	<-p.done
	all, err := io.ReadAll(p.logs)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

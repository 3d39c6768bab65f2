package runtimetest

import (
	"context"
	"io"
	"io/fs"
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
)

// Patience is how long a test waits for any one answer.
const Patience = 30 * time.Second

// Bootstrap says what to run.
type Bootstrap struct {
	Interpreter string // command; the test is skipped where the host lacks it
	Files       fs.FS
	Entry       string // name in Files of the script to start
	HandlerFile string // name that Become gives to a function's code, e.g. "app.py"
}

// Process is a bootstrap, or what is to become one, and the host's session with it. It ends with its test.
type Process struct {
	*link.Session
	Data *os.File // the host's end of the data channel
	Logs *os.File // read end of the log pipe

	handlerFile string
	cmd         *exec.Cmd
	runtime     *os.File // the sandbox's end of the data channel
	logsWriter  *os.File
	agent       *link.Writer
	done        chan struct{} // closed when the process has ended; nil before Start
}

// New prepares a process. What is sent before Start, it finds when it comes up.
func New(t testing.TB, b Bootstrap) *Process {
	t.Helper()
	interpreter := testenv.NeedsCommand(t, b.Interpreter)
	dir := t.TempDir()
	if err := os.CopyFS(dir, b.Files); err != nil {
		t.Fatal(err)
	}
	control, agent := socketPair(t)
	data, runtime := socketPair(t)
	logs, logsWriter, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(interpreter, filepath.Join(dir, b.Entry))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TZ=:UTC"}
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = logsWriter, logsWriter, []*os.File{runtime}
	p := &Process{
		Data: data, Logs: logs, handlerFile: b.HandlerFile,
		cmd: cmd, runtime: runtime, logsWriter: logsWriter, agent: link.NewWriter(agent),
	}
	if err := p.agent.JSON(link.TypeHello, link.HelloMeta{Version: link.Version}); err != nil {
		t.Fatal(err)
	}
	if p.Session, err = link.Open(context.Background(), control, data); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.done != nil {
			p.Kill()
			<-p.done
		}
		p.Close()
		_, _ = logs.Close(), logsWriter.Close()
	})
	return p
}

// Start prepares a process and starts it.
func Start(t testing.TB, b Bootstrap) *Process {
	t.Helper()
	p := New(t, b)
	p.Start(t)
	return p
}

// Start starts a process that New prepared.
func (p *Process) Start(t testing.TB) {
	t.Helper()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = p.logsWriter.Close() // the sandbox's end of the data channel stays open, as the agent has it open too
	p.done = make(chan struct{})
	go func() { // ends with the process, which the cleanup kills and waits for
		defer close(p.done)
		_ = p.cmd.Wait()
		exit := link.ExitMeta{Code: p.cmd.ProcessState.ExitCode()}
		if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			exit.Signal = status.Signal().String()
		}
		_ = p.agent.JSON(link.TypeExited, exit)
	}()
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

// Kill ends a started process.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
}

// Become specialises p with the handler app.handler of code and the variable COLOUR=blue, starts it if it is not
// started yet, and returns what AwaitReady said.
func (p *Process) Become(t testing.TB, code string) error {
	t.Helper()
	task := t.TempDir()
	if err := os.WriteFile(filepath.Join(task, p.handlerFile), []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	order := link.Specialisation{Handler: "app.handler", TaskRoot: task, Env: map[string]string{"COLOUR": "blue"}}
	if err := p.Specialise(order, time.Now().Add(Patience)); err != nil {
		t.Fatal(err)
	}
	if p.done == nil {
		p.Start(t)
	}
	return p.AwaitReady(time.Now().Add(Patience))
}

// Call sends an event and returns the answer.
func (p *Process) Call(t testing.TB, id, event string) (link.Reply, error) {
	t.Helper()
	ev := link.Event{
		EventMeta: link.EventMeta{ID: id, DeadlineMS: time.Now().Add(Patience).UnixMilli(), ARN: "arn:aws:lambda:us-east-1:000000000000:function:f"},
		Payload:   []byte(event),
	}
	return p.Invoke(&ev, time.Now().Add(Patience), lambda.MaxResponseBytes)
}

// Ended waits for the end of a started process; it returns its exit status, -1 after a signal, and what it wrote.
func (p *Process) Ended(t testing.TB) (status int, logged string) {
	t.Helper()
	<-p.done
	all, err := io.ReadAll(p.Logs)
	if err != nil {
		t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode(), string(all)
}

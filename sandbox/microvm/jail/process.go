package jail

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/pidfd"
)

// Process is a jailed program, or the shim that will become it.
type Process struct {
	child *pidfd.Process
	gate  *os.File // what the shim waits at, and looks at to know whether we are there
	done  chan struct{}

	mu     sync.Mutex
	killed bool            // guarded by mu; by us
	ws     unix.WaitStatus // valid after done
	words  string          // valid after done
}

// maxWords is how much of what a process printed last is kept, in bytes.
const maxWords = 3 << 10

// Watch takes over the child pid, the init process of a pid namespace. last is a pipe to read its last words from, and
// gate a file that is to be open as long as it lives; both are closed when it has ended. Two goroutines, one for its end
// and one for its words, end with the process.
func Watch(pid int, gate, last *os.File) (*Process, error) {
	child, err := pidfd.Child(pid)
	if err != nil {
		return nil, errors.Join(err, gate.Close(), last.Close())
	}
	p := &Process{child: child, gate: gate, done: make(chan struct{})}
	words := make(chan string, 1)
	go func() { words <- tail(last) }()
	go func() {
		p.ws = child.Wait()
		p.words = <-words // the pipe ends with the last process that has it
		_ = child.Close()
		_ = p.gate.Close()
		close(p.done)
	}()
	return p, nil
}

// tail reads to the end and returns the last bytes.
func tail(r io.ReadCloser) string {
	defer func() { _ = r.Close() }()
	var last []byte
	buf := make([]byte, 1<<10)
	for {
		n, err := r.Read(buf)
		last = append(last, buf[:n]...)
		if over := len(last) - maxWords; over > 0 {
			last = append(last[:0], last[over:]...)
		}
		if err != nil {
			return strings.TrimSpace(strings.ToValidUTF8(string(last), "?"))
		}
	}
}

// PID is its number on the host.
func (p *Process) PID() int { return p.child.PID() }

// Kill ends the process and waits until it and all it started are gone. Idempotent.
func (p *Process) Kill() {
	p.mu.Lock()
	p.killed = true
	p.mu.Unlock()
	_ = p.child.Signal(unix.SIGKILL) // fails only if it has ended
	<-p.done
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Words is what the process printed last, at most 3 KiB. Empty before Done.
func (p *Process) Words() string {
	select {
	case <-p.done:
		return p.words
	default:
		return ""
	}
}

// Exit says in a few words why the process ended: "killed", a signal or an exit status, and its last words if there
// were any. Empty before Done, and after exit status 0.
func (p *Process) Exit() string {
	select {
	case <-p.done:
	default:
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var why string
	switch {
	case p.ws.Signaled() && p.killed:
		return "killed"
	case p.ws.Signaled():
		why = fmt.Sprintf("signal %q", p.ws.Signal())
	case p.ws.ExitStatus() != 0:
		why = fmt.Sprintf("exit status %d", p.ws.ExitStatus())
	default:
		return ""
	}
	if p.words != "" {
		why += ": " + p.words
	}
	return why
}

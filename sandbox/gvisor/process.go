package gvisor

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/pidfd"
	"thaw.dev/thaw/sandbox"
)

// process is a sentry, our child.
type process struct {
	*pidfd.Process
	done chan struct{} // closed when the process was reaped

	mu     sync.Mutex
	wanted bool            // guarded by mu; we killed it
	ws     unix.WaitStatus // valid after done
	words  string          // valid after done; the beginning of what it said on its standard error
}

// newLastWords makes the file a sentry has as its standard error. Go programs say there why they die.
func newLastWords() (*os.File, error) {
	fd, err := unix.MemfdCreate("last words", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make file for last words: %w", err)
	}
	return os.NewFile(uintptr(fd), "last words"), nil
}

// maxLastWords is how much of them is kept, in bytes: the reason and the beginning of a trace.
const maxLastWords = 1024

// watch takes over the child pid and the file of its last words. One goroutine waits for its end; it ends with the
// process.
func watch(pid int, words *os.File) (*process, error) {
	child, err := pidfd.Child(pid)
	if err != nil {
		_ = words.Close()
		return nil, err
	}
	p := &process{Process: child, done: make(chan struct{})}
	go func() {
		p.ws = child.Wait()
		_ = child.Close()
		text := make([]byte, maxLastWords)
		n, _ := words.ReadAt(text, 0) // io.EOF: it said less
		p.words = strings.TrimSpace(string(text[:n]))
		_ = words.Close()
		close(p.done)
	}()
	return p, nil
}

// kill ends the process. It does not wait.
func (p *process) kill() error {
	p.mu.Lock()
	p.wanted = true
	p.mu.Unlock()
	if err := p.Signal(unix.SIGKILL); !errors.Is(err, pidfd.ErrEnded) {
		return err
	}
	return nil
}

// awaitStop waits until all threads of the process, to which SIGSTOP was sent, stand still, or it has ended.
func (p *process) awaitStop() error {
	var info unix.Siginfo
	for {
		// WNOWAIT leaves an end to the watcher.
		err := unix.Waitid(unix.P_PID, p.PID(), &info, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || info.Code != cldStopped {
			return pidfd.ErrEnded // or reaped: our child can vanish in no other way
		}
		return nil
	}
}

// cldStopped is what si_code says of a child that stopped. Source: sigaction(2), CLD_STOPPED.
const cldStopped = 5

// status describes the end. Before done it is the zero value.
func (p *process) status() sandbox.ExitStatus {
	select {
	case <-p.done:
	default:
		return sandbox.ExitStatus{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.ws.Signaled() && p.wanted:
		return sandbox.ExitStatus{Code: -1, Reason: "destroyed"}
	case p.ws.Signaled():
		return sandbox.ExitStatus{Code: -1, Reason: p.end()}
	case p.ws.ExitStatus() != 0:
		return sandbox.ExitStatus{Code: p.ws.ExitStatus(), Reason: p.end()}
	}
	return sandbox.ExitStatus{}
}

// end says after done how the sentry ended, with its last words.
func (p *process) end() string {
	how := fmt.Sprintf("exit status %d", p.ws.ExitStatus())
	if p.ws.Signaled() {
		how = fmt.Sprintf("sentry ended by signal %q", p.ws.Signal())
	}
	if p.words != "" {
		how += ": " + p.words
	}
	return how
}

package firecracker

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// process is a supervisor, our child.
type process struct {
	pid   int
	fd    *os.File // pidfd
	words *words
	done  chan struct{} // closed when it was reaped, and with it all of its pid namespace, and all it said was read

	mu     sync.Mutex
	killed bool            // guarded by mu; we did it
	status unix.WaitStatus // valid after done
}

// startProcess starts a supervisor with stdin, and returns it with our end of its socket. argv leads to it; stateDir is
// there for Sweep to see.
func startProcess(argv []string, stateDir string, stdin *os.File) (p *process, socket *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	socket = os.NewFile(uintptr(fds[0]), "supervisor")
	theirs := os.NewFile(uintptr(fds[1]), "supervisor")
	defer func() { _ = theirs.Close() }()
	read, write, err := os.Pipe()
	if err != nil {
		_ = socket.Close()
		return nil, nil, err
	}
	defer func() { _ = write.Close() }()
	pid, err := syscall.ForkExec(argv[0], append(slices.Clone(argv), stateDir), &syscall.ProcAttr{
		Dir: "/",
		// Nothing of the daemon's environment; the supervisor is idle for most of its life.
		Env:   []string{"GOGC=off", "GOMEMLIMIT=16MiB", "GOMAXPROCS=1"},
		Files: []uintptr{stdin.Fd(), write.Fd(), write.Fd(), theirs.Fd()},
		Sys: &syscall.SysProcAttr{
			Setsid: true,
			Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC |
				unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP,
			Pdeathsig: unix.SIGKILL,
		},
	})
	if err != nil {
		_, _ = socket.Close(), read.Close()
		return nil, nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	if p, err = watch(pid, read); err != nil {
		var status unix.WaitStatus
		_, _ = socket.Close(), read.Close()
		_, _ = unix.Kill(pid, unix.SIGKILL), reap(pid, &status) // our child, not waited for: the number is its own
		return nil, nil, err
	}
	return p, socket, nil
}

// watch takes over the child pid and the pipe with its words. Two goroutines end with the process.
func watch(pid int, said *os.File) (*process, error) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("open pidfd: %w", err)
	}
	p := &process{pid: pid, fd: os.NewFile(uintptr(fd), "pidfd"), words: &words{}, done: make(chan struct{})}
	raw, err := p.fd.SyscallConn()
	if err != nil {
		_ = p.fd.Close()
		return nil, fmt.Errorf("open pidfd: %w", err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer func() { _ = said.Close() }()
		p.words.read(said)
	}()
	go func() {
		defer close(p.done)
		defer func() { _ = p.fd.Close() }()
		// The pidfd becomes readable when the process ended: no thread blocks meanwhile.
		err := raw.Read(func(uintptr) bool {
			n, err := unix.Wait4(pid, &p.status, unix.WNOHANG, nil)
			return n == pid || (err != nil && !errors.Is(err, unix.EINTR))
		})
		if err != nil {
			_ = reap(pid, &p.status) // the poller refuses pidfds on this kernel: block a thread instead
		}
		<-read // the init process of a namespace is reaped after all others, so nobody holds the pipe
	}()
	return p, nil
}

// reap waits for the child pid.
func reap(pid int, status *unix.WaitStatus) error {
	for {
		if _, err := unix.Wait4(pid, status, 0, nil); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// kill ends the process and with it its pid namespace. It does not wait.
func (p *process) kill() error {
	p.mu.Lock()
	p.killed = true
	p.mu.Unlock()
	raw, err := p.fd.SyscallConn()
	if err != nil {
		return nil // closed: it was reaped
	}
	var serr error
	if err := raw.Control(func(fd uintptr) { serr = unix.PidfdSendSignal(int(fd), unix.SIGKILL, nil, 0) }); err != nil {
		return nil // as above
	}
	if errors.Is(serr, unix.ESRCH) {
		return nil
	}
	return serr
}

func (p *process) wasKilled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.killed
}

// exit describes the end, after done. It is empty when Firecracker ended by itself without complaint, which is what it
// does when the guest reboots.
func (p *process) exit() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var why string
	switch {
	case p.status.Signaled() && p.killed:
		return "killed"
	case p.status.Signaled():
		why = fmt.Sprintf("firecracker's supervisor ended by signal %q", p.status.Signal())
	case p.status.ExitStatus() == 0:
		return ""
	default:
		why = fmt.Sprintf("firecracker ended with status %d%s", p.status.ExitStatus(), meaning[p.status.ExitStatus()])
	}
	if last := p.words.last(); last != "" {
		why += ": " + last
	}
	return why
}

// meaning are Firecracker's exit statuses. Source: FcExitCode in its documentation of the vmm crate.
var meaning = map[int]string{
	148: " (a system call its seccomp filter forbids)",
	149: " (SIGBUS)",
	150: " (SIGSEGV)",
	151: " (SIGXFSZ: a file grew beyond its limit)",
	152: " (bad configuration)",
	153: " (bad argument)",
	154: " (SIGXCPU)",
	156: " (SIGHUP)",
	157: " (SIGILL)",
}

// maxWords is how much of what a monitor printed last is kept, in bytes.
const maxWords = 4 << 10

// words keeps the last of what a monitor prints.
type words struct {
	mu  sync.Mutex
	end []byte // guarded by mu; at most maxWords
}

// read takes what f says until it ends.
func (w *words) read(f *os.File) {
	b := make([]byte, maxWords)
	for {
		n, err := f.Read(b)
		w.mu.Lock()
		w.end = append(w.end, b[:n]...)
		if over := len(w.end) - maxWords; over > 0 {
			w.end = append(w.end[:0], w.end[over:]...)
		}
		w.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// last returns what was read last, as printable text.
func (w *words) last() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := strings.ToValidUTF8(string(w.end), "?")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' {
			return '?'
		}
		return r
	}, text))
}

package pidfd

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ErrEnded is returned for a process that has ended, or was never there.
var ErrEnded = errors.New("the process has ended")

// Process is one process of this host. Methods may be called concurrently.
type Process struct {
	pid int
	fd  *os.File
}

// Open returns the process that has the number pid at the moment. Whether that is the one that was meant, the caller looks
// at afterwards. It returns ErrEnded if there is none.
func Open(pid int) (*Process, error) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if errors.Is(err, unix.ESRCH) {
		return nil, ErrEnded
	}
	if err != nil {
		return nil, fmt.Errorf("open pidfd of %d: %w", pid, err)
	}
	return &Process{pid: pid, fd: os.NewFile(uintptr(fd), "pidfd")}, nil
}

// Child is Open for a child for which nobody waited yet. If that fails, it kills the child and waits for it.
func Child(pid int) (*Process, error) {
	p, err := Open(pid)
	if err != nil {
		_ = unix.Kill(pid, unix.SIGKILL) // the number is its own until somebody waits for it
		_ = wait(pid)
	}
	return p, err
}

// PID is the process's number.
func (p *Process) PID() int { return p.pid }

// Close releases the descriptor. Signal returns ErrEnded afterwards.
func (p *Process) Close() error { return p.fd.Close() }

// Signal sends a signal. It returns ErrEnded if the process has ended; a child that nobody waited for counts as there.
func (p *Process) Signal(sig unix.Signal) error {
	raw, err := p.fd.SyscallConn()
	if err != nil {
		return ErrEnded // closed
	}
	var serr error
	if err := raw.Control(func(fd uintptr) { serr = unix.PidfdSendSignal(int(fd), sig, nil, 0) }); err != nil {
		return ErrEnded
	}
	if errors.Is(serr, unix.ESRCH) {
		return ErrEnded
	}
	return serr
}

// Wait waits for the end of a child and returns how it ended. It is called once; no thread blocks meanwhile.
func (p *Process) Wait() (ws unix.WaitStatus) {
	raw, err := p.fd.SyscallConn()
	if err == nil {
		err = raw.Read(func(uintptr) bool { // a pidfd becomes readable when its process has ended
			n, err := unix.Wait4(p.pid, &ws, unix.WNOHANG, nil)
			return n == p.pid || (err != nil && !errors.Is(err, unix.EINTR))
		})
	}
	if err != nil { // the poller refuses pidfds on this kernel
		ws = wait(p.pid)
	}
	return ws
}

// wait is Wait with a thread that blocks.
func wait(pid int) (ws unix.WaitStatus) {
	for {
		if _, err := unix.Wait4(pid, &ws, 0, nil); !errors.Is(err, unix.EINTR) {
			return ws
		}
	}
}

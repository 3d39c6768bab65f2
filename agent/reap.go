package agent

import (
	"errors"
	"sync"
	"syscall"
)

// table knows the runtime process among the children of PID 1. reap is the only place that waits for children.
type table struct {
	mu      sync.Mutex // guards runtime; held while a process is started, so that its end cannot be reaped before
	runtime *process   // the one that runs, or nil
}

// process is a started runtime process.
type process struct {
	pid    int
	number uint32
	status syscall.WaitStatus // valid once ended is closed
	ended  chan struct{}      // closed when it was reaped

	reported chan struct{} // closed when the host was told
}

// start calls fork, which returns a child's pid, and takes the child for the runtime process.
func (t *table) start(number uint32, fork func() (int, error)) (*process, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	pid, err := fork()
	if err != nil {
		return nil, err
	}
	t.runtime = &process{
		pid: pid, number: number,
		ended: make(chan struct{}), reported: make(chan struct{}),
	}
	return t.runtime, nil
}

// reap collects the children that have ended and reports whether any are left.
func (t *table) reap() (left bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil: // ECHILD
			return false
		case pid == 0:
			return true
		}
		if p := t.runtime; p != nil && p.pid == pid {
			t.runtime = nil
			p.status = status
			close(p.ended)
		}
	}
}

package agent

import (
	"errors"
	"sync"
	"syscall"
)

// table knows the runtime's and the extensions' processes among the children of PID 1. reap is the only place that waits
// for children.
type table struct {
	mu      sync.Mutex // guards running; held while a process is started, so that its end cannot be reaped before
	running map[int]*process
}

// process is a started process of the runtime or of an extension.
type process struct {
	pid    int
	number uint32             // the runtime's
	status syscall.WaitStatus // valid once ended is closed
	ended  chan struct{}      // closed when it was reaped

	reported chan struct{} // closed when the host was told
}

// start calls fork, which returns a child's pid, and remembers the child.
func (t *table) start(number uint32, fork func() (int, error)) (*process, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	pid, err := fork()
	if err != nil {
		return nil, err
	}
	p := &process{pid: pid, number: number, ended: make(chan struct{}), reported: make(chan struct{})}
	if t.running == nil {
		t.running = map[int]*process{}
	}
	t.running[pid] = p
	return p, nil
}

// signal sends a signal to a process, or with group to all of its process group, unless it was reaped.
func (t *table) signal(p *process, s syscall.Signal, group bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running[p.pid] != p {
		return
	}
	pid := p.pid
	if group {
		pid = -pid // each is the leader of its own
	}
	_ = syscall.Kill(pid, s) // it may have ended this moment
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
		if p := t.running[pid]; p != nil {
			delete(t.running, pid)
			p.status = status
			close(p.ended)
		}
	}
}

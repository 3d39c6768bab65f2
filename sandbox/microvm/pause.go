package microvm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/pidfd"
)

// Pause sends SIGSTOP to every process of the machine. Nothing of it runs then: virtual CPUs, timers and devices are
// threads of the monitor. To stop the machine by the monitor's own means takes longer, and its clock would stand still
// meanwhile, so that after each Resume the guest would have to be told the time before anything else happens in it.
func (s *Sandbox) Pause(ctx context.Context) error { return s.step(ctx, "pause", s.pause) }

func (s *Sandbox) pause(ctx context.Context) error {
	s.setRunning(false)
	all, err := s.processes()
	if err != nil {
		return err
	}
	s.frozen = all
	for _, p := range all {
		if err := p.Signal(unix.SIGSTOP); err != nil {
			return err
		}
	}
	for _, p := range all {
		if err := awaitStop(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// Resume continues the machine.
func (s *Sandbox) Resume(ctx context.Context) error { return s.step(ctx, "resume", s.resume) }

func (s *Sandbox) resume(ctx context.Context) error {
	var errs []error
	for _, p := range s.frozen {
		errs = append(errs, p.Signal(unix.SIGCONT))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	closeProcesses(s.frozen)
	s.frozen = nil
	if s.stale {
		if err := s.tellLimits(ctx); err != nil {
			return err
		}
	}
	s.setRunning(true)
	return nil
}

// processes returns the machine's.
func (s *Sandbox) processes() (all []*pidfd.Process, err error) {
	defer func() {
		if err != nil {
			closeProcesses(all)
			all = nil
		}
	}()
	pids, err := s.group.Pids()
	if err != nil {
		return nil, err
	}
	for _, pid := range pids {
		p, err := pidfd.Open(pid)
		if errors.Is(err, pidfd.ErrEnded) {
			continue
		}
		if err != nil {
			return all, err
		}
		all = append(all, p)
	}
	// A number that is still in the group now is of the group's, even if it has changed hands meanwhile.
	if pids, err = s.group.Pids(); err != nil {
		return all, err
	}
	if len(all) == 0 || slices.ContainsFunc(all, func(p *pidfd.Process) bool { return !slices.Contains(pids, p.PID()) }) {
		return all, pidfd.ErrEnded
	}
	return all, nil
}

func closeProcesses(all []*pidfd.Process) {
	for _, p := range all {
		_ = p.Close()
	}
}

// awaitStop waits until all threads of p, to which SIGSTOP was sent, stand still. A thread needs a moment to come to the
// place where it stops, and the kernel tells only the parent.
func awaitStop(ctx context.Context, p *pidfd.Process) error {
	for pause := 20 * time.Microsecond; ; pause = min(2*pause, time.Millisecond) {
		done, err := stopped(p.PID())
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// stopped reports whether all threads of process pid stand still.
func stopped(pid int) (bool, error) {
	tasks := fmt.Sprintf("/proc/%d/task", pid)
	tids, err := os.ReadDir(tasks)
	if err != nil {
		return false, pidfd.ErrEnded
	}
	for _, tid := range tids {
		b, err := os.ReadFile(filepath.Join(tasks, tid.Name(), "stat"))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // the thread ended
		}
		if err != nil {
			return false, err
		}
		switch state := threadState(b); state {
		case 'T', 't':
		case 'Z', 'X':
			if tid.Name() == strconv.Itoa(pid) {
				return false, pidfd.ErrEnded
			}
		default:
			return false, nil
		}
	}
	return true, nil
}

// threadState reads the state from a stat file; 0 if it is none. Source: proc(5).
func threadState(stat []byte) byte {
	i := bytes.LastIndexByte(stat, ')') // the name before it may contain anything
	if i < 0 || i+2 >= len(stat) {
		return 0
	}
	return stat[i+2]
}

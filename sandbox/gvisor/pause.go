package gvisor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/urpc"
	"gvisor.dev/gvisor/runsc/boot"
)

// How long stubs may run on after the sentry was stopped. A guest that is in the middle of something comes to its next
// system call or page fault well within quietSoon, and waits for the sentry there. One that spins does not: after a
// pause inside the sentry no stub has a reason to run at all, and quietEver is only for a busy host.
const (
	quietSoon = 3 * time.Millisecond
	quietEver = 5 * time.Second
)

// errRestless is returned by Pause when something inside did not stop.
var errRestless = errors.New("stubs still run though the sentry is stopped")

// Pause stops the sentry, and sees to it that nothing of the sandbox runs without it. See doc.go, "Freezing".
func (s *Sandbox) Pause(ctx context.Context) error {
	if err := s.pause(ctx); err != nil {
		return fmt.Errorf("pause sandbox %s: %w", s.id, err)
	}
	return nil
}

func (s *Sandbox) pause(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := s.stopSentry(ctx); err != nil {
		return err
	}
	quiet, err := s.quietWithin(ctx, quietSoon)
	if err != nil || quiet {
		return err
	}
	// Something computes. Only the sentry can interrupt it.
	if err := s.sentry.Signal(unix.SIGCONT); err != nil {
		return err
	}
	err = s.call(ctx, func(c *urpc.Client) error { return c.Call(boot.ContMgrPause, nil, nil) })
	if err != nil {
		return fmt.Errorf("stop the guest's tasks: %w", err)
	}
	s.halted = true
	if err := s.stopSentry(ctx); err != nil {
		return err
	}
	if quiet, err = s.quietWithin(ctx, quietEver); err == nil && !quiet {
		err = errRestless
	}
	return err
}

// Resume continues the sandbox.
func (s *Sandbox) Resume(ctx context.Context) error {
	if err := s.resume(ctx); err != nil {
		return fmt.Errorf("resume sandbox %s: %w", s.id, err)
	}
	return nil
}

func (s *Sandbox) resume(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := s.sentry.Signal(unix.SIGCONT); err != nil {
		return err
	}
	if !s.halted {
		return nil
	}
	err := s.call(ctx, func(c *urpc.Client) error { return c.Call(boot.ContMgrResume, nil, nil) })
	if err != nil {
		return fmt.Errorf("continue the guest's tasks: %w", err)
	}
	s.halted = false
	return nil
}

// stopSentry stops all threads of the sentry and returns when they stand still. When ctx ends first it kills it.
func (s *Sandbox) stopSentry(ctx context.Context) error {
	if err := s.sentry.Signal(unix.SIGSTOP); err != nil {
		return err
	}
	end := context.AfterFunc(ctx, func() { _ = s.sentry.kill() })
	defer end()
	if err := s.sentry.awaitStop(); err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	return nil
}

// quietWithin reports whether the stubs come to rest within d. The sentry is stopped.
func (s *Sandbox) quietWithin(ctx context.Context, d time.Duration) (bool, error) {
	for deadline := time.Now().Add(d); ; {
		quiet, err := s.quiet()
		if err != nil || quiet || !time.Now().Before(deadline) {
			return quiet, err
		}
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-time.After(200 * time.Microsecond):
		}
	}
}

// quiet reports whether no stub thread runs or will run while the sentry is stopped. It looks twice: when a thread slept
// both times and was not scheduled in between, then it slept all the time from the first look to the second, and if
// that holds for all threads there was a moment at which all slept. Stubs sleep without a timeout and are only woken by
// the sentry or by each other, so from that moment on all of them sleep until the sentry continues.
func (s *Sandbox) quiet() (bool, error) {
	before, asleep, err := s.stubThreads()
	if err != nil || !asleep {
		return false, err
	}
	after, asleep, err := s.stubThreads()
	if err != nil || !asleep || len(before) != len(after) {
		return false, err
	}
	for tid, switches := range before {
		if again, ok := after[tid]; !ok || again != switches {
			return false, nil
		}
	}
	return true, nil
}

// stubThreads returns how often each thread of the stubs has been switched to or from, and whether all are asleep. It
// stops at the first that is not.
func (s *Sandbox) stubThreads() (switches map[int]uint64, asleep bool, err error) {
	pids, err := s.group.Pids()
	if err != nil {
		return nil, false, err
	}
	switches = map[int]uint64{}
	for _, pid := range pids {
		if pid == s.sentry.PID() {
			continue
		}
		asleep, err := threadsOf(pid, switches)
		if err != nil || !asleep {
			return nil, false, err
		}
	}
	return switches, true, nil
}

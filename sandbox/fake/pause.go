package fake

import (
	"context"
	"fmt"

	"thaw.dev/thaw/sandbox"
)

// Pause closes the gate of the guest.
func (s *Sandbox) Pause(ctx context.Context) error {
	if err := s.pause(ctx); err != nil {
		return fmt.Errorf("pause sandbox %s: %w", s.spec.ID, err)
	}
	return nil
}

func (s *Sandbox) pause(ctx context.Context) error {
	if s.e.opts.NoPause {
		return sandbox.ErrUnsupported
	}
	if err := s.e.Faults.meet(ctx, AtPause); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return errEnded
	}
	if s.paused == nil {
		s.paused = make(chan struct{})
	}
	return nil
}

// Resume opens it.
func (s *Sandbox) Resume(ctx context.Context) error {
	if err := s.resume(ctx); err != nil {
		return fmt.Errorf("resume sandbox %s: %w", s.spec.ID, err)
	}
	return nil
}

func (s *Sandbox) resume(ctx context.Context) error {
	if s.e.opts.NoPause {
		return sandbox.ErrUnsupported
	}
	if err := s.e.Faults.meet(ctx, AtResume); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return errEnded
	}
	if s.paused != nil {
		close(s.paused)
		s.paused = nil
	}
	return nil
}

// Paused says whether the sandbox is.
func (s *Sandbox) Paused() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paused != nil
}

// gate is the guest's.
func (s *Sandbox) gate() {
	s.mu.Lock()
	paused := s.paused
	s.mu.Unlock()
	if paused != nil {
		<-paused
	}
}

package microvm

import (
	"context"
	"errors"
	"fmt"
	"os"

	"thaw.dev/thaw/sandbox"
)

// Checkpoint writes the sandbox's state into dir. The guest stands still while it is saved, and goes on while memory is
// written. Files are not synced.
func (s *Sandbox) Checkpoint(ctx context.Context, dir string) error {
	return s.step(ctx, "checkpoint", func(ctx context.Context) error { return s.checkpoint(ctx, dir) })
}

func (s *Sandbox) checkpoint(ctx context.Context, dir string) error {
	if s.hotImages > 0 {
		return fmt.Errorf("%w: an image was attached while it ran", sandbox.ErrState)
	}
	fingerprint, err := s.e.fingerprint()
	if err != nil {
		return err
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		return fmt.Errorf("%s is no empty directory: %w", dir, err)
	}
	sv, err := newSaved()
	if err != nil {
		return err
	}
	ended := func() error { return context.Cause(ctx) }
	base, err := s.e.template(ctx, s.shape)
	if err != nil {
		return errors.Join(err, sv.close())
	}
	defer s.e.boots.release(base)
	sv.template = base.saved.template
	d := newDraft(dir, fingerprint, s.shape, base.saved, true)
	err = s.save(ctx, sv, d, ended)
	if err == nil {
		err = d.pack(memoryFile, sv.memory, base.saved.memory, ended)
	}
	if err == nil {
		err = d.copy(stateFile, sv.state)
	}
	if err == nil {
		err = d.finish()
	}
	if err == nil {
		err = sv.seal()
	}
	if err != nil {
		return errors.Join(err, sv.close())
	}
	// The first who restores it finds it in memory.
	on, err := s.e.openSnapshot(dir, s.shape)
	if err != nil {
		return errors.Join(err, sv.close())
	}
	s.e.snaps.put(on.key, sv)
	return nil
}

// save brings the machine to rest, saves it, and lets it go on.
func (s *Sandbox) save(ctx context.Context, sv *saved, d *draft, ended func() error) error {
	s.setRunning(false) // nobody asks the guest meanwhile
	if err := s.conn.Quiesce(ctx); err != nil {
		return s.withLastWords(err)
	}
	vm := s.vm()
	if err := vm.Stop(ctx); err != nil {
		return s.withLastWords(fmt.Errorf("stop: %w", err))
	}
	if err := vm.Save(ctx, sv.memory, sv.state); err != nil {
		return s.withLastWords(fmt.Errorf("save: %w", err))
	}
	if err := d.pack(scratchFile, s.scratch, nil, ended); err != nil {
		return err
	}
	if err := vm.Continue(ctx); err != nil {
		return s.withLastWords(fmt.Errorf("continue: %w", err))
	}
	// It goes on like one that was restored: its time has stood still, and its randomness is in the snapshot.
	if err := s.conn.Refresh(ctx, s.refresh()); err != nil {
		return s.withLastWords(err)
	}
	s.setRunning(true)
	return nil
}

package microvm

import (
	"context"

	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// openSnapshot looks at the snapshot in dir, which must be of a machine of this shape.
func (e *Engine) openSnapshot(dir string, shape vmm.Shape) (*stored, error) {
	fingerprint, err := e.fingerprint()
	if err != nil {
		return nil, err
	}
	return open(dir, fingerprint, shape, memoryFile, stateFile, scratchFile)
}

// hold brings the snapshot into memory, unless it is there, and for that the boot template it builds on. The caller releases
// it.
func (e *Engine) hold(ctx context.Context, on *stored) (*entry, error) {
	return e.snaps.hold(ctx, on.key, func(ctx context.Context) (*saved, error) {
		base, err := e.template(ctx, on.d.Shape)
		if err != nil {
			return nil, err
		}
		defer e.boots.release(base)
		return on.load(base.saved, func() error { return context.Cause(ctx) })
	})
}

// Restore starts the sandbox from the snapshot in dir.
func (s *Sandbox) Restore(ctx context.Context, dir string) error {
	return s.step(ctx, "restore", func(ctx context.Context) error { return s.restore(ctx, dir) })
}

func (s *Sandbox) restore(ctx context.Context, dir string) error {
	on, err := s.e.openSnapshot(dir, s.shape)
	if err != nil {
		return err
	}
	if err := on.scratch(s.scratch, func() error { return context.Cause(ctx) }); err != nil {
		return err
	}
	from, err := s.e.hold(ctx, on)
	if err != nil {
		return err
	}
	if err := s.bind(ctx, s.e.snaps, from); err != nil {
		return err
	}
	if err := s.load(ctx, from.saved); err != nil {
		return err
	}
	// Nothing but init runs before Refresh.
	if err := s.conn.Refresh(ctx, s.refresh()); err != nil {
		return s.withLastWords(err)
	}
	s.setRunning(true)
	return nil
}

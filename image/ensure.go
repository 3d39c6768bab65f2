package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
)

// builds remembers which images this process has checked, and which are being made.
type builds struct {
	mu      sync.Mutex
	checked map[string]bool          // images that Verify passed, or that were built here; guarded by mu
	running map[string]chan struct{} // closed when the build of that key ends; guarded by mu
}

// Ensure returns the path of the image of key. The first call of a process verifies an image that is there; a missing
// or damaged one is built from what describe returns. Concurrent calls for one key wait for one build; when that
// build's caller is cancelled or fails, the next caller tries itself. Later calls only look whether the file is there.
func (s *Store) Ensure(ctx context.Context, key string, describe func(context.Context) (*Tree, error)) (string, error) {
	for {
		s.builds.mu.Lock()
		wait, busy := s.builds.running[key]
		checked := s.builds.checked[key]
		if !busy && (!checked || !s.Has(key)) {
			done := make(chan struct{})
			s.builds.running[key] = done
			s.builds.mu.Unlock()
			return s.ensure(ctx, key, describe, done)
		}
		s.builds.mu.Unlock()
		if !busy {
			return s.Path(key), nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

// ensure is Ensure for the one caller that does the work.
func (s *Store) ensure(ctx context.Context, key string, describe func(context.Context) (*Tree, error), done chan struct{}) (path string, err error) {
	defer func() {
		s.builds.mu.Lock()
		defer s.builds.mu.Unlock()
		delete(s.builds.running, key)
		s.builds.checked[key] = err == nil
		close(done)
	}()
	err = s.Verify(key)
	if err == nil {
		return s.Path(key), nil
	}
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrCorrupt) {
		return "", err
	}
	tree, err := describe(ctx)
	if err != nil {
		return "", fmt.Errorf("describe image: %w", err)
	}
	return s.Build(ctx, key, tree)
}

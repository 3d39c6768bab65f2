package microvm

import (
	"context"
	"errors"
	"sync"
	"time"

	"thaw.dev/thaw/sandbox"
)

// stash keeps saved machines in memory for those that are made from them. A machine's monitor maps the memory privately,
// so all machines of one entry share what they have not changed. An entry that somebody uses stays; of the others those
// that were used last stay, up to a number of bytes.
type stash struct {
	maxIdleBytes int64
	ctx          context.Context //nolint:containedctx // the stash's lifetime: loads end with it
	cancel       context.CancelCauseFunc
	loads        sync.WaitGroup

	mu      sync.Mutex
	entries map[string]*entry // guarded by mu
	closed  bool              // guarded by mu
}

// entry is one saved machine.
type entry struct {
	key    string
	loaded chan struct{} // closed when saved or err is set
	saved  *saved
	err    error

	users int       // guarded by stash.mu
	used  time.Time // guarded by stash.mu; when the last user left
}

func newStash(maxIdleBytes int64) *stash {
	ctx, cancel := context.WithCancelCause(context.Background())
	return &stash{maxIdleBytes: maxIdleBytes, ctx: ctx, cancel: cancel, entries: map[string]*entry{}}
}

// hold returns the entry called key, which stays until release. Where there is none, load makes it, once for all who want
// it; a caller whose ctx ends leaves the others' load alone.
func (s *stash) hold(ctx context.Context, key string, load func(context.Context) (*saved, error)) (*entry, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, sandbox.ErrClosed
	}
	e := s.entries[key]
	if e == nil {
		e = &entry{key: key, loaded: make(chan struct{})}
		s.entries[key] = e
		s.loads.Go(func() { s.load(e, load) }) // ends with load, which ends with s.ctx; close waits for it
	}
	e.users++
	s.mu.Unlock()

	select {
	case <-e.loaded:
		if e.err != nil {
			s.release(e)
			return nil, e.err
		}
		return e, nil
	case <-ctx.Done():
		s.release(e)
		return nil, context.Cause(ctx)
	}
}

func (s *stash) load(e *entry, load func(context.Context) (*saved, error)) {
	defer close(e.loaded)
	sv, err := load(s.ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		e.err = err
		delete(s.entries, e.key)
		return
	}
	e.saved, e.used = sv, time.Now()
	s.trim(e)
}

// put adds sv, which nobody uses yet. The stash closes it.
func (s *stash) put(key string, sv *saved) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.entries[key] != nil {
		_ = sv.close()
		return
	}
	loaded := make(chan struct{})
	close(loaded)
	s.entries[key] = &entry{key: key, loaded: loaded, saved: sv, used: time.Now()}
	s.trim(nil)
}

// release ends the use of e that hold began.
func (s *stash) release(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.users--
	e.used = time.Now()
	if s.closed && e.users == 0 && e.saved != nil {
		_ = e.saved.close()
		return
	}
	s.trim(nil)
}

// trim closes the entries that were idle longest, except keep, until the others are within bounds. s.mu is held.
func (s *stash) trim(keep *entry) {
	for {
		var idle int64
		var oldest *entry
		for _, e := range s.entries {
			if e.users > 0 || e.saved == nil || e == keep {
				continue
			}
			idle += e.saved.bytes
			if oldest == nil || e.used.Before(oldest.used) {
				oldest = e
			}
		}
		if idle <= s.maxIdleBytes {
			return
		}
		delete(s.entries, oldest.key)
		_ = oldest.saved.close()
	}
}

// close ends all loads and frees what nobody uses; the rest goes with its last user.
func (s *stash) close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel(sandbox.ErrClosed)
	s.loads.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for key, e := range s.entries {
		if e.users == 0 && e.saved != nil {
			errs = append(errs, e.saved.close())
		}
		delete(s.entries, key)
	}
	return errors.Join(errs...)
}

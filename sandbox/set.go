package sandbox

import (
	"errors"
	"fmt"
	"sync"
)

// ErrClosed is returned by an engine's Create after Close.
var ErrClosed = errors.New("engine is closed")

// Set is the sandboxes of an engine: Create adds each before there is anything of it, Destroy removes it when nothing is
// left, and Close finds all. The zero value is empty. Methods may be called concurrently.
type Set[S interface {
	comparable
	Sandbox
}] struct {
	mu     sync.Mutex
	closed bool         // guarded by mu
	boxes  map[string]S // guarded by mu; by ID
}

// Add adds s. It returns ErrClosed after Close, and ErrSpec for an ID that is in use.
func (t *Set[S]) Add(s S) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	if _, used := t.boxes[s.ID()]; used {
		return fmt.Errorf("%w: id %s is in use", ErrSpec, s.ID())
	}
	if t.boxes == nil {
		t.boxes = map[string]S{}
	}
	t.boxes[s.ID()] = s
	return nil
}

// Remove removes s. One that is not there, though another may have its ID, is no error.
func (t *Set[S]) Remove(s S) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.boxes[s.ID()] == s {
		delete(t.boxes, s.ID())
	}
}

// Get returns the sandbox called id, or S's zero value.
func (t *Set[S]) Get(id string) S {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.boxes[id]
}

// All returns those there are, in no order.
func (t *Set[S]) All() []S {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]S, 0, len(t.boxes))
	for _, s := range t.boxes {
		all = append(all, s)
	}
	return all
}

// Close refuses more sandboxes and destroys those there are, also those whose Create is under way: their Destroy waits for
// it. The set keeps what could not be destroyed.
func (t *Set[S]) Close() error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	var errs []error
	for _, s := range t.All() {
		errs = append(errs, s.Destroy())
	}
	return errors.Join(errs...)
}

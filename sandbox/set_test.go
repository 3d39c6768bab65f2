package sandbox_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"thaw.dev/thaw/sandbox"
)

// member is a sandbox that is nothing but a member of a set.
type member struct {
	sandbox.Sandbox
	id    string
	set   *sandbox.Set[*member]
	stuck atomic.Bool
	ends  atomic.Int64
}

var errStuck = errors.New("stuck")

func (m *member) ID() string { return m.id }

func (m *member) Destroy() error {
	if m.stuck.Load() {
		return errStuck
	}
	m.ends.Add(1)
	m.set.Remove(m)
	return nil
}

func TestSetRefusesIDsInUse(t *testing.T) {
	t.Parallel()
	var set sandbox.Set[*member]
	a, again := &member{id: "a", set: &set}, &member{id: "a", set: &set}
	if err := set.Add(a); err != nil {
		t.Fatal(err)
	}
	if err := set.Add(again); !errors.Is(err, sandbox.ErrSpec) {
		t.Errorf("two of one ID: %v", err)
	}
	set.Remove(again) // was never there
	if set.Get("a") != a {
		t.Error("the wrong one was removed")
	}
	set.Remove(a)
	if set.Get("a") != nil {
		t.Error("not removed")
	}
	if err := set.Add(again); err != nil {
		t.Errorf("the ID is not free again: %v", err)
	}
}

// TestSetCloseMissesNobody adds from many goroutines beside Close: who got in is destroyed, once, the others know.
func TestSetCloseMissesNobody(t *testing.T) {
	t.Parallel()
	for range 50 {
		var set sandbox.Set[*member]
		var wg sync.WaitGroup
		for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
			wg.Go(func() {
				m := &member{id: id, set: &set}
				err := set.Add(m)
				if err != nil && !errors.Is(err, sandbox.ErrClosed) {
					t.Error(err)
				}
				wg.Go(func() {
					if err := set.Close(); err != nil {
						t.Error(err)
					}
					if (err == nil) != (m.ends.Load() > 0) {
						t.Errorf("added: %v, destroyed %d times", err, m.ends.Load())
					}
				})
			})
		}
		wg.Wait()
		if left := set.All(); len(left) > 0 {
			t.Errorf("%d are left", len(left))
		}
	}
}

func TestSetKeepsWhatIsStuck(t *testing.T) {
	t.Parallel()
	var set sandbox.Set[*member]
	stuck, other := &member{id: "a", set: &set}, &member{id: "b", set: &set}
	stuck.stuck.Store(true)
	for _, m := range []*member{stuck, other} {
		if err := set.Add(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := set.Close(); !errors.Is(err, errStuck) {
		t.Errorf("close: %v", err)
	}
	if left := set.All(); len(left) != 1 || left[0] != stuck || other.ends.Load() != 1 {
		t.Errorf("%d are left", len(left))
	}
	stuck.stuck.Store(false)
	if err := set.Close(); err != nil || len(set.All()) != 0 {
		t.Errorf("second close: %v", err)
	}
}

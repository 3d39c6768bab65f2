package invoke_test

import (
	"fmt"
	"math/rand/v2"
	"sync"

	"thaw.dev/thaw/lambda"
)

// version names a function version; its Function gives the rest of a lambda.Config.
type version struct{ account, name, version string }

func (v version) Function() *lambda.Config {
	return &lambda.Config{Account: v.account, Name: v.name, Version: v.version}
}

// shares are shares that a test changes: reservations by function, provisioned concurrency by version, and what each
// account has left.
type shares struct {
	mu          sync.Mutex
	reserved    map[version]int // keyed without a version
	provisioned map[version]int
	unreserved  map[string]int
}

func newShares(unreserved int) *shares {
	return &shares{reserved: map[version]int{}, provisioned: map[version]int{}, unreserved: map[string]int{"a": unreserved, "b": unreserved}}
}

func (s *shares) Share(account, name, v string) lambda.Share {
	s.mu.Lock()
	defer s.mu.Unlock()
	share := lambda.Share{Reserved: lambda.NoReservation, Unreserved: s.unreserved[account], Provisioned: s.provisioned[version{account, name, v}]}
	if r, ok := s.reserved[version{account, name, ""}]; ok {
		share.Reserved = r
	}
	return share
}

// change changes one share at random.
func (s *shares) change(r *rand.Rand, v version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch function := (version{v.account, v.name, ""}); r.IntN(5) {
	case 0:
		delete(s.reserved, function)
	case 1, 2:
		s.reserved[function] = r.IntN(5)
	case 3:
		s.provisioned[v] = r.IntN(4)
	case 4:
		s.unreserved[v.account] = r.IntN(12)
	}
}

func versions() []version {
	var all []version
	for _, account := range []string{"a", "b"} {
		for _, name := range []string{"f", "g", "h"} {
			for _, v := range []string{lambda.Latest, "1", "2"} {
				all = append(all, version{account, name, v})
			}
		}
	}
	return all
}

// model says what admission has to do, from a list of what runs.
type model struct {
	running     map[version]int
	provisioned map[version]int  // as seen when the version was last asked for
	reserved    map[version]bool // by function, without a version
}

// ofFunction is how much of v's function runs.
func (m *model) ofFunction(v version) (n int) {
	for w, running := range m.running {
		if w.account == v.account && w.name == v.name {
			n += running
		}
	}
	return n
}

// charged is how much counts against v's account.
func (m *model) charged(v version) (n int) {
	for w, running := range m.running {
		if w.account == v.account && !m.reserved[version{w.account, w.name, ""}] {
			n += max(0, running-m.provisioned[w])
		}
	}
	return n
}

// enter returns the reason for which v is refused, "" if it is not.
func (m *model) enter(v version, share lambda.Share) string {
	m.provisioned[v] = share.Provisioned
	m.reserved[version{v.account, v.name, ""}] = share.Reserved != lambda.NoReservation
	if share.Reserved != lambda.NoReservation {
		if m.ofFunction(v)+1 > share.Reserved {
			return "ReservedFunctionConcurrentInvocationLimitExceeded"
		}
	} else {
		before := m.charged(v)
		m.running[v]++
		after := m.charged(v)
		m.running[v]--
		if after > before && after > share.Unreserved {
			return "ConcurrentInvocationLimitExceeded"
		}
	}
	m.running[v]++
	return ""
}

// inside counts from outside what is under way while shares stand still: never more than what admission has counted. It
// is nil where shares change.
type inside struct {
	shares  *shares
	mu      sync.Mutex
	model   model
	reached map[string]int // how often each bound was
}

func newInside(s *shares, reached map[string]int) *inside {
	i := &inside{shares: s, reached: reached, model: model{running: map[version]int{}, provisioned: s.provisioned, reserved: map[version]bool{}}}
	for function := range s.reserved {
		i.model.reserved[function] = true
	}
	return i
}

// entered counts v and says which bound is broken.
func (i *inside) entered(v version) error {
	if i == nil {
		return nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	before := i.model.charged(v)
	i.model.running[v]++
	share := i.shares.Share(v.account, v.name, v.version)
	charged, running := i.model.charged(v), i.model.ofFunction(v)
	switch {
	case share.Reserved != lambda.NoReservation && running > share.Reserved:
		return fmt.Errorf("%d of %v at once, reserved are %d", running, v, share.Reserved)
	case charged > share.Unreserved && charged > before:
		return fmt.Errorf("%d count against account %s, unreserved are %d", charged, v.account, share.Unreserved)
	case running == share.Reserved:
		i.reached["reserved"]++
	case charged == share.Unreserved && charged > before:
		i.reached["unreserved"]++
	}
	return nil
}

func (i *inside) left(v version) {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.model.running[v]--
}

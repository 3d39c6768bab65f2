package controltest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"thaw.dev/thaw/control"
	"thaw.dev/thaw/lambda"
)

// Slots record what they are told and have no environments. The zero value is ready.
type Slots struct {
	// Snapshot, if set before the first call, is what Optimise does.
	Snapshot func(ctx context.Context, fn *lambda.Config) error

	mu          sync.Mutex
	calls       []string
	provisioned map[[3]string]lambda.Provisioned
}

var _ control.Slots = (*Slots)(nil)

func (s *Slots) record(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, fmt.Sprintf(format, args...))
}

// Calls returns what was called since the last Calls, without Provision(fn, 0): "expect f:$LATEST 128" with the memory,
// "optimise f:1", "discard f:1" or, for all versions, "discard f", and "provision f:1 3".
func (s *Slots) Calls() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := strings.Join(s.calls, ", ")
	s.calls = nil
	return calls
}

// Expect records the call.
func (s *Slots) Expect(fn *lambda.Config) {
	s.record("expect %s:%s %d", fn.Name, fn.Version, fn.MemoryMB)
}

// Optimise records the call and runs Snapshot.
func (s *Slots) Optimise(ctx context.Context, fn *lambda.Config) error {
	s.record("optimise %s:%s", fn.Name, fn.Version)
	if s.Snapshot == nil {
		return nil
	}
	return s.Snapshot(ctx, fn)
}

// Discard records the call and forgets provisioned concurrency.
func (s *Slots) Discard(account, name, version string) {
	s.record("%s", strings.TrimSuffix("discard "+name+":"+version, ":"))
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.provisioned {
		if k[0] == account && k[1] == name && (version == "" || k[2] == version) {
			delete(s.provisioned, k)
		}
	}
}

// Provision records the call. Nothing is allocated until Allocate.
func (s *Slots) Provision(fn *lambda.Config, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := [3]string{fn.Account, fn.Name, fn.Version}
	if n == 0 {
		delete(s.provisioned, k)
		return
	}
	s.calls = append(s.calls, fmt.Sprintf("provision %s:%s %d", fn.Name, fn.Version, n))
	if s.provisioned == nil {
		s.provisioned = make(map[[3]string]lambda.Provisioned)
	}
	s.provisioned[k] = lambda.Provisioned{Requested: n, Status: lambda.ProvisionedInProgress}
}

// Provisioned returns what Provision and Allocate left.
func (s *Slots) Provisioned(account, name, version string) lambda.Provisioned {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.provisioned[[3]string{account, name, version}]
}

// Allocate makes everything that was provisioned READY.
func (s *Slots) Allocate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, p := range s.provisioned {
		p.Allocated, p.Available, p.Status = p.Requested, p.Requested, lambda.ProvisionedReady
		s.provisioned[k] = p
	}
}

// Versions lists the versions with provisioned concurrency, "f:1 3".
func (s *Slots) Versions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for k, p := range s.provisioned {
		list = append(list, fmt.Sprintf("%s:%s %d", k[1], k[2], p.Requested))
	}
	slices.Sort(list)
	return list
}

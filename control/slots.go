package control

import (
	"context"

	"thaw.dev/thaw/lambda"
)

// Slots are the execution environments of functions, as far as the control plane decides about them. *pool.Pool is
// behind it. Only Optimise may block; none of the methods may call Functions.
type Slots interface {
	// Expect tells that invocations of fn may come.
	Expect(fn *lambda.Config)
	// Optimise makes the snapshot that environments of fn, a version with SnapStart, start from. What is the function's
	// doing has a *link.InitError, *link.ExitError or link.ErrTimeout in its chain, or is a *lambda.Error; any other error
	// is ours.
	Optimise(ctx context.Context, fn *lambda.Config) error
	// Discard tells that the version, $LATEST or a number, was replaced or deleted, or with version "" the whole
	// function: idle environments end now, busy ones with their invocation, provisioned ones are not replaced, snapshots
	// go.
	Discard(account, name, version string)
	// Provision keeps n environments of fn, a published version, initialised; 0 ends that.
	Provision(fn *lambda.Config, n int)
	// Provisioned tells how far Provision has come. All members are zero without it.
	Provisioned(account, name, version string) lambda.Provisioned
}

// expect tells the slots what the store says now about a version's environments. version is a number.
func (s *Functions) expect(account, name, version string) {
	s.slotting.Lock()
	defer s.slotting.Unlock()
	v, ok := s.version(account, name, version)
	if !ok || v.Config.State != lambda.StateActive {
		return
	}
	s.slots.Expect(&v.Config)
	s.slots.Provision(&v.Config, v.Provisioned)
}

// discard tells the slots that a version, or with "" all of a function, is gone from the store or was replaced there.
func (s *Functions) discard(account, name, version string) {
	s.slotting.Lock()
	defer s.slotting.Unlock()
	s.slots.Discard(account, name, version)
}

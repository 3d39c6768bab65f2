package node

import (
	"context"
	"errors"
	"sync"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/pool"
)

// slots lets the control plane decide about the pool's environments; it is control.Slots.
type slots struct {
	*pool.Pool
	launcher launcher
	ctx      context.Context // ends with the node
	work     *sync.WaitGroup
}

// Expect has slots of the function's runtime made ready.
func (s slots) Expect(fn *lambda.Config) {
	s.work.Go(func() { // building an image takes long
		_ = s.launcher.expect(s.ctx, s.Pool, fn) // a cold start meets the same error and reports it
	})
}

// Discard ends the environments of a version, or of all of the function's.
func (s slots) Discard(account, name, version string) {
	s.Retire(account, name, version)
}

// Optimise makes the version's snapshot. What the function did wrong is a *lambda.Error.
func (s slots) Optimise(ctx context.Context, fn *lambda.Config) error {
	err := s.Pool.Optimise(ctx, fn)
	_, failed := errors.AsType[*link.InitError](err)
	_, exited := errors.AsType[*link.ExitError](err)
	switch {
	case failed, exited:
		return &lambda.Error{Kind: lambda.KindInvalid, Msg: "The function's initialization failed: " + err.Error(), Err: err}
	case errors.Is(err, link.ErrTimeout):
		return &lambda.Error{Kind: lambda.KindInvalid, Msg: "The function's initialization or its hooks took too long.", Err: err}
	}
	return err
}

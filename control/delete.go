package control

import (
	"context"
	"errors"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// Delete removes a function in whatever state it is, with its tags; its environments are retired. The code stays for
// whoever collects packages that no function names. lambda.KindNotFound if there is no such function.
func (s *Functions) Delete(ctx context.Context, account, name string) error {
	for range maxRaces {
		f, ok := s.store.Get(account, name)
		if !ok {
			return s.notFound(account, name, "")
		}
		err := s.store.Delete(ctx, f)
		if errors.Is(err, store.ErrStale) {
			continue
		}
		if err != nil {
			return err
		}
		s.queue.cancel(keyOf(&f.Config))
		s.retire(account, name)
		return nil
	}
	return lambda.Errorf(lambda.KindConflict,
		"The operation cannot be performed at this time. Too many changes at once for resource: %s", s.arn(account, name, ""))
}

package control

import (
	"context"
	"errors"

	"thaw.dev/thaw/store"
)

// Delete removes a function in whatever state it is, with its tags, versions and settings; its environments end. The code
// stays for whoever collects packages that no function names. lambda.KindNotFound if there is no such function.
func (s *Functions) Delete(ctx context.Context, account, name string) error {
	for range maxRaces {
		f, ok := s.store.Get(account, name)
		if !ok {
			return s.notFound(account, name, "")
		}
		versions := s.store.Versions(account, name)
		err := s.store.Delete(ctx, f)
		if errors.Is(err, store.ErrStale) {
			continue
		}
		if err != nil {
			return err
		}
		s.queue.cancel(keyOf(&f.Config))
		for _, v := range versions {
			s.cancelVersion(v)
		}
		s.discard(account, name, "")
		return nil
	}
	return s.tooManyChanges(account, name, "")
}

package control

import (
	"context"
	"errors"
	"strconv"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// version returns a published version; false also for a qualifier that is no version's number.
func (s *Functions) version(account, name, qualifier string) (*store.Version, bool) {
	n, ok := number(qualifier)
	if !ok {
		return nil, false
	}
	return s.store.Version(account, name, n)
}

// number reads the number of a published version.
func number(qualifier string) (int, bool) {
	n, err := strconv.Atoi(qualifier)
	return n, err == nil && n > 0 && strconv.Itoa(n) == qualifier
}

// Versions returns up to limit of a function's versions, $LATEST first and then the published ones in ascending order,
// beginning behind the version after ("": from the start). more says whether others follow. Errors: lambda.KindNotFound.
func (s *Functions) Versions(account, name, after string, limit int) (page []*lambda.Config, more bool, err error) {
	f, ok := s.store.Get(account, name)
	if !ok {
		return nil, false, s.notFound(account, name, "")
	}
	page, more = s.versionsAfter(&f, after, limit)
	return page, more, nil
}

// versionsAfter is Versions for a function that was read.
func (s *Functions) versionsAfter(f *store.Function, after string, limit int) (page []*lambda.Config, more bool) {
	last := 0
	if after == "" {
		page = append(page, &f.Config)
	} else if after != lambda.Latest {
		last, _ = number(after)
	}
	for _, v := range s.store.VersionsAfter(f.Config.Account, f.Config.Name, last, limit+1) {
		page = append(page, &v.Config)
	}
	if len(page) > limit {
		return page[:limit], true
	}
	return page, false
}

// DeleteVersion removes a published version; its number is never used again. Its environments end, its snapshot goes.
// Errors: lambda.KindNotFound, KindConflict while an alias points at the version.
func (s *Functions) DeleteVersion(ctx context.Context, account, name, version string) error {
	return s.limit(ctx, func() error { return s.deleteVersion(ctx, account, name, version) })
}

func (s *Functions) deleteVersion(ctx context.Context, account, name, version string) error {
	for range maxRaces {
		f, _ := s.store.Get(account, name)
		v, ok := s.version(account, name, version)
		if !ok {
			return s.notFound(account, name, version)
		}
		if used := pointingAt(&f, version); len(used) > 0 {
			return lambda.Errorf(lambda.KindConflict, "Version %s cannot be deleted because it is referenced by the alias: %s", version, used[0].Name)
		}
		err := s.store.DeleteVersion(ctx, *v)
		if errors.Is(err, store.ErrStale) {
			continue
		}
		if err != nil {
			return err
		}
		s.cancelVersion(v)
		s.discard(account, name, version)
		return s.forget(context.WithoutCancel(ctx), account, name, version)
	}
	return s.tooManyChanges(account, name, version)
}

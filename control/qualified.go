package control

import (
	"context"

	"github.com/google/uuid"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// qualify has change make what is set for a qualifier of a function, given the record it stands in, and stores that. The
// function or alias gets a new revision, the one that change is given. Errors: lambda.KindNotFound, and change's.
func (s *Functions) qualify(ctx context.Context, account, name, qualifier string,
	change func(f *store.Function, q *lambda.Qualified, revision string) error,
) error {
	return s.limit(ctx, func() error { // else a version could go in between
		_, _, err := s.write(ctx, account, name, func(old store.Function) (store.Function, *store.Version, error) {
			if err := s.present(account, name, qualifier); err != nil {
				return old, nil, err
			}
			q, rev := old.For(qualifier), uuid.NewString()
			if err := change(&old, &q, rev); err != nil {
				return old, nil, err
			}
			next := old.WithQualified(qualifier, q)
			if a, ok := next.Alias(qualifier); ok {
				changed := *a
				changed.RevisionID = rev
				next = next.WithAlias(changed)
			} else if qualifier == "" || qualifier == lambda.Latest {
				next.Config.RevisionID = rev
			}
			return next, nil, nil
		})
		return err
	})
}

// present returns lambda.KindNotFound if the function has no such version or alias.
func (s *Functions) present(account, name, qualifier string) error {
	f, ok := s.store.Get(account, name)
	if !ok {
		return s.notFound(account, name, qualifier)
	}
	if qualifier == "" || qualifier == lambda.Latest {
		return nil
	}
	if mayBeAlias(qualifier) {
		if _, ok := f.Alias(qualifier); !ok {
			return s.noAlias(account, name, qualifier)
		}
	} else if _, ok := s.version(account, name, qualifier); !ok {
		return s.notFound(account, name, qualifier)
	}
	return nil
}

// qualified returns what is set for a qualifier. Errors: lambda.KindNotFound.
func (s *Functions) qualified(account, name, qualifier string) (lambda.Qualified, error) {
	if err := s.present(account, name, qualifier); err != nil {
		return lambda.Qualified{}, err
	}
	f, _ := s.store.Get(account, name)
	return f.For(qualifier), nil
}

// revisionOf is the revision that writes of a qualifier's settings may name: the alias's, the version's or the function's.
func (s *Functions) revisionOf(f *store.Function, qualifier string) string {
	if a, ok := f.Alias(qualifier); ok {
		return a.RevisionID
	}
	if v, ok := s.version(f.Config.Account, f.Config.Name, qualifier); ok {
		return v.Config.RevisionID
	}
	return f.Config.RevisionID
}

// forget drops what was set for a version that was deleted. Its number is never used again, so nobody sees what a failure
// leaves behind.
func (s *Functions) forget(ctx context.Context, account, name, version string) error {
	f, ok := s.store.Get(account, name)
	if !ok || f.For(version).Empty() {
		return nil
	}
	_, _, err := s.write(ctx, account, name, func(old store.Function) (store.Function, *store.Version, error) {
		return old.WithQualified(version, lambda.Qualified{}), nil, nil
	})
	return err
}

package control

import (
	"context"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// ManageRuntime stores when $LATEST or a published version gets a newer version of its runtime; nil is as if nothing had
// been set. Errors: lambda.KindNotFound.
func (s *Functions) ManageRuntime(ctx context.Context, account, name, qualifier string, m *lambda.RuntimeManagement) error {
	_, err := s.modify(ctx, account, name, func(f store.Function) (store.Function, error) {
		if n, ok := number(qualifier); ok {
			if _, ok := s.store.Version(account, name, n); !ok {
				return f, s.notFound(account, name, qualifier)
			}
		}
		q := f.For(qualifier)
		q.RuntimeManagement = m
		return f.WithQualified(qualifier, q), nil
	})
	return err
}

package control

import (
	"context"

	"thaw.dev/thaw/store"
)

// Values of a function's RecursiveLoop. Source: Lambda API, PutFunctionRecursionConfig.
const (
	recursionAllow     = "Allow"
	recursionTerminate = "Terminate"
)

// SetRecursion says whether a function may be part of a loop of invocations: Allow or Terminate. Errors: lambda.KindNotFound.
func (s *Functions) SetRecursion(ctx context.Context, account, name, loop string) error {
	_, _, err := s.write(ctx, account, name, func(f store.Function) (store.Function, *store.Version, error) {
		if f.Recursion = loop; loop == recursionTerminate {
			f.Recursion = ""
		}
		return f, nil, nil
	})
	return err
}

// Recursion returns Allow or Terminate. Errors: lambda.KindNotFound.
func (s *Functions) Recursion(account, name string) (string, error) {
	if _, ok := s.store.Get(account, name); !ok {
		return "", s.notFound(account, name, "")
	}
	if s.MayLoop(account, name) {
		return recursionAllow, nil
	}
	return recursionTerminate, nil
}

// MayLoop reports whether a function may be part of a loop of invocations.
func (s *Functions) MayLoop(account, name string) bool {
	f, _ := s.store.Get(account, name)
	return f.Recursion == recursionAllow
}

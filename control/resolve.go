package control

import (
	"strings"

	"thaw.dev/thaw/lambda"
)

// Resolve returns the configuration that runs when the function is invoked now: of $LATEST the newest prepared one, of a
// version its only one, of an alias that of the version it points at, drawn anew for each call if there are two. Errors: lambda.KindNotFound as Get, KindConflict while the function or version is being created
// or if that failed, KindSnapStartNotReady while the version's snapshot is being made.
func (s *Functions) Resolve(account, name, qualifier string) (*lambda.Config, error) {
	if mayBeAlias(qualifier) {
		return through(s, account, name, qualifier, func(a *lambda.Alias) string { return a.Draw(s.random()) },
			func(version string) (*lambda.Config, error) { return s.Resolve(account, name, version) })
	}
	if qualifier != "" && qualifier != lambda.Latest {
		return s.resolveVersion(account, name, qualifier)
	}
	f, ok := s.store.Get(account, name)
	if !ok {
		return nil, s.notFound(account, name, qualifier)
	}
	if f.Config.State != lambda.StateActive || f.Serving == nil {
		return nil, s.notActive(f.Config.State)
	}
	return f.Serving, nil
}

func (s *Functions) resolveVersion(account, name, qualifier string) (*lambda.Config, error) {
	v, ok := s.version(account, name, qualifier)
	switch {
	case !ok:
		return nil, s.notFound(account, name, qualifier)
	case v.Config.State == lambda.StateActive:
		return &v.Config, nil
	case v.Config.State == lambda.StatePending && v.Config.SnapStart == lambda.SnapStartPublishedVersions:
		return nil, lambda.Errorf(lambda.KindSnapStartNotReady, "Lambda is initializing your function. It will be ready to invoke once your function state becomes ACTIVE.")
	}
	return nil, s.notActive(v.Config.State)
}

// mayBeAlias reports whether a qualifier is neither $LATEST nor a number.
func mayBeAlias(qualifier string) bool {
	return qualifier != lambda.Latest && strings.Trim(qualifier, "0123456789") != ""
}

// through calls read with the version that pick takes of an alias. An alias always points at versions that exist, but it
// can move and the version go between two looks at the store: then it looks again. Errors: lambda.KindNotFound for the
// alias, and read's.
func through[T any](s *Functions, account, name, alias string, pick func(*lambda.Alias) string, read func(version string) (T, error)) (T, error) {
	for seen := uint64(0); ; {
		f, _ := s.store.Get(account, name)
		a, ok := f.Alias(alias)
		if !ok {
			var none T
			return none, s.notFound(account, name, alias)
		}
		got, err := read(pick(a))
		if err == nil || lambda.KindOf(err) != lambda.KindNotFound || f.Seq == seen {
			return got, err
		}
		seen = f.Seq
	}
}

func (s *Functions) notActive(state lambda.State) error {
	return lambda.Errorf(lambda.KindConflict,
		"The operation cannot be performed at this time. The function is currently in the following state: %s", state)
}

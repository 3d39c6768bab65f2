package control

import "thaw.dev/thaw/lambda"

// Resolve returns the configuration that runs when the function is invoked now: of $LATEST the newest prepared one, of a
// version its only one. Errors: lambda.KindNotFound as Get, KindConflict while the function or version is being created
// or if that failed, KindSnapStartNotReady while the version's snapshot is being made.
func (s *Functions) Resolve(account, name, qualifier string) (*lambda.Config, error) {
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

func (s *Functions) notActive(state lambda.State) error {
	return lambda.Errorf(lambda.KindConflict,
		"The operation cannot be performed at this time. The function is currently in the following state: %s", state)
}

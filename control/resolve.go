package control

import "thaw.dev/thaw/lambda"

// Resolve returns the configuration that runs when the function is invoked now: the newest prepared one. Errors:
// lambda.KindNotFound as Get, KindConflict while the function is being created or if that failed.
func (s *Functions) Resolve(account, name, qualifier string) (*lambda.Config, error) {
	f, err := s.Get(account, name, qualifier)
	if err != nil {
		return nil, err
	}
	if f.Config.State != lambda.StateActive || f.Serving == nil {
		return nil, lambda.Errorf(lambda.KindConflict,
			"The operation cannot be performed at this time. The function is currently in the following state: %s", f.Config.State)
	}
	return f.Serving, nil
}

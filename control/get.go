package control

import (
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// Get returns a function or a version of it. qualifier is "", "$LATEST" or a version's number; with a number, Config and
// Serving are the version's, and the rest is the function's. Anything else is lambda.KindNotFound, as is a function or
// version that does not exist.
func (s *Functions) Get(account, name, qualifier string) (store.Function, error) {
	f, ok := s.store.Get(account, name)
	if !ok {
		return store.Function{}, s.notFound(account, name, qualifier)
	}
	if qualifier == "" || qualifier == lambda.Latest {
		return f, nil
	}
	v, ok := s.version(account, name, qualifier)
	if !ok {
		return store.Function{}, s.notFound(account, name, qualifier)
	}
	f.Config, f.Serving = v.Config, nil
	if v.Config.State == lambda.StateActive {
		f.Serving = &v.Config
	}
	return f, nil
}

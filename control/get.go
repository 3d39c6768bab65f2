package control

import (
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// Get returns a function or a version of it. qualifier is "", "$LATEST", a version's number or an alias, which stands for
// the version it points at, the first if there are two. With a number, Config and Serving are the version's, and the rest
// is the function's. A function, version or alias that does not exist is lambda.KindNotFound.
func (s *Functions) Get(account, name, qualifier string) (store.Function, error) {
	if mayBeAlias(qualifier) {
		return through(s, account, name, qualifier, func(a *lambda.Alias) string { return a.Version },
			func(version string) (store.Function, error) { return s.Get(account, name, version) })
	}
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

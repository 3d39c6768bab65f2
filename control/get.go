package control

import (
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// Get returns a function. qualifier is "" or "$LATEST": there are no other versions yet, so that anything else is
// lambda.KindNotFound, as is a function that does not exist.
func (s *Functions) Get(account, name, qualifier string) (store.Function, error) {
	f, ok := s.store.Get(account, name)
	if !ok || (qualifier != "" && qualifier != lambda.Latest) {
		return store.Function{}, s.notFound(account, name, qualifier)
	}
	return f, nil
}

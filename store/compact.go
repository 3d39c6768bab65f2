package store

import "reflect"

// compact makes a function that is to be kept small: what serves shares its memory with the newest configuration when
// they are the same. It returns f.
func (f *Function) compact() *Function {
	if f.servesConfig() {
		f.Serving = &f.Config
	}
	return f
}

// servesConfig reports whether what serves is the newest configuration, as it is but for the time of an update.
func (f *Function) servesConfig() bool {
	return f.Serving != nil && f.Serving.RevisionID == f.Config.RevisionID && reflect.DeepEqual(f.Serving, &f.Config)
}

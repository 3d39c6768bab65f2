package store

import "reflect"

// compact makes a function that is to be kept small: what serves shares its memory with the newest configuration when
// they are the same, which they are but for the time of an update. It returns f.
func (f *Function) compact() *Function {
	if f.Serving != nil && f.Serving.RevisionID == f.Config.RevisionID && reflect.DeepEqual(f.Serving, &f.Config) {
		f.Serving = &f.Config
	}
	return f
}

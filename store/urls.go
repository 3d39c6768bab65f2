package store

import "thaw.dev/thaw/lambda"

// URLOwner is what a function URL belongs to.
type URLOwner struct {
	Account, Name, Qualifier string // Qualifier is "" or an alias
}

// URL returns the owner of the function URL with that id, from memory; false if there is none. It allocates nothing.
func (s *Functions) URL(id string) (URLOwner, bool) {
	s.view.mu.RLock()
	defer s.view.mu.RUnlock()
	owner, ok := s.view.urls[id]
	return owner, ok
}

// setURLs replaces the URLs of a function's former state by those of its new one; either may be nil. mu is held.
func (v *view) setURLs(key recordKey, before, after *Function) {
	for _, q := range before.qualified() {
		if q.URL != nil {
			delete(v.urls, q.URL.ID)
		}
	}
	for qualifier, q := range after.qualified() {
		if q.URL != nil {
			v.urls[q.URL.ID] = URLOwner{key.account, key.name, qualifier}
		}
	}
}

// qualified is f.Qualified; f may be nil.
func (f *Function) qualified() map[string]lambda.Qualified {
	if f == nil {
		return nil
	}
	return f.Qualified
}

package control

import (
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// List returns up to limit of the account's functions in the order of their names, beginning behind the name after;
// more says whether others follow. Functions that come or go between two pages are never shown twice.
func (s *Functions) List(account, after string, limit int) (page []*store.Function, more bool) {
	page = s.store.List(account, after, limit+2) // after itself and one to see whether others follow
	if len(page) > 0 && page[0].Config.Name == after {
		page = page[1:]
	}
	if len(page) > limit {
		return page[:limit], true
	}
	return page, false
}

// ListAll is List over the functions' versions: of each $LATEST and then the published ones in ascending order. The page
// begins behind that version of that function; with version "" it begins with the function's $LATEST.
func (s *Functions) ListAll(account, after, version string, limit int) (page []*lambda.Config, more bool) {
	for _, f := range s.store.List(account, after, limit+2) { // each has at least $LATEST, but for the one at after
		from := ""
		if f.Config.Name == after {
			from = version
		}
		if len(page) == limit {
			return page, true
		}
		versions, more := s.versionsAfter(f, from, limit-len(page))
		page = append(page, versions...)
		if more {
			return page, true
		}
	}
	return page, false
}

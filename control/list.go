package control

import (
	"slices"
	"strings"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// List returns up to limit of the account's functions in the order of their names, beginning behind the name after;
// more says whether others follow. Functions that come or go between two pages are never shown twice.
func (s *Functions) List(account, after string, limit int) (page []*store.Function, more bool) {
	all, found := s.listFrom(account, after)
	if found {
		all = all[1:]
	}
	if len(all) > limit {
		return all[:limit], true
	}
	return all, false
}

// ListAll is List over the functions' versions: of each $LATEST and then the published ones in ascending order. The page
// begins behind that version of that function; with version "" it begins with the function's $LATEST.
func (s *Functions) ListAll(account, after, version string, limit int) (page []*lambda.Config, more bool) {
	all, _ := s.listFrom(account, after)
	for _, f := range all {
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

// listFrom returns the account's functions by name from that name on; found tells whether the first has that name.
func (s *Functions) listFrom(account, name string) (all []*store.Function, found bool) {
	all = s.store.List(account)
	start, found := slices.BinarySearchFunc(all, name, func(f *store.Function, name string) int {
		return strings.Compare(f.Config.Name, name)
	})
	return all[start:], found
}

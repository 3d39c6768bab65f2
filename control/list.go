package control

import (
	"slices"
	"strings"

	"thaw.dev/thaw/store"
)

// List returns up to limit of the account's functions in the order of their names, beginning behind the name after;
// more says whether others follow. Functions that come or go between two pages are never shown twice.
func (s *Functions) List(account, after string, limit int) (page []store.Function, more bool) {
	all := s.store.List(account)
	start, found := slices.BinarySearchFunc(all, after, func(f store.Function, name string) int {
		return strings.Compare(f.Config.Name, name)
	})
	if found {
		start++
	}
	all = all[start:]
	if len(all) > limit {
		return all[:limit], true
	}
	return all, false
}

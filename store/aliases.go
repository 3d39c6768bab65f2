package store

import (
	"slices"
	"strings"

	"thaw.dev/thaw/lambda"
)

// Alias returns the function's alias of that name; false if it has none. It allocates nothing.
func (f *Function) Alias(name string) (*lambda.Alias, bool) {
	i, ok := f.searchAlias(name)
	if !ok {
		return nil, false
	}
	return &f.Aliases[i], true
}

// WithAlias returns f with that alias, which replaces one of the same name.
func (f *Function) WithAlias(a lambda.Alias) Function {
	next := *f
	i, replaces := f.searchAlias(a.Name)
	next.Aliases = slices.Clone(f.Aliases)
	if replaces {
		next.Aliases[i] = a
	} else {
		next.Aliases = slices.Insert(next.Aliases, i, a)
	}
	return next
}

// WithoutAlias returns f without the alias of that name, if it has one, and what was set for it.
func (f *Function) WithoutAlias(name string) Function {
	next := f.WithQualified(name, lambda.Qualified{})
	if i, ok := f.searchAlias(name); ok {
		next.Aliases = slices.Delete(slices.Clone(f.Aliases), i, i+1)
	}
	if len(next.Aliases) == 0 {
		next.Aliases = nil // as it is read back
	}
	return next
}

func (f *Function) searchAlias(name string) (int, bool) {
	return slices.BinarySearchFunc(f.Aliases, name, func(a lambda.Alias, name string) int { return strings.Compare(a.Name, name) })
}

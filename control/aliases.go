package control

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// AliasInput is an alias to create or what to change of one; nil members are left as they are, or empty.
type AliasInput struct {
	Account, Name string // the function
	Alias         string
	Version       *string // $LATEST or a number; required for a new alias
	Description   *string
	// Weights says which part of the invocations, 0 to 1, goes to an additional version; empty, not nil: none does.
	Weights    map[string]float64
	RevisionID *string // if given, the update is only for that revision of the alias
}

// CreateAlias makes an alias. Errors: lambda.KindNotFound for the function or a version, KindConflict if the function has an
// alias of that name, KindInvalid for weights that make no sense, KindAliasLimit.
func (s *Functions) CreateAlias(ctx context.Context, in AliasInput) (*lambda.Alias, error) {
	var created lambda.Alias
	err := s.writeAliases(ctx, in.Account, in.Name, in.Alias, func(f *store.Function) (store.Function, []store.Version, error) {
		if _, exists := f.Alias(in.Alias); exists {
			return *f, nil, lambda.Errorf(lambda.KindConflict, "Alias already exists: %s", s.arn(in.Account, in.Name, in.Alias))
		}
		if len(f.Aliases) >= lambda.MaxAliases {
			return *f, nil, lambda.Errorf(lambda.KindAliasLimit, "The number of aliases of a function is limited to %d.", lambda.MaxAliases)
		}
		created = lambda.Alias{Name: in.Alias}
		if err := s.change(f, &created, &in); err != nil {
			return *f, nil, err
		}
		return f.WithAlias(created), nil, nil
	})
	if err != nil {
		return nil, err
	}
	return &created, nil
}

// UpdateAlias changes an alias, whose provisioned concurrency follows it to another version. Errors: lambda.KindNotFound for
// the alias or a version, KindInvalid for weights that make no sense, KindPrecondition; with provisioned concurrency those
// of Provision for the new version.
func (s *Functions) UpdateAlias(ctx context.Context, in AliasInput) (*lambda.Alias, error) {
	var changed lambda.Alias
	err := s.writeAliases(ctx, in.Account, in.Name, in.Alias, func(f *store.Function) (store.Function, []store.Version, error) {
		old, ok := f.Alias(in.Alias)
		if !ok {
			return *f, nil, s.noAlias(in.Account, in.Name, in.Alias)
		}
		if err := revision(old.RevisionID, in.RevisionID); err != nil {
			return *f, nil, err
		}
		changed = *old
		if err := s.change(f, &changed, &in); err != nil {
			return *f, nil, err
		}
		versions, err := s.moveProvisioned(f, old, changed.Version)
		return f.WithAlias(changed), versions, err
	})
	if err != nil {
		return nil, err
	}
	return &changed, nil
}

// DeleteAlias removes an alias, if the function has it, and its provisioned concurrency. Errors: lambda.KindNotFound for the
// function.
func (s *Functions) DeleteAlias(ctx context.Context, account, name, alias string) error {
	return s.writeAliases(ctx, account, name, alias, func(f *store.Function) (store.Function, []store.Version, error) {
		old, ok := f.Alias(alias)
		if !ok {
			return *f, nil, nil
		}
		var versions []store.Version
		if v := s.provisionedBy(f, old); v != nil {
			versions = []store.Version{unprovisioned(v)}
		}
		return f.WithoutAlias(alias), versions, nil
	})
}

// Alias returns an alias. Errors: lambda.KindNotFound.
func (s *Functions) Alias(account, name, alias string) (*lambda.Alias, error) {
	f, _ := s.store.Get(account, name)
	a, ok := f.Alias(alias)
	if !ok {
		return nil, s.noAlias(account, name, alias)
	}
	return a, nil
}

// Aliases returns up to limit of a function's aliases in the order of their names, beginning behind the name after, and with
// version only those that point at it. more says whether others follow. Errors: lambda.KindNotFound.
func (s *Functions) Aliases(account, name, version, after string, limit int) (page []lambda.Alias, more bool, err error) {
	f, ok := s.store.Get(account, name)
	if !ok {
		return nil, false, s.notFound(account, name, "")
	}
	page = f.Aliases
	if version != "" {
		page = pointingAt(&f, version)
	}
	from, found := slices.BinarySearchFunc(page, after, func(a lambda.Alias, name string) int { return strings.Compare(a.Name, name) })
	if found {
		from++
	}
	page = page[from:]
	if len(page) > limit {
		return page[:limit], true, nil
	}
	return page, false, nil
}

// pointingAt returns f's aliases whose invocations may go to that version.
func pointingAt(f *store.Function, version string) []lambda.Alias {
	var list []lambda.Alias
	for i := range f.Aliases {
		if f.Aliases[i].PointsAt(version) {
			list = append(list, f.Aliases[i])
		}
	}
	return list
}

// change writes what in says into a, an alias of f, checks it and gives it a new revision.
func (s *Functions) change(f *store.Function, a *lambda.Alias, in *AliasInput) error {
	set(&a.Version, in.Version)
	set(&a.Description, in.Description)
	if in.Weights != nil {
		if len(in.Weights) > 1 {
			return lambda.Errorf(lambda.KindInvalid, "Number of items in AdditionalVersionWeights cannot be greater than 1")
		}
		a.Additional, a.Weight = "", 0
		for version, weight := range in.Weights {
			a.Additional, a.Weight = version, weight
		}
	}
	a.RevisionID = uuid.NewString()
	return s.checkAlias(f, a)
}

// checkAlias refuses an alias of f whose versions do not exist or do not go together. Source of the rules for two versions:
// AWS Lambda developer guide, "Implement Lambda canary deployments using a weighted alias".
func (s *Functions) checkAlias(f *store.Function, a *lambda.Alias) error {
	switch {
	case a.Additional == "":
	case a.Additional == a.Version:
		return lambda.Errorf(lambda.KindInvalid, "Invalid function version %s. Function version %s is already included in routing configuration.", a.Version, a.Version)
	case a.Version == lambda.Latest || a.Additional == lambda.Latest:
		return lambda.Errorf(lambda.KindInvalid, "$LATEST is not supported for an alias pointing to more than 1 version")
	}
	if a.Version == lambda.Latest {
		return nil
	}
	first, ok := s.version(f.Config.Account, f.Config.Name, a.Version)
	if !ok {
		return s.notFound(f.Config.Account, f.Config.Name, a.Version)
	}
	if a.Additional == "" {
		return nil
	}
	second, ok := s.version(f.Config.Account, f.Config.Name, a.Additional)
	if !ok {
		return s.notFound(f.Config.Account, f.Config.Name, a.Additional)
	}
	if first.Config.Role != second.Config.Role {
		return lambda.Errorf(lambda.KindInvalid, "The function versions of an alias must have the same execution role: %s and %s differ", a.Version, a.Additional)
	}
	return nil
}

// moveProvisioned returns the versions of f whose provisioned concurrency changes when an alias goes to another one.
func (s *Functions) moveProvisioned(f *store.Function, a *lambda.Alias, to string) ([]store.Version, error) {
	from := s.provisionedBy(f, a)
	if from == nil || to == a.Version {
		return nil, nil
	}
	if to == lambda.Latest {
		return nil, unpublished()
	}
	target, ok := s.version(f.Config.Account, f.Config.Name, to)
	if !ok {
		return nil, s.notFound(f.Config.Account, f.Config.Name, to)
	}
	if err := s.checkProvisionable(target, a.Name); err != nil {
		return nil, err
	}
	next := *target
	next.Provisioned, next.ProvisionedAt, next.ProvisionedAlias = from.Provisioned, from.ProvisionedAt, a.Name
	return []store.Version{unprovisioned(from), next}, nil
}

// provisionedBy returns the version of f that has an alias's provisioned concurrency; nil if the alias has none.
func (s *Functions) provisionedBy(f *store.Function, a *lambda.Alias) *store.Version {
	v, ok := s.version(f.Config.Account, f.Config.Name, a.Version)
	if !ok || !provisionedFor(v, a.Name) {
		return nil
	}
	return v
}

// writeAliases reads the function, lets change make the next record from it and, where provisioned concurrency moves, those
// of versions, and stores them; when another write came in between it starts over. A record that is the same is not
// written.
func (s *Functions) writeAliases(ctx context.Context, account, name, alias string,
	change func(*store.Function) (store.Function, []store.Version, error),
) error {
	return s.limit(ctx, func() error {
		for range maxRaces {
			f, ok := s.store.Get(account, name)
			if !ok {
				return s.notFound(account, name, "")
			}
			next, versions, err := change(&f)
			if err != nil || slices.Equal(next.Aliases, f.Aliases) {
				return err
			}
			_, err = s.store.UpdateWith(ctx, next, versions)
			if errors.Is(err, store.ErrStale) {
				continue
			}
			if err != nil {
				return err
			}
			for i := range versions {
				s.expect(account, name, versions[i].Config.Version)
			}
			return nil
		}
		return s.tooManyChanges(account, name, alias)
	})
}

func (s *Functions) noAlias(account, name, alias string) error {
	return lambda.Errorf(lambda.KindNotFound, "Cannot find alias arn: %s", s.arn(account, name, alias))
}

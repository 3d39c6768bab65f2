package control

import (
	"cmp"
	"context"
	"errors"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// Provisioned is the provisioned concurrency of one version, or of an alias and so of the version it points at.
type Provisioned struct {
	Version      string // a number
	Alias        string // for which it was set; "" if it was for the version itself
	LastModified time.Time
	lambda.Provisioned
}

// Qualifier is what the provisioned concurrency was set for: the alias or the version.
func (p *Provisioned) Qualifier() string { return cmp.Or(p.Alias, p.Version) }

// Provision sets the provisioned concurrency of a version or an alias, n from 1. The environments, those of the version the
// alias points at, are initialised in the background. Errors: lambda.KindNotFound, KindInvalid for $LATEST, for a version
// with SnapStart, for an alias of two versions, and if the function's reserved or the account's unreserved concurrency does
// not allow it, KindConflict while the version is not Active, and if it has provisioned concurrency for another qualifier.
func (s *Functions) Provision(ctx context.Context, account, name, qualifier string, n int) (Provisioned, error) {
	answer := Provisioned{
		LastModified: time.Now().UTC().Truncate(time.Millisecond),
		Provisioned:  lambda.Provisioned{Requested: n, Status: lambda.ProvisionedInProgress},
	}
	err := s.setProvisioned(ctx, account, name, qualifier, func(v *store.Version, a *lambda.Alias) (*store.Version, error) {
		if a != nil && a.Additional != "" {
			return nil, lambda.Errorf(lambda.KindInvalid, "Alias with weights can not be used with Provisioned Concurrency")
		}
		if v.Config.Tenancy != "" {
			return nil, lambda.Errorf(lambda.KindInvalid, "Provisioned concurrency is not supported for functions with tenancy configuration.")
		}
		if err := s.checkProvisioned(v, n, aliasName(a)); err != nil {
			return nil, err
		}
		next := *v
		next.Provisioned, next.ProvisionedAt, next.ProvisionedAlias = n, answer.LastModified, aliasName(a)
		answer.Version, answer.Alias = v.Config.Version, next.ProvisionedAlias
		return &next, nil
	})
	return answer, err
}

// Unprovision ends the provisioned concurrency of a version or an alias, if it has any. Errors: lambda.KindNotFound,
// KindInvalid for $LATEST.
func (s *Functions) Unprovision(ctx context.Context, account, name, qualifier string) error {
	return s.setProvisioned(ctx, account, name, qualifier, func(v *store.Version, a *lambda.Alias) (*store.Version, error) {
		if !provisionedFor(v, aliasName(a)) {
			return nil, nil
		}
		return new(unprovisioned(v)), nil
	})
}

// setProvisioned stores what change makes of the version that the qualifier means; nil changes nothing.
func (s *Functions) setProvisioned(ctx context.Context, account, name, qualifier string,
	change func(*store.Version, *lambda.Alias) (*store.Version, error),
) error {
	return s.limit(ctx, func() error {
		for range maxRaces {
			v, a, err := s.provisionable(account, name, qualifier)
			if err != nil {
				return err
			}
			next, err := change(v, a)
			if err != nil || next == nil {
				return err
			}
			_, err = s.store.UpdateVersion(ctx, *next)
			if errors.Is(err, store.ErrStale) {
				continue
			}
			if err != nil {
				return err
			}
			s.expect(account, name, v.Config.Version)
			return nil
		}
		return s.tooManyChanges(account, name, qualifier)
	})
}

// provisionable returns the version that a qualifier of provisioned concurrency means, and the alias if it is one.
func (s *Functions) provisionable(account, name, qualifier string) (*store.Version, *lambda.Alias, error) {
	f, ok := s.store.Get(account, name)
	if !ok {
		return nil, nil, s.notFound(account, name, "")
	}
	var a *lambda.Alias
	version := qualifier
	if mayBeAlias(qualifier) {
		if a, ok = f.Alias(qualifier); !ok {
			return nil, nil, s.noAlias(account, name, qualifier)
		}
		version = a.Version
	}
	if version == lambda.Latest || version == "" {
		return nil, nil, unpublished()
	}
	v, ok := s.version(account, name, version)
	if !ok {
		return nil, nil, s.notFound(account, name, version)
	}
	return v, a, nil
}

func unpublished() error {
	return lambda.Errorf(lambda.KindInvalid, "Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
}

// aliasName is the alias's name, "" without one.
func aliasName(a *lambda.Alias) string {
	if a == nil {
		return ""
	}
	return a.Name
}

// provisionedFor reports whether v has provisioned concurrency that was set for that alias, with "" for v itself.
func provisionedFor(v *store.Version, alias string) bool {
	return v.Provisioned > 0 && v.ProvisionedAlias == alias
}

// unprovisioned is v without provisioned concurrency.
func unprovisioned(v *store.Version) store.Version {
	next := *v
	next.Provisioned, next.ProvisionedAt, next.ProvisionedAlias = 0, time.Time{}, ""
	return next
}

// checkProvisioned refuses n environments for v on behalf of that alias, or with "" of v itself.
func (s *Functions) checkProvisioned(v *store.Version, n int, alias string) error {
	c := &v.Config
	if err := s.checkProvisionable(v, alias); err != nil {
		return err
	}
	f, ok := s.store.Get(c.Account, c.Name)
	if !ok {
		return s.notFound(c.Account, c.Name, "")
	}
	more := n - v.Provisioned
	switch left := s.Unreserved(c.Account); {
	case f.Reserved != nil && s.provisionedTotal(c.Account, c.Name)+more > *f.Reserved:
		return lambda.Errorf(lambda.KindInvalid, "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
	case f.Reserved != nil || more <= 0:
		return nil
	case more > left:
		return lambda.Errorf(lambda.KindInvalid, "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [%d].", left)
	case left-more < lambda.MinUnreserved:
		return lambda.Errorf(lambda.KindInvalid, "Specified ConcurrentExecutions for function "+belowMinimum, lambda.MinUnreserved)
	}
	return nil
}

// checkProvisionable is checkProvisioned for any number of environments.
func (s *Functions) checkProvisionable(v *store.Version, alias string) error {
	c := &v.Config
	switch {
	case c.SnapStart == lambda.SnapStartPublishedVersions:
		return lambda.Errorf(lambda.KindInvalid, "Provisioned Concurrency is not supported for SnapStart enabled functions.")
	case c.State != lambda.StateActive:
		return s.notActive(c.State)
	case v.Provisioned == 0 || v.ProvisionedAlias == alias:
		return nil
	case alias == "":
		return lambda.Errorf(lambda.KindConflict, "Version %s can't be used for Provisioned Concurrency configuration on an already Provisioned alias: %s",
			c.Version, v.ProvisionedAlias)
	}
	return lambda.Errorf(lambda.KindConflict, "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version: %s", c.Version)
}

// ProvisionedOf returns a version's or an alias's provisioned concurrency. Errors: as Unprovision, and lambda.KindNoProvisioned without
// any.
func (s *Functions) ProvisionedOf(account, name, qualifier string) (Provisioned, error) {
	v, a, err := s.provisionable(account, name, qualifier)
	if err != nil {
		return Provisioned{}, err
	}
	if !provisionedFor(v, aliasName(a)) {
		return Provisioned{}, lambda.Errorf(lambda.KindNoProvisioned, "No Provisioned Concurrency Config found for this function")
	}
	return s.provisioned(v), nil
}

// ListProvisioned returns up to limit of a function's versions with provisioned concurrency, be it an alias's, in ascending
// order, beginning behind the number after; more says whether others follow. Errors: lambda.KindNotFound.
func (s *Functions) ListProvisioned(account, name string, after, limit int) (page []Provisioned, more bool, err error) {
	if _, ok := s.store.Get(account, name); !ok {
		return nil, false, s.notFound(account, name, "")
	}
	for _, v := range s.store.Versions(account, name) {
		if v.Provisioned == 0 || v.Number() <= after {
			continue
		}
		if len(page) == limit {
			return page, true, nil
		}
		page = append(page, s.provisioned(v))
	}
	return page, false, nil
}

// provisioned is what v asks for and what the slots have of it.
func (s *Functions) provisioned(v *store.Version) Provisioned {
	p := Provisioned{
		Version: v.Config.Version, Alias: v.ProvisionedAlias, LastModified: v.ProvisionedAt,
		Provisioned: s.slots.Provisioned(v.Config.Account, v.Config.Name, v.Config.Version),
	}
	if p.Requested != v.Provisioned { // the slots have not heard of it yet
		p.Requested, p.Status, p.Reason = v.Provisioned, lambda.ProvisionedInProgress, ""
	}
	return p
}

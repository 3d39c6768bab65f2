package control

import (
	"context"
	"errors"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// Provisioned is the provisioned concurrency of one version.
type Provisioned struct {
	Version      string
	LastModified time.Time
	lambda.Provisioned
}

// Provision sets a version's provisioned concurrency, n from 1. The environments are initialised in the background.
// Errors: lambda.KindNotFound, KindInvalid for $LATEST, for a version with SnapStart, and if the function's reserved or
// the account's unreserved concurrency does not allow it, KindConflict while the version is not Active.
func (s *Functions) Provision(ctx context.Context, account, name, qualifier string, n int) (Provisioned, error) {
	at := time.Now().UTC().Truncate(time.Millisecond)
	err := s.setProvisioned(ctx, account, name, qualifier, n, at)
	return Provisioned{
		Version: qualifier, LastModified: at,
		Provisioned: lambda.Provisioned{Requested: n, Status: lambda.ProvisionedInProgress},
	}, err
}

// Unprovision ends a version's provisioned concurrency, if it has any. Errors: lambda.KindNotFound, KindInvalid for
// $LATEST.
func (s *Functions) Unprovision(ctx context.Context, account, name, qualifier string) error {
	return s.setProvisioned(ctx, account, name, qualifier, 0, time.Time{})
}

func (s *Functions) setProvisioned(ctx context.Context, account, name, qualifier string, n int, at time.Time) error {
	return s.limit(ctx, func() error {
		for range maxRaces {
			v, err := s.provisionable(account, name, qualifier)
			if err != nil {
				return err
			}
			if n > 0 {
				if err := s.checkProvisioned(v, n); err != nil {
					return err
				}
			} else if v.Provisioned == 0 {
				return nil
			}
			next := *v
			next.Provisioned, next.ProvisionedAt = n, at
			_, err = s.store.UpdateVersion(ctx, next)
			if errors.Is(err, store.ErrStale) {
				continue
			}
			if err != nil {
				return err
			}
			s.expect(account, name, qualifier)
			return nil
		}
		return s.tooManyChanges(account, name, qualifier)
	})
}

// provisionable returns the version that a qualifier of provisioned concurrency means.
func (s *Functions) provisionable(account, name, qualifier string) (*store.Version, error) {
	if _, ok := s.store.Get(account, name); !ok {
		return nil, s.notFound(account, name, "")
	}
	if qualifier == lambda.Latest || qualifier == "" {
		return nil, lambda.Errorf(lambda.KindInvalid, "Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
	}
	if _, ok := number(qualifier); !ok {
		return nil, lambda.Errorf(lambda.KindNotFound, "Cannot find alias arn: %s", s.arn(account, name, qualifier))
	}
	v, ok := s.version(account, name, qualifier)
	if !ok {
		return nil, s.notFound(account, name, qualifier)
	}
	return v, nil
}

// checkProvisioned refuses n environments for v.
func (s *Functions) checkProvisioned(v *store.Version, n int) error {
	c := &v.Config
	if c.SnapStart == lambda.SnapStartPublishedVersions {
		return lambda.Errorf(lambda.KindInvalid, "Provisioned Concurrency is not supported for SnapStart enabled functions.")
	}
	if c.State != lambda.StateActive {
		return s.notActive(c.State)
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

// ProvisionedOf returns a version's provisioned concurrency. Errors: as Unprovision, and lambda.KindNoProvisioned without
// any.
func (s *Functions) ProvisionedOf(account, name, qualifier string) (Provisioned, error) {
	v, err := s.provisionable(account, name, qualifier)
	if err != nil {
		return Provisioned{}, err
	}
	if v.Provisioned == 0 {
		return Provisioned{}, lambda.Errorf(lambda.KindNoProvisioned, "No Provisioned Concurrency Config found for this function")
	}
	return s.provisioned(v), nil
}

// ListProvisioned returns up to limit of a function's versions with provisioned concurrency in ascending order, beginning
// behind the number after; more says whether others follow. Errors: lambda.KindNotFound.
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
		Version: v.Config.Version, LastModified: v.ProvisionedAt,
		Provisioned: s.slots.Provisioned(v.Config.Account, v.Config.Name, v.Config.Version),
	}
	if p.Requested != v.Provisioned { // the slots have not heard of it yet
		p.Requested, p.Status, p.Reason = v.Provisioned, lambda.ProvisionedInProgress, ""
	}
	return p
}

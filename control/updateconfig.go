package control

import (
	"context"

	"thaw.dev/thaw/lambda"
)

// UpdateConfigInput is new configuration for a function; absent settings stay.
type UpdateConfigInput struct {
	Account, Name string
	Caller        string // ARN of who calls, for refusals
	Settings      Settings
	RevisionID    *string // if given, the update is only for that revision
}

// UpdateConfig changes a function's configuration and starts its preparation; the old configuration serves until that
// succeeded. Errors as UpdateCode.
func (s *Functions) UpdateConfig(ctx context.Context, in UpdateConfigInput) (*lambda.Config, error) {
	if len(in.Settings.Layers) > 0 {
		if f, ok := s.store.Get(in.Account, in.Name); ok {
			if err := s.checkSigned(in.Account, in.Name, f.CodeSigning); err != nil {
				return nil, err
			}
		}
	}
	if err := s.checkDeadLetter(in.Settings.DeadLetter); err != nil {
		return nil, err
	}
	return s.update(ctx, in.Account, in.Name, false, func(c *lambda.Config) error {
		if err := revision(c.RevisionID, in.RevisionID); err != nil {
			return err
		}
		if err := s.changeable(c); err != nil {
			return err
		}
		if err := in.Settings.checkDurable(c); err != nil {
			return err
		}
		in.Settings.apply(c)
		if in.Settings.Role != nil {
			if err := s.checkRole(c.Account, c.Role); err != nil {
				return err
			}
		}
		if err := check(c); err != nil || in.Settings.Layers == nil {
			return err
		}
		if err := s.useLayers(c, in.Caller, in.Settings.Layers); err != nil {
			return err
		}
		return s.checkUnzipped(c)
	})
}

package control

import (
	"context"
	"time"

	"github.com/google/uuid"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// UpdateCodeInput is new code for a function.
type UpdateCodeInput struct {
	Account, Name string
	Zip           []byte  // nil: no code was given
	RevisionID    *string // if given, the update is only for that revision
	DryRun        bool    // check everything and change nothing
	Publish       bool    // publish the new code as a version, too
}

// UpdateCode gives a function new code and starts its preparation; the old code serves until that succeeded. With
// DryRun the answer is the present configuration with the new code, with Publish it is the version. Errors: lambda.KindNotFound, KindInvalid,
// KindConflict when the function's state forbids it, KindPrecondition, KindCodeStorage, KindCodeVerification.
func (s *Functions) UpdateCode(ctx context.Context, in UpdateCodeInput) (*lambda.Config, error) {
	f, err := s.Get(in.Account, in.Name, "")
	if err != nil {
		return nil, err
	}
	admit := func(c *lambda.Config) error {
		if err := revision(c.RevisionID, in.RevisionID); err != nil {
			return err
		}
		return s.changeable(c)
	}
	if err := checkZip(in.Zip); err != nil {
		return nil, err
	}
	if err := admit(&f.Config); err != nil { // before the work of storing the code
		return nil, err
	}
	if err := s.checkSigned(in.Account, in.Name, f.CodeSigning); err != nil {
		return nil, err
	}
	if err := s.room(in.Account, int64(len(in.Zip)), f.Config.Code.Size); err != nil {
		return nil, err
	}
	code, err := s.packages.Put(ctx, in.Zip)
	if err != nil {
		return nil, err
	}
	if in.DryRun {
		c := f.Config.Clone()
		c.Code = code
		return c, s.checkUnzipped(c)
	}
	return s.update(ctx, in.Account, in.Name, in.Publish, func(c *lambda.Config) error {
		if err := admit(c); err != nil {
			return err
		}
		c.Code = code
		return s.checkUnzipped(c)
	})
}

// update changes the configuration with change, which owns the copy it gets, and starts the preparation. With publish it
// also publishes the result and returns the version.
func (s *Functions) update(ctx context.Context, account, name string, publish bool, change func(*lambda.Config) error) (*lambda.Config, error) {
	f, published, err := s.write(ctx, account, name, func(f store.Function) (store.Function, *store.Version, error) {
		c := f.Config.Clone()
		if err := change(c); err != nil {
			return f, nil, err
		}
		toInProgress(c)
		c.RevisionID = uuid.NewString()
		c.LastModified = time.Now().UTC().Truncate(time.Millisecond)
		f.Config = *c
		if !publish {
			return f, nil, nil
		}
		return s.withVersion(f, nil)
	})
	if err != nil {
		return nil, err
	}
	s.queue.add(keyOf(&f.Config))
	if published != nil {
		return published, nil
	}
	return &f.Config, nil
}

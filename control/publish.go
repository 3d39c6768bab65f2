package control

import (
	"context"
	"crypto/rand"
	"strconv"

	"github.com/google/uuid"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// PublishInput says which version to publish.
type PublishInput struct {
	Account, Name string
	CodeSHA256    *string // if given, the base64 digest that $LATEST's code must have
	Description   *string // the version's own description; nil: that of $LATEST
	RevisionID    *string // if given, the revision that $LATEST must be
}

// PublishVersion makes a version of $LATEST's code and configuration and returns it. If the last version was made of the
// same, that is returned instead. With SnapStart the version is Pending until its snapshot was made, else it is Active
// at once. Errors: lambda.KindNotFound, KindInvalid for another digest, KindPrecondition, KindCodeStorage, KindConflict
// when the function's state forbids it.
func (s *Functions) PublishVersion(ctx context.Context, in PublishInput) (*lambda.Config, error) {
	_, c, err := s.write(ctx, in.Account, in.Name, func(f store.Function) (store.Function, *store.Version, error) {
		if err := revision(f.Config.RevisionID, in.RevisionID); err != nil {
			return f, nil, err
		}
		if err := s.changeable(&f.Config); err != nil {
			return f, nil, err
		}
		if want, have := in.CodeSHA256, f.Config.Code.Base64(); want != nil && *want != "" && *want != have {
			return f, nil, lambda.Errorf(lambda.KindInvalid, "CodeSHA256 (%.128s) is different from current CodeSHA256 in $LATEST (%s). "+
				"Please try again with the CodeSHA256 in $LATEST.", *want, have)
		}
		return s.withVersion(f, in.Description)
	})
	return c, err
}

// withVersion returns f and the version to publish of it. If the last version has the same code and configuration it
// returns that one, which is stored already.
func (s *Functions) withVersion(f store.Function, description *string) (store.Function, *store.Version, error) {
	if last, ok := s.store.Version(f.Config.Account, f.Config.Name, f.LastVersion); ok && unchanged(&f, last) {
		return f, last, nil
	}
	if err := s.room(f.Config.Account, f.Config.Code.Size, 0); err != nil {
		return f, nil, err
	}
	if f.Lineage == "" {
		f.Lineage = rand.Text()
	}
	f.LastVersion++
	c := f.Config.Clone()
	c.Version = strconv.Itoa(f.LastVersion)
	c.RevisionID = uuid.NewString()
	v := &store.Version{Lineage: f.Lineage}
	if description != nil && *description != c.Description {
		v.Replaced = new(c.Description)
		c.Description = *description
	}
	prepared := c.State == lambda.StateActive && c.UpdateStatus == lambda.UpdateSuccessful
	c.UpdateStatus, c.UpdateReason, c.UpdateReasonCode = lambda.UpdateSuccessful, "", ""
	if !prepared || c.SnapStart == lambda.SnapStartPublishedVersions {
		toPending(c)
		c.UpdateStatus = ""
	}
	v.Config = *c
	return f, v, nil
}

// unchanged reports whether last was published from the code and configuration that f has, and did not fail.
func unchanged(f *store.Function, last *store.Version) bool {
	if last.Config.State == lambda.StateFailed {
		return false
	}
	was := last.Config.Clone()
	if last.Replaced != nil {
		was.Description = *last.Replaced
	}
	return content(was) == content(&f.Config)
}

// published starts what follows the storing of a new version.
func (s *Functions) published(v *store.Version) {
	if v.Config.State == lambda.StatePending {
		s.queueOf(&v.Config).add(versionKey(v))
		return
	}
	s.expect(v.Config.Account, v.Config.Name, v.Config.Version)
}

// queueOf is the queue for the work on a version: snapshots take long, and nothing else waits behind them.
func (s *Functions) queueOf(c *lambda.Config) *queue {
	if c.SnapStart == lambda.SnapStartPublishedVersions {
		return s.snapshots
	}
	return s.queue
}

func (s *Functions) cancelVersion(v *store.Version) { s.queueOf(&v.Config).cancel(versionKey(v)) }

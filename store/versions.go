package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"thaw.dev/thaw/lambda"
)

// Version is everything stored about one published version of a function. It is immutable.
type Version struct {
	// Config is the version's configuration; Config.Version is its number. Of its members only those that tell a state
	// change after the publication.
	Config lambda.Config `json:"config"`
	// Lineage is that of the function the version belongs to.
	Lineage string `json:"lineage"`
	// Replaced is the description of $LATEST if the version was published with another one of its own.
	Replaced *string `json:"replaced,omitempty"`
	// Provisioned is the version's provisioned concurrency, 0 for none, and ProvisionedAt when it was last set. It was set
	// for the alias ProvisionedAlias, which points at the version, or with "" for the version itself.
	Provisioned      int       `json:"provisioned,omitempty"`
	ProvisionedAt    time.Time `json:"provisioned_at,omitzero"`
	ProvisionedAlias string    `json:"provisioned_alias,omitempty"`
	// Seq identifies this state of the record; it grows with every write. 0: never stored.
	Seq uint64 `json:"-"`
}

// Number is the version's number, from 1.
func (v *Version) Number() int {
	n, _ := strconv.Atoi(v.Config.Version)
	return n
}

func (v *Version) key() recordKey {
	return recordKey{account: v.Config.Account, name: v.Config.Name, id: v.Lineage, number: v.Number()}
}

// Publish stores a function, as Create if f.Seq is 0 and else as Update, and a new version of it, both or none. f.Lineage
// and v.Lineage are the same and not empty, the number is one that the lineage never had. Errors as Create and Update.
func (s *Functions) Publish(ctx context.Context, f Function, v Version) (Function, Version, error) {
	fail := func(err error) (Function, Version, error) {
		return Function{}, Version{}, fmt.Errorf("publish function %s: %w", f.Config.Name, err)
	}
	fk, vk := f.key(), v.key()
	if err := fk.check(); err != nil {
		return fail(err)
	}
	if vk.number < 1 || vk.lineage() != f.lineage() || v.Lineage == "" {
		return fail(fmt.Errorf("version %q is none of the function's", v.Config.Version))
	}
	expected, refused := f.Seq, ErrStale
	if f.Seq == 0 {
		refused = ErrExists
		var err error
		if expected, err = s.vacancy(ctx, fk); err != nil {
			return fail(err)
		}
	}
	fv, err := encodeFunction(f)
	if err != nil {
		return fail(err)
	}
	vv, err := encodeVersion(v)
	if err != nil {
		return fail(err)
	}
	// The function last, so that nobody sees it without the version that it says is its last.
	last, err := s.batch(ctx, []put{{vk, vv, 0}, {fk, fv, expected}})
	if errors.Is(err, errLost) {
		return fail(refused)
	}
	if err != nil {
		return fail(err)
	}
	f.Seq, v.Seq = last, last-1
	s.view.wrote(vk, record{seq: v.Seq, version: new(v)})
	s.view.wrote(fk, record{seq: f.Seq, function: new(f).compact()})
	return f, v, nil
}

// UpdateWith replaces the function's record and those of some of its versions, all or none, if each is still in its state
// Seq, else ErrStale. It returns f with its new Seq. Errors as Update.
func (s *Functions) UpdateWith(ctx context.Context, f Function, versions []Version) (Function, error) {
	if len(versions) == 0 {
		return s.Update(ctx, f)
	}
	fail := func(err error) (Function, error) {
		return Function{}, fmt.Errorf("update function %s with versions: %w", f.Config.Name, err)
	}
	if f.Seq == 0 {
		return fail(ErrStale)
	}
	value, err := encodeFunction(f)
	if err != nil {
		return fail(err)
	}
	var puts []put
	for i := range versions {
		v := &versions[i]
		if v.Seq == 0 {
			return fail(ErrStale)
		}
		if v.key().lineage() != f.lineage() {
			return fail(fmt.Errorf("version %q is none of the function's", v.Config.Version))
		}
		value, err := encodeVersion(*v)
		if err != nil {
			return fail(err)
		}
		puts = append(puts, put{v.key(), value, v.Seq})
	}
	puts = append(puts, put{f.key(), value, f.Seq}) // last, as in Publish
	last, err := s.batch(ctx, puts)
	if errors.Is(err, errLost) {
		return fail(ErrStale)
	}
	if err != nil {
		return fail(err)
	}
	f.Seq = last
	for i, v := range versions {
		v.Seq = last - uint64(len(versions)-i)
		s.view.wrote(v.key(), record{seq: v.Seq, version: new(v)})
	}
	s.view.wrote(f.key(), record{seq: f.Seq, function: new(f).compact()})
	return f, nil
}

// vacancy is the sequence number that a key without a record has: that of the mark of its deletion, or 0. ErrExists if
// there is a record.
func (s *Functions) vacancy(ctx context.Context, key recordKey) (uint64, error) {
	msg, err := s.stream.GetLastMsgForSubject(ctx, subject(key))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return 0, nil
	case err != nil:
		return 0, err
	case msg.Header.Get(operationHeader) == "" && msg.Header.Get(jetstream.MarkerReasonHeader) == "":
		return 0, ErrExists
	}
	return msg.Sequence, nil
}

// UpdateVersion replaces the version's record if it is still in state v.Seq, else ErrStale. It returns v with its new
// Seq.
func (s *Functions) UpdateVersion(ctx context.Context, v Version) (Version, error) {
	fail := func(err error) (Version, error) {
		return Version{}, fmt.Errorf("update version %s of function %s: %w", v.Config.Version, v.Config.Name, err)
	}
	if v.Seq == 0 {
		return fail(ErrStale)
	}
	value, err := encodeVersion(v)
	if err != nil {
		return fail(err)
	}
	seq, err := s.kv.Update(ctx, formatKey(v.key()), value, v.Seq)
	if errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		err = ErrStale
	}
	if err != nil {
		return fail(err)
	}
	v.Seq = seq
	s.view.wrote(v.key(), record{seq: seq, version: new(v)})
	return v, nil
}

// DeleteVersion removes the version's record if it is still in state v.Seq, else ErrStale.
func (s *Functions) DeleteVersion(ctx context.Context, v Version) error {
	err := ErrStale
	if v.Seq != 0 {
		err = s.remove(ctx, v.key(), &v.Seq)
	}
	if err != nil {
		return fmt.Errorf("delete version %s of function %s: %w", v.Config.Version, v.Config.Name, err)
	}
	return nil
}

// Version returns a published version from memory; false if the function or the version is not there.
func (s *Functions) Version(account, name string, number int) (*Version, bool) {
	return s.view.version(account, name, number)
}

// Versions returns a function's published versions in ascending order.
func (s *Functions) Versions(account, name string) []*Version {
	return s.view.published(account, name, 0, math.MaxInt)
}

// VersionsAfter returns up to limit of a function's published versions in ascending order, beginning behind the number
// after.
func (s *Functions) VersionsAfter(account, name string, after, limit int) []*Version {
	return s.view.published(account, name, after, limit)
}

// AllVersions returns the published versions of all functions; those of one function are in ascending order.
func (s *Functions) AllVersions() []*Version {
	live, _ := s.view.allVersions()
	return live
}

// Totals returns what an account's functions add up to.
func (s *Functions) Totals(account string) Totals { return s.view.totals(account) }

// sweep removes the versions of functions that were deleted.
func (s *Functions) sweep(ctx context.Context) error {
	_, orphans := s.view.allVersions()
	for i := range orphans {
		if err := s.remove(ctx, orphans[i].key(), nil); err != nil {
			return fmt.Errorf("remove version %s of deleted function %s: %w", orphans[i].Config.Version, orphans[i].Config.Name, err)
		}
	}
	return nil
}

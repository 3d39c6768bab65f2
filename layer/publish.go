package layer

import (
	"context"
	"errors"
	"slices"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// PublishInput is a version to publish.
type PublishInput struct {
	Account, Name        string
	Zip                  []byte // nil: no content was given
	Description, License string
	Runtimes             []string
	Architectures        []string
}

// Publish stores a new version of the layer, the first if there is no such layer. Errors: lambda.KindInvalid for a zip
// that cannot be used, KindEntityTooLarge, KindCodeStorage.
func (l *Layers) Publish(ctx context.Context, in PublishInput) (*Version, error) {
	if in.Zip == nil {
		return nil, lambda.Errorf(lambda.KindInvalid, "Please provide a source for layer content.")
	}
	if err := l.room(in.Account, int64(len(in.Zip))); err != nil {
		return nil, err
	}
	code, err := l.packages.Put(ctx, in.Zip)
	if err != nil {
		return nil, err
	}
	v := Version{
		Name: in.Name, Description: in.Description, License: in.License, Runtimes: in.Runtimes, Architectures: in.Architectures,
		Code: code, Created: time.Now().UTC().Truncate(time.Millisecond),
	}
	for range maxRaces {
		old, _ := l.heads.Get(in.Account, in.Name)
		next := old
		next.Account, next.ID = in.Account, in.Name
		next.Value.Last++
		next.Value.Live = append(slices.Clone(next.Value.Live), next.Value.Last)
		next.Value.Bytes += code.Size
		v.Number = next.Value.Last
		if err := l.apply(ctx, next, store.Item[Version]{Account: in.Account, ID: versionID(v.Name, v.Number), Value: v}); !errors.Is(err, store.ErrStale) {
			return &v, err
		}
	}
	return nil, tooManyChanges(lambda.LayerRef{Region: l.region, Account: in.Account, Name: in.Name})
}

// apply stores a layer's record together with one of its versions.
func (l *Layers) apply(ctx context.Context, h store.Item[head], v store.Item[Version]) error {
	head, err := l.heads.Put(h)
	if err != nil {
		return err
	}
	version, err := l.versions.Put(v)
	if err != nil {
		return err
	}
	return l.records.Apply(ctx, head, version)
}

// room refuses a package that would take the account over its code storage.
func (l *Layers) room(account string, size int64) error {
	if l.functionBytes(account)+l.CodeBytes(account)+size > lambda.MaxCodeStorageBytes {
		return lambda.Errorf(lambda.KindCodeStorage, "Code storage limit exceeded.")
	}
	return nil
}

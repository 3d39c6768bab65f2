package layer

import (
	"context"
	"errors"
	"slices"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// Delete removes a version of the account's own; nothing happens if there is none. Its number is never used again, and
// functions that use it go on doing so. Error: lambda.KindInvalid for a number below 1.
func (l *Layers) Delete(ctx context.Context, account, name string, number int) error {
	if number < 1 {
		return lambda.Errorf(lambda.KindInvalid, "Layer Version Cannot be less than 1.")
	}
	for range maxRaces {
		h, _ := l.heads.Get(account, name)
		v, ok := l.versions.Get(account, versionID(name, number))
		if !ok {
			return nil
		}
		h.Value.Live = slices.DeleteFunc(slices.Clone(h.Value.Live), func(n int) bool { return n == number })
		h.Value.Bytes -= v.Value.Code.Size
		head, err := l.heads.Put(h)
		if err != nil {
			return err
		}
		if err := l.records.Apply(ctx, head, l.versions.Remove(v)); !errors.Is(err, store.ErrStale) {
			return err
		}
	}
	return tooManyChanges(lambda.LayerRef{Region: l.region, Account: account, Name: name, Version: number})
}

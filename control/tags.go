package control

import (
	"context"
	"maps"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// Tag adds tags to a function, replacing the values of those it has. Errors: lambda.KindNotFound, KindInvalid,
// KindConflict while an update is in progress.
func (s *Functions) Tag(ctx context.Context, account, name string, tags map[string]string) error {
	return s.retag(ctx, account, name, func(have map[string]string) { maps.Copy(have, tags) })
}

// Untag removes tags by key; those that are not there are ignored. Errors as Tag.
func (s *Functions) Untag(ctx context.Context, account, name string, keys []string) error {
	return s.retag(ctx, account, name, func(have map[string]string) {
		for _, key := range keys {
			delete(have, key)
		}
	})
}

func (s *Functions) retag(ctx context.Context, account, name string, change func(map[string]string)) error {
	_, err := s.modify(ctx, account, name, func(f store.Function) (store.Function, error) {
		if f.Config.UpdateStatus == lambda.UpdateInProgress {
			return f, s.changeable(&f.Config)
		}
		tags := make(map[string]string, len(f.Tags))
		maps.Copy(tags, f.Tags)
		change(tags)
		f.Tags = tags
		return f, checkTags(tags)
	})
	return err
}

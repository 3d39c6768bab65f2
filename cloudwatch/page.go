package cloudwatch

import (
	"cmp"
	"encoding/base64"

	"thaw.dev/thaw/store"
)

// maxPage is the largest and the usual page of groups and streams.
const maxPage = 50

// page cuts a page out of a list. key identifies an item: the next page begins behind the one whose key the token has,
// or where behind says it would be, if it went away.
func page[T any](list []T, limit *int, token string, key func(T) string, behind func(item T, last string) bool) (items []T, next string, err error) {
	size, err := limited(limit, maxPage)
	if err != nil {
		return nil, "", err
	}
	size = cmp.Or(size, maxPage)
	if token != "" {
		last, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return nil, "", store.ErrBadToken
		}
		for len(list) > 0 && !behind(list[0], string(last)) {
			list = list[1:]
		}
	}
	if len(list) <= size {
		return list, "", nil
	}
	return list[:size], base64.RawURLEncoding.EncodeToString([]byte(key(list[size-1]))), nil
}

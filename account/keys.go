package account

import (
	"context"
	"slices"
	"time"

	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// Key is an access key of an account.
type Key struct {
	ID      string    `json:"access_key_id"`
	Account string    `json:"account"`
	Secret  string    `json:"secret_access_key,omitempty"` // only when the key was just made
	Active  bool      `json:"active"`
	Created time.Time `json:"created,omitzero"` // zero with InFile
	InFile  bool      `json:"in_file,omitzero"` // a key of the credentials file
}

// keyRecord is what is stored of a key.
type keyRecord struct {
	Secret  string    `json:"secret"`
	Active  bool      `json:"active"`
	Created time.Time `json:"created"`
}

// maxKeys is how many keys an account may have, active or not.
const maxKeys = 100

func newKey(account string) (Key, store.Item[keyRecord]) {
	made := auth.NewKey(account)
	k := Key{ID: made.AccessKeyID, Account: account, Secret: made.SecretAccessKey, Active: true, Created: now()}
	return k, store.Item[keyRecord]{
		Account: account, ID: k.ID, Value: keyRecord{Secret: k.Secret, Active: true, Created: k.Created},
	}
}

// Keys returns the account's keys without their secrets, those of the credentials file first. Errors:
// lambda.KindNotFound.
func (a *Accounts) Keys(account string) ([]Key, error) {
	if _, ok := a.find(account); !ok {
		return nil, noAccount(account)
	}
	list := []Key{}
	for _, k := range a.auth.File() {
		if k.AccountID == account {
			list = append(list, Key{ID: k.AccessKeyID, Account: account, Active: true, InFile: true})
		}
	}
	for _, k := range a.keys.List(account) {
		list = append(list, Key{ID: k.ID, Account: account, Active: k.Value.Active, Created: k.Value.Created})
	}
	return list, nil
}

// CreateKey makes another key of the account, and returns it with its secret. Errors: lambda.KindNotFound, KindInvalid if
// the account has as many as it may have.
func (a *Accounts) CreateKey(ctx context.Context, account string) (Key, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.find(account); !ok {
		return Key{}, noAccount(account)
	}
	if len(a.keys.List(account)) >= maxKeys {
		return Key{}, lambda.Errorf(lambda.KindInvalid, "account %s has %d keys and cannot have more: delete one", account, maxKeys)
	}
	k, item := newKey(account)
	if err := a.keys.Create(ctx, account, k.ID, item.Value); err != nil {
		return Key{}, stale(err)
	}
	a.publish()
	return k, nil
}

// SetActive activates or deactivates a key. Errors: lambda.KindNotFound; KindInvalid for a key of the credentials file.
func (a *Accounts) SetActive(ctx context.Context, account, id string, active bool) error {
	return a.changeKey(account, id, func(item store.Item[keyRecord]) error {
		item.Value.Active = active
		return a.keys.Update(ctx, item)
	})
}

// DeleteKey removes a key. Errors as SetActive.
func (a *Accounts) DeleteKey(ctx context.Context, account, id string) error {
	return a.changeKey(account, id, func(item store.Item[keyRecord]) error { return a.keys.Delete(ctx, item) })
}

func (a *Accounts) changeKey(account, id string, change func(store.Item[keyRecord]) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if slices.ContainsFunc(a.auth.File(), func(k auth.Key) bool { return k.AccessKeyID == id && k.AccountID == account }) {
		return lambda.Errorf(lambda.KindInvalid,
			"the key %s stands in the server's credentials file: take its profile out of the file and restart the server, or disable the account", id)
	}
	item, ok := a.keys.Get(account, id)
	if !ok {
		return lambda.Errorf(lambda.KindNotFound, "account %s has no key %s", masked(account), masked(id))
	}
	if err := change(item); err != nil {
		return stale(err)
	}
	a.publish()
	return nil
}

package account

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// Account is a tenant.
type Account struct {
	ID       string    `json:"id"`                // 12 digits
	Name     string    `json:"name,omitempty"`    // for people
	Created  time.Time `json:"created,omitzero"`  // zero if it is only in the credentials file
	Disabled bool      `json:"disabled,omitzero"` // its keys and sessions are refused, its functions do not run
}

// record is what is stored of an account.
type record struct {
	Name     string    `json:"name,omitempty"`
	Created  time.Time `json:"created,omitzero"`
	Disabled bool      `json:"disabled,omitempty"`
}

// maxName is the length of the longest name of an account, in bytes.
const maxName = 64

var (
	idPattern   = regexp.MustCompile(`^[0-9]{12}$`)
	namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._@-]*$`)
)

// Accounts are all accounts of a server.
type Accounts struct {
	records  *store.Records
	accounts *store.Collection[record]
	keys     *store.Collection[keyRecord]
	auth     *auth.Keys

	mu sync.Mutex // one change at a time, so that auth has the last one's outcome
}

// Open returns the accounts that records has, and those of the credentials file, and tells keys which are good.
func Open(records *store.Records, keys *auth.Keys) *Accounts {
	a := &Accounts{
		records: records, accounts: store.NewCollection[record](records, "account", 1),
		keys: store.NewCollection[keyRecord](records, "key", 1), auth: keys,
	}
	a.publish()
	return a
}

// publish tells auth which keys are good. Others hold mu, but for Open.
func (a *Accounts) publish() {
	var good []auth.Key
	for _, k := range a.keys.All() {
		if k.Value.Active {
			good = append(good, auth.Key{AccessKeyID: k.ID, SecretAccessKey: k.Value.Secret, AccountID: k.Account})
		}
	}
	var disabled []string
	for _, r := range a.accounts.List("") {
		if r.Value.Disabled {
			disabled = append(disabled, r.ID)
		}
	}
	a.auth.Set(good, disabled)
}

// Create makes an account with one access key, which is returned with its secret. An empty id stands for twelve random
// digits, an empty name for none. Errors: lambda.KindInvalid; KindConflict if there is an account of that id.
func (a *Accounts) Create(ctx context.Context, id, name string) (Account, Key, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if id == "" {
		id = a.freeID()
	}
	switch {
	case !idPattern.MatchString(id):
		return Account{}, Key{}, lambda.Errorf(lambda.KindInvalid, "account %.64q: want 12 digits", id)
	case name != "" && (len(name) > maxName || !namePattern.MatchString(name)):
		return Account{}, Key{}, lambda.Errorf(lambda.KindInvalid,
			"name %.80q: want at most %d letters, digits, spaces and . _ @ -, the first a letter or digit", name, maxName)
	}
	if _, exists := a.find(id); exists {
		return Account{}, Key{}, lambda.Errorf(lambda.KindConflict, "there is an account %s already", id)
	}
	value := record{Name: name, Created: now()}
	k, item := newKey(id)
	first, err := a.accounts.Put(store.Item[record]{ID: id, Value: value})
	if err != nil {
		return Account{}, Key{}, err
	}
	second, err := a.keys.Put(item)
	if err != nil {
		return Account{}, Key{}, err
	}
	if err := a.records.Apply(ctx, first, second); err != nil {
		return Account{}, Key{}, fmt.Errorf("create account %s: %w", id, err)
	}
	a.publish()
	return Account{ID: id, Name: name, Created: value.Created}, k, nil
}

// freeID is the random id of no account.
func (a *Accounts) freeID() string {
	for {
		n, _ := rand.Int(rand.Reader, big.NewInt(9e11)) // never fails
		id := fmt.Sprint(n.Int64() + 1e11)
		if _, exists := a.find(id); !exists {
			return id
		}
	}
}

// find returns an account; false if there is none.
func (a *Accounts) find(id string) (Account, bool) {
	if r, ok := a.accounts.Get("", id); ok {
		return Account{ID: id, Name: r.Value.Name, Created: r.Value.Created, Disabled: r.Value.Disabled}, true
	}
	inFile := slices.ContainsFunc(a.auth.File(), func(k auth.Key) bool { return k.AccountID == id })
	return Account{ID: id}, inFile
}

// List returns all accounts, sorted by id.
func (a *Accounts) List() []Account {
	ids := map[string]bool{}
	for _, k := range a.auth.File() {
		ids[k.AccountID] = true
	}
	for _, r := range a.accounts.List("") {
		ids[r.ID] = true
	}
	var list []Account
	for id := range ids {
		if account, ok := a.find(id); ok {
			list = append(list, account)
		}
	}
	slices.SortFunc(list, func(x, y Account) int { return cmp.Compare(x.ID, y.ID) })
	return list
}

// SetDisabled disables an account, or enables it again. Errors: lambda.KindNotFound.
func (a *Accounts) SetDisabled(ctx context.Context, id string, disabled bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.find(id); !ok {
		return noAccount(id)
	}
	item, _ := a.accounts.Get("", id)
	item.ID, item.Value.Disabled = id, disabled
	w, err := a.accounts.Put(item)
	if err == nil {
		err = a.records.Apply(ctx, w)
	}
	if err != nil {
		return fmt.Errorf("change account %s: %w", id, err)
	}
	a.publish()
	return nil
}

// CheckEnabled returns nil if functions of the account may run, else an error of lambda.KindDenied.
func (a *Accounts) CheckEnabled(id string) error {
	if a.auth.Disabled(id) {
		return lambda.Errorf(lambda.KindDenied, "The account %s is disabled", id)
	}
	return nil
}

func noAccount(id string) error {
	return lambda.Errorf(lambda.KindNotFound, "there is no account %s", masked(id))
}

// now is the time as it is stored.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// stale turns a lost race with another change into what the caller can do about it.
func stale(err error) error {
	if errors.Is(err, store.ErrStale) {
		return lambda.Errorf(lambda.KindConflict, "changed by somebody else at the same moment; try again")
	}
	return err
}

// masked is how an id is shown in an error: it came from outside.
func masked(id string) string { return strings.ToValidUTF8(id[:min(len(id), 64)], "?") }

package auth

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Profile is the name of the profile that OpenKeys creates in a new credentials file.
const Profile = "thaw"

// Identity is an authenticated caller.
type Identity struct {
	AccountID   string // 12 digits
	ARN         string // arn:aws:iam::<account>:root, or arn:aws:sts::<account>:assumed-role/<role>/<session>
	UserID      string // the account's id, as for every root user; of a session <role's id>:<session>
	Role        string // the ARN of the role that a session has; "" for an account's own key, which may do everything in it
	Policy      string // the policy document that restricts a session further; "" if none does
	AccessKeyID string // the key that signed
	Token       string // the session token that came with it; "" for a key of an account
	Service     string // the service the request was signed for, e.g. "lambda"
}

// Key is an access key. It is the root of its account.
type Key struct {
	AccessKeyID     string
	SecretAccessKey string
	AccountID       string // 12 digits
}

// Keys are the access keys that are good for requests now: those of the credentials file, which do not change, and those
// that Set gave.
type Keys struct {
	file map[string]Key
	own  Key

	mu  sync.Mutex             // one Set at a time
	now atomic.Pointer[keySet] // what lookups see; never nil
}

// keySet is immutable.
type keySet struct {
	byID     map[string]Key
	disabled map[string]bool // accounts none of whose keys and sessions are good
}

// OpenKeys reads the credentials file at path, in the format of AWS tools; if there is none it creates one, mode 0600,
// with a random key in profile thaw. Every profile is one key; a profile's account is its aws_account_id, or else
// account. It fails when the file is readable by others or has no profile thaw.
func OpenKeys(path, account string) (*Keys, error) {
	data, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		data = formatCredentials(NewKey(account))
		err = writePrivate(path, data)
	}
	if err != nil {
		return nil, fmt.Errorf("credentials file: %w", err)
	}
	k, err := parseCredentials(string(data), account)
	if err != nil {
		return nil, fmt.Errorf("credentials file %s: %w", path, err)
	}
	k.Set(nil, nil)
	return k, nil
}

// Default returns the key of profile thaw.
func (k *Keys) Default() Key { return k.own }

// File returns the keys of the credentials file, sorted by id.
func (k *Keys) File() []Key {
	return slices.SortedFunc(maps.Values(k.file), func(a, b Key) int { return strings.Compare(a.AccessKeyID, b.AccessKeyID) })
}

// Set makes more, in addition to those of the credentials file, the keys that are good, and no key or session of the
// accounts disabled, from now on: requests that are verified after it returns see it.
func (k *Keys) Set(more []Key, disabled []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := &keySet{byID: make(map[string]Key, len(k.file)+len(more)), disabled: make(map[string]bool, len(disabled))}
	for _, key := range more {
		next.byID[key.AccessKeyID] = key
	}
	maps.Copy(next.byID, k.file)
	for _, account := range disabled {
		next.disabled[account] = true
	}
	k.now.Store(next)
}

// Disabled reports whether Set disabled the account.
func (k *Keys) Disabled(account string) bool { return k.now.Load().disabled[account] }

// lookup returns a key that is good.
func (k *Keys) lookup(id string) (Key, bool) {
	now := k.now.Load()
	key, ok := now.byID[id]
	return key, ok && !now.disabled[key.AccountID]
}

func (k Key) identity(service string) Identity {
	return Identity{
		AccountID:   k.AccountID,
		ARN:         "arn:aws:iam::" + k.AccountID + ":root",
		UserID:      k.AccountID,
		AccessKeyID: k.AccessKeyID,
		Service:     service,
	}
}

// NewKey makes a random key in the form of AWS's: 20 characters beginning with AKIA, and 40 characters with 240 random
// bits.
func NewKey(account string) Key {
	var secret [30]byte
	_, _ = rand.Read(secret[:]) // never fails
	return Key{
		AccessKeyID:     newKeyID("AKIA"),
		SecretAccessKey: base64.StdEncoding.EncodeToString(secret[:]),
		AccountID:       account,
	}
}

// newKeyID makes the id of a key: the prefix, which says of what kind it is, and 80 random bits.
func newKeyID(prefix string) string {
	var id [10]byte
	_, _ = rand.Read(id[:]) // never fails
	return prefix + base32.StdEncoding.EncodeToString(id[:])
}

// readPrivate reads a file that nobody else may be able to read.
func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s has mode %#o and must not be accessible to others: chmod 600 it", path, mode)
	}
	return os.ReadFile(path)
}

// writePrivate puts the file in place whole or not at all, also across a power cut, readable by its owner alone. What an
// interrupted attempt left is overwritten by the next.
func writePrivate(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	part := path + ".new"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

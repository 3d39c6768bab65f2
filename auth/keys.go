package auth

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Profile is the name of the profile that OpenKeys creates in a new credentials file.
const Profile = "thaw"

// Identity is an authenticated caller.
type Identity struct {
	AccountID   string // 12 digits
	ARN         string // arn:aws:iam::<account>:root, or arn:aws:sts::<account>:assumed-role/<role>/<session>
	UserID      string // the account's id, as for every root user; of a session <role's id>:<session>
	Role        string // the ARN of the role that a session has; "" for an account's own key, which may do everything in it
	AccessKeyID string // the key that signed
	Service     string // the service the request was signed for, e.g. "lambda"
}

// Key is an access key. It is the root of its account.
type Key struct {
	AccessKeyID     string
	SecretAccessKey string
	AccountID       string // 12 digits
}

// Keys are the access keys of a credentials file. They do not change.
type Keys struct {
	byID map[string]Key
	own  Key
}

// OpenKeys reads the credentials file at path, in the format of AWS tools; if there is none it creates one, mode 0600,
// with a random key in profile thaw. Every profile is one key; a profile's account is its aws_account_id, or else
// account. It fails when the file is readable by others or has no profile thaw.
func OpenKeys(path, account string) (*Keys, error) {
	data, err := readCredentials(path)
	if errors.Is(err, fs.ErrNotExist) {
		data = formatCredentials(newKey(account))
		err = writeCredentials(path, data)
	}
	if err != nil {
		return nil, fmt.Errorf("credentials file: %w", err)
	}
	k, err := parseCredentials(string(data), account)
	if err != nil {
		return nil, fmt.Errorf("credentials file %s: %w", path, err)
	}
	return k, nil
}

// Default returns the key of profile thaw.
func (k *Keys) Default() Key { return k.own }

func (k Key) identity(service string) Identity {
	return Identity{
		AccountID:   k.AccountID,
		ARN:         "arn:aws:iam::" + k.AccountID + ":root",
		UserID:      k.AccountID,
		AccessKeyID: k.AccessKeyID,
		Service:     service,
	}
}

// newKey makes a key in the form of AWS's: 20 characters beginning with AKIA, and 40 characters with 240 random bits.
func newKey(account string) Key {
	var id [10]byte
	var secret [30]byte
	_, _ = rand.Read(id[:]) // never fails
	_, _ = rand.Read(secret[:])
	return Key{
		AccessKeyID:     "AKIA" + base32.StdEncoding.EncodeToString(id[:]),
		SecretAccessKey: base64.StdEncoding.EncodeToString(secret[:]),
		AccountID:       account,
	}
}

func readCredentials(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s has mode %#o and must not be accessible to others: chmod 600 it", path, mode)
	}
	return os.ReadFile(path)
}

// writeCredentials puts the file in place whole or not at all, also across a power cut. What an interrupted attempt
// left is overwritten by the next.
func writeCredentials(path string, data []byte) error {
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

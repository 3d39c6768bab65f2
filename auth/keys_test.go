package auth_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"thaw.dev/thaw/auth"
)

const account = "000000000000"

func TestOpenKeysCreatesOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "credentials")
	k, err := auth.OpenKeys(path, account)
	if err != nil {
		t.Fatal(err)
	}
	key := k.Default()
	if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(key.AccessKeyID) || len(key.SecretAccessKey) != 40 || key.AccountID != account {
		t.Errorf("key = %s, a secret of %d characters, account %s", key.AccessKeyID, len(key.SecretAccessKey), key.AccountID)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, want 0600", info.Mode())
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("directory holds %v (%v), want the file alone", files, err)
	}
	again, err := auth.OpenKeys(path, account)
	if err != nil || again.Default() != key {
		t.Errorf("second open gives another key (%v)", err)
	}
	other, err := auth.OpenKeys(filepath.Join(t.TempDir(), "credentials"), account)
	if err != nil || other.Default().AccessKeyID == key.AccessKeyID || other.Default().SecretAccessKey == key.SecretAccessKey {
		t.Errorf("two directories share a key (%v)", err)
	}
}

func TestOpenKeysAfterInterruptedCreation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(path+".new", []byte("[thaw]\naws_acc"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.OpenKeys(path, account); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".new"); !os.IsNotExist(err) {
		t.Errorf("the interrupted attempt's file is still there (%v)", err)
	}
}

func TestOpenKeysReadsFile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		mode       os.FileMode
		err        string // part of the error; "" means none
	}{
		{name: "plain", text: "[thaw]\naws_access_key_id=A\naws_secret_access_key=s/+=\n"},
		{name: "spaces, comments, other settings, CRLF", text: "# c\r\n; c\r\n [ thaw ]\r\n aws_access_key_id = A\r\naws_secret_access_key = s/+=\r\nregion = eu-west-1\r\n"},
		{name: "readable by others", text: "[thaw]\naws_access_key_id=A\naws_secret_access_key=s\n", mode: 0o644, err: "chmod 600"},
		{name: "no profile thaw", text: "[default]\naws_access_key_id=A\naws_secret_access_key=s\n", err: "no profile [thaw]"},
		{name: "empty", err: "no profile [thaw]"},
		{name: "no secret", text: "[thaw]\naws_access_key_id=A\n", err: "lacks"},
		{name: "bad account", text: "[thaw]\naws_access_key_id=A\naws_secret_access_key=s\naws_account_id=12\n", err: "twelve digits"},
		{name: "profile twice", text: "[thaw]\n[thaw]\n", err: "twice"},
		{name: "key twice", text: "[thaw]\naws_access_key_id=A\naws_secret_access_key=s\n[b]\naws_access_key_id=A\naws_secret_access_key=s\n", err: "access key of another"},
		{name: "setting outside", text: "aws_access_key_id=A\n", err: "line 1"},
		{name: "open bracket", text: "[thaw\n", err: "line 1"},
		{name: "garbage", text: "[thaw]\nSECRETSECRET\n", err: "line 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "credentials")
			if test.mode == 0 {
				test.mode = 0o600
			}
			if err := os.WriteFile(path, []byte(test.text), test.mode); err != nil {
				t.Fatal(err)
			}
			k, err := auth.OpenKeys(path, account)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error = %v, want one with %q", err, test.err)
				}
				if strings.Contains(err.Error(), "SECRET") {
					t.Errorf("the error shows a line of the file: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, want := k.Default(), (auth.Key{AccessKeyID: "A", SecretAccessKey: "s/+=", AccountID: account}); got != want {
				t.Errorf("key = %+v, want %+v", got, want)
			}
		})
	}
}

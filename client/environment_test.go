package client_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/client"
)

// clearEnvironment unsets what the client reads.
func clearEnvironment(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
	} {
		t.Setenv(name, "")
	}
}

func TestFromEnvironment(t *testing.T) {
	clearEnvironment(t)
	if _, err := client.FromEnvironment(); !errors.Is(err, client.ErrNoCredentials) {
		t.Errorf("without anything: %v, want ErrNoCredentials", err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "A")
	if _, err := client.FromEnvironment(); !errors.Is(err, client.ErrNoCredentials) {
		t.Errorf("without a secret: %v, want ErrNoCredentials", err)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	check := func(want client.Options) {
		t.Helper()
		want.AccessKey, want.SecretKey = "A", "s"
		if got, err := client.FromEnvironment(); err != nil || got != want {
			t.Errorf("options = %+v, %v, want %+v", got, err, want)
		}
	}
	check(client.Options{})
	t.Setenv("AWS_ENDPOINT_URL", "http://all")
	t.Setenv("AWS_DEFAULT_REGION", "r1")
	check(client.Options{Endpoint: "http://all", Region: "r1"})
	t.Setenv("AWS_ENDPOINT_URL_LAMBDA", "http://lambda")
	t.Setenv("AWS_REGION", "r2")
	check(client.Options{Endpoint: "http://lambda", Region: "r2"})
}

// The client reads what package auth writes.
func TestFromDataDir(t *testing.T) {
	clearEnvironment(t)
	dir := t.TempDir()
	if _, err := client.FromDataDir(dir, ""); !errors.Is(err, client.ErrNoCredentials) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a file: %v, want ErrNoCredentials", err)
	}
	keys, err := auth.OpenKeys(filepath.Join(dir, "credentials"), "000000000000")
	if err != nil {
		t.Fatal(err)
	}
	want := client.Options{AccessKey: keys.Default().AccessKeyID, SecretKey: keys.Default().SecretAccessKey}
	if got, err := client.FromDataDir(dir, ""); err != nil || got != want {
		t.Errorf("options = %+v, %v", got, err)
	}
	t.Setenv("AWS_ENDPOINT_URL", "http://environment")
	t.Setenv("AWS_REGION", "r")
	want.Region, want.Endpoint = "r", "http://environment"
	if got, err := client.FromDataDir(dir, ""); err != nil || got != want {
		t.Errorf("options = %+v, %v", got, err)
	}
	want.Endpoint = "http://argument"
	if got, err := client.FromDataDir(dir, "http://argument"); err != nil || got != want {
		t.Errorf("options = %+v, %v", got, err)
	}
	other := "[default]\naws_access_key_id = X\naws_secret_access_key = Y\n[thaw]\naws_access_key_id = X\n"
	if err := os.WriteFile(filepath.Join(dir, "credentials"), []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := client.FromDataDir(dir, ""); !errors.Is(err, client.ErrNoCredentials) {
		t.Errorf("with another profile's secret: %v, want ErrNoCredentials", err)
	}
}

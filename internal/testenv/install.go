package testenv

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Cached returns a directory that fill has filled, in this or an earlier run; it is another one for each key.
func Cached(t testing.TB, name, key string, fill func(dir string)) string {
	t.Helper()
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	base = filepath.Join(base, "thaw-compat")
	sum := sha256.Sum256([]byte(key))
	final := filepath.Join(base, name+"-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(final); err == nil {
		return final
	}
	if err := os.MkdirAll(base, 0o700); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(base, "."+name+"-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // gone already after the rename
	fill(dir)
	if err := os.Rename(dir, final); err != nil && !errors.Is(err, fs.ErrExist) { // another process may have been faster
		t.Fatal(err)
	}
	return final
}

// Run runs a command of a package manager in dir, with the user's own settings.
func Run(t testing.TB, dir string, argv ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...) //nolint:gosec // what tests install with
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
}

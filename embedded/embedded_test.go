package embedded

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, err := place(dir, "tool", []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := place(dir, "tool", []byte("one")); err != nil || again != path {
		t.Errorf("the same content went to %s, %v", again, err)
	}
	if other, err := place(dir, "tool", []byte("two")); err != nil || other == path {
		t.Errorf("other content went to %s, %v", other, err)
	}
	if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := place(dir, "tool", []byte("one")); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || string(b) != "one" {
		t.Errorf("after repair: %q, %v", b, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if hidden, _ := filepath.Glob(filepath.Join(dir, ".*")); len(hidden) > 0 {
		t.Errorf("temporary files left: %q", hidden)
	}
}

// TestExtract holds for both kinds of build: with programs inside, and without.
func TestExtract(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	p, err := Extract(dir)
	if errors.Is(err, ErrMissing) {
		if !strings.Contains(err.Error(), "make build") {
			t.Errorf("the error does not say what to do: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{p.Agent, p.Sentry} {
		if b, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(b, []byte("\x7fELF")) {
			t.Errorf("%s is no executable: %v", path, err)
		}
	}
}

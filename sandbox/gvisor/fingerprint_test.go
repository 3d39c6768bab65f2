package gvisor_test

import (
	"os"
	"path/filepath"
	"testing"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/sandbox/gvisor"
)

// TestFingerprintIsTheSentrys: it stays while the program has the same content, wherever that is, and else changes.
func TestFingerprintIsTheSentrys(t *testing.T) {
	testenv.NeedsRoot(t)
	fingerprint := func(content string) string {
		path := filepath.Join(t.TempDir(), "sentry")
		if err := os.WriteFile(path, []byte(content), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
		e := newEngine(t, func(o *gvisor.Options) { o.SentryPath = path })
		defer func() {
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		}()
		return e.Fingerprint()
	}
	one := fingerprint("one")
	if len(one) != 64 || one != fingerprint("one") || one == fingerprint("two") {
		t.Errorf("fingerprint %q of one program, %q of it elsewhere, %q of another", one, fingerprint("one"), fingerprint("two"))
	}
}

package embedded

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// programs stand in for all there are.
var programs = map[string]string{"thaw-agent": "agent", "thaw-sentry": "sentry", "thaw-init": "init", "thaw-jail": "jail"}

// packed is a file system as make build leaves it.
func packed(t *testing.T, programs map[string]string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	for name, content := range programs {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(content))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(content))
		out["files/"+name+".gz"] = &fstest.MapFile{Data: b.Bytes()}
		out["files/"+name+".sha256"] = &fstest.MapFile{Data: []byte(hex.EncodeToString(sum[:]) + "\n")}
	}
	return out
}

func TestExtractWritesExecutablesOnce(t *testing.T) {
	t.Parallel()
	from, dir := packed(t, programs), filepath.Join(t.TempDir(), "bin")
	first, err := extract(from, dir)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{first.Agent: "agent", first.Sentry: "sentry", first.Init: "init", first.Jail: "jail"} {
		b, err := os.ReadFile(path)
		if err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", path, b, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	delete(from, "files/thaw-sentry.gz") // a second time nothing is read
	if again, err := extract(from, dir); err != nil || again != first {
		t.Errorf("%v, %v", again, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != len(programs) {
		t.Errorf("%d files, %v", len(left), err)
	}
}

func TestExtractOfADamagedProgramLeavesNothing(t *testing.T) {
	t.Parallel()
	from, dir := packed(t, programs), t.TempDir()
	from["files/thaw-agent.sha256"].Data = []byte(strings.Repeat("0", 64))
	if _, err := extract(from, dir); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%d files, %v", len(left), err)
	}
}

func TestExtractWithoutPrograms(t *testing.T) {
	t.Parallel()
	if _, err := extract(fstest.MapFS{}, t.TempDir()); !errors.Is(err, ErrMissing) {
		t.Errorf("got %v", err)
	}
}

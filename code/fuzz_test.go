package code_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thaw.dev/thaw/code"
	"thaw.dev/thaw/lambda"
)

// FuzzPut gives the store any bytes. What it refuses is the caller's mistake and leaves nothing; what it accepts gives
// an image within the limits, whose names and links stay inside. Nothing is ever written beside the store.
func FuzzPut(f *testing.F) {
	f.Add(pack(f, item{name: "handler.py", content: "x"}, item{name: "bin/run", mode: 0o755}, link("l", "bin/run")))
	f.Fuzz(func(t *testing.T, data []byte) {
		if code.CheckWithin(t.Context(), data, 1000, 1<<20) != nil && len(data) > 1<<16 {
			return // large and hostile: refused within small limits, which is all there is to see
		}
		dir := t.TempDir()
		s := open(t, filepath.Join(dir, "store"))
		c, err := s.Put(t.Context(), data)
		if err != nil {
			if e, ok := errors.AsType[*lambda.Error](err); !ok || e.Kind != lambda.KindInvalid {
				t.Fatalf("refused with %v", err)
			}
			if u, err := s.Size(); err != nil || u != (code.Usage{}) {
				t.Fatalf("left %+v (%v)", u, err)
			}
			onlyStore(t, dir)
			return
		}
		p, err := s.Image(t.Context(), c.SHA256)
		if err != nil {
			t.Fatalf("accepted, but no image: %v", err)
		}
		onlyStore(t, dir)
		var total int
		for name, text := range content(t, p) {
			mode, target, _ := strings.Cut(text, " ")
			total += len(target)
			if !fs.ValidPath(name) && !strings.ContainsFunc(name, func(r rune) bool { return r == 0xfffd }) {
				t.Errorf("name %q", name)
			}
			if mode[0] == 'L' && !insideSandbox(name, target) {
				t.Errorf("link %q to %q", name, target)
			}
			if strings.ContainsAny(mode, "ugt") || mode[len(mode)-3] != 'r' {
				t.Errorf("mode %s of %q", mode, name)
			}
		}
		if total > lambda.MaxUnzippedBytes {
			t.Errorf("%d bytes", total)
		}
	})
}

// insideSandbox is a second opinion on where a link may point.
func insideSandbox(name, target string) bool {
	full := target
	if !filepath.IsAbs(target) {
		full = filepath.Join("/var/task", filepath.Dir(name), target)
	}
	for _, root := range []string{"/var/task", "/opt", "/tmp"} {
		if rel, err := filepath.Rel(root, full); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
			return filepath.IsAbs(target) || root == "/var/task"
		}
	}
	return false
}

// TestCorpus keeps testdata/fuzz complete: every hostile zip of these tests is a seed of FuzzPut. Set
// THAW_UPDATE_CORPUS=1 to write them.
func TestCorpus(t *testing.T) {
	t.Parallel()
	for name, h := range hostile(t) {
		if len(h.zip) > 1<<16 {
			continue // a corpus of small files
		}
		file := filepath.Join("testdata", "fuzz", "FuzzPut", strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), "/", ""))
		if os.Getenv("THAW_UPDATE_CORPUS") != "" {
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, seed(h.zip), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.HasPrefix(got, []byte("go test fuzz v1\n")) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// seed is the format of the files in testdata/fuzz.
func seed(data []byte) []byte {
	return fmt.Appendf(nil, "go test fuzz v1\n[]byte(%q)\n", data)
}

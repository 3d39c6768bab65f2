package code_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestIdenticalPackagesAreStoredOnce(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	zip := pack(t, item{name: "f", content: "x"})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { put(t, s, zip) })
	}
	wg.Wait()
	if u, err := s.Size(); err != nil || u.Packages != 1 || u.ZipBytes != int64(len(zip)) || u.ImageBytes != 0 {
		t.Errorf("usage %+v (%v)", u, err)
	}
}

func TestReopen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	c := put(t, s, pack(t, item{name: "f", content: "x"}))
	p, err := s.Image(t.Context(), c.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(dir, "blobs", ".writing-1")
	if err := os.WriteFile(half, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(p)
	if err != nil {
		t.Fatal(err)
	}

	s = open(t, dir)
	if _, err := os.Stat(half); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("interrupted write is still there: %v", err)
	}
	if !s.Has(c.SHA256) {
		t.Error("package is gone")
	}
	if again, err := s.Image(t.Context(), c.SHA256); err != nil || again != p {
		t.Errorf("image %q (%v), want %q", again, err, p)
	}
	if now, err := os.Stat(p); err != nil || !os.SameFile(now, info) {
		t.Errorf("image was built again (%v)", err)
	}
}

func TestImageIsRebuilt(t *testing.T) {
	t.Parallel()
	damage := map[string]func(p string) error{
		"missing":   os.Remove,
		"truncated": func(p string) error { return os.Truncate(p, 4096) },
		"changed": func(p string) error {
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			b[len(b)-4096] ^= 1
			return errors.Join(os.Remove(p), os.WriteFile(p, b, 0o600))
		},
	}
	for name, f := range damage {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			c := put(t, open(t, dir), pack(t, item{name: "f", content: "x"}))
			p, err := open(t, dir).Image(t.Context(), c.SHA256)
			if err != nil {
				t.Fatal(err)
			}
			if err := f(p); err != nil {
				t.Fatal(err)
			}
			if _, err := open(t, dir).Image(t.Context(), c.SHA256); err != nil {
				t.Fatal(err)
			}
			if got := content(t, p)["f"]; got != "-rw-r--r-- x" {
				t.Errorf("content %q", got)
			}
		})
	}
}

func TestUnknownPackages(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	for _, sha := range []string{"", "../../etc/passwd", strings.Repeat("0", 64), strings.Repeat("A", 64)} {
		if _, _, err := s.Zip(sha); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Zip(%q): %v", sha, err)
		}
		if _, err := s.Image(t.Context(), sha); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Image(%q): %v", sha, err)
		}
		if s.Has(sha) {
			t.Errorf("Has(%q)", sha)
		}
		if err := s.Delete(sha); err != nil {
			t.Errorf("Delete(%q): %v", sha, err)
		}
	}
}

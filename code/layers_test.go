package code_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestLayersAreUnpackedInOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	first := put(t, s, pack(t, item{name: "python/who.py", content: "first"}, item{name: "bin/tool", content: "tool", mode: 0o755}))
	second := put(t, s, pack(t, item{name: "python/who.py", content: "second"}, item{name: "python/more.py", content: "more"}))

	path, err := s.Layers(t.Context(), []string{first.SHA256, second.SHA256})
	if err != nil {
		t.Fatal(err)
	}
	got := content(t, path)
	if who := got["python/who.py"]; who != "-rw-r--r-- second" {
		t.Errorf("python/who.py is %q: the later layer must win", who)
	}
	if got["bin/tool"] != "-rwxr-xr-x tool" || got["python/more.py"] != "-rw-r--r-- more" {
		t.Errorf("got %v", got)
	}
	turned, err := s.Layers(t.Context(), []string{second.SHA256, first.SHA256})
	if err != nil {
		t.Fatal(err)
	}
	if who := content(t, turned)["python/who.py"]; who != "-rw-r--r-- first" || turned == path {
		t.Errorf("in the other order python/who.py is %q, of the image %s", who, turned)
	}
	if code, err := s.Image(t.Context(), first.SHA256); err != nil || code == path {
		t.Errorf("as code the package has the image %s (%v)", code, err)
	}

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if again, err := s.Layers(t.Context(), []string{first.SHA256, second.SHA256}); err != nil || again != path {
		t.Errorf("a missing image came back as %q (%v)", again, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "images", ".writing-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestLayersThatAreNotStored(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	c := put(t, s, pack(t, item{name: "f", content: "x"}))
	missing := []string{c.SHA256, "0000000000000000000000000000000000000000000000000000000000000000"}
	if _, err := s.Layers(t.Context(), missing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Unzipped(missing[1]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestUnzipped(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	c := put(t, s, pack(t, item{name: "a", content: "12345"}, item{name: "dir/b", content: "678"}))
	if n, err := s.Unzipped(c.SHA256); err != nil || n != 8 {
		t.Errorf("got %d (%v)", n, err)
	}
}

package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// tree writes files below a new directory; a name that ends in "*" is executable.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		mode := fs.FileMode(0o600)
		if name[len(name)-1] == '*' {
			name, mode = name[:len(name)-1], 0o700
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPackDirectory(t *testing.T) {
	t.Parallel()
	dir := tree(t, map[string]string{
		"bootstrap*": "#!/bin/sh\n", "lib/a.py": "a = 1\n", ".git/config": "secret", "sub/.git": "gitdir: elsewhere", ".env": "kept",
	})
	if err := os.Symlink("lib/a.py", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	a, err := pack(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(a.zip), int64(len(a.zip)))
	if err != nil {
		t.Fatal(err)
	}
	type entry struct {
		mode fs.FileMode
		text string
	}
	got := map[string]entry{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		got[f.Name] = entry{f.Mode(), string(text)}
	}
	want := map[string]entry{
		"bootstrap": {0o755, "#!/bin/sh\n"},
		"lib/a.py":  {0o644, "a = 1\n"},
		"link":      {fs.ModeSymlink | 0o777, "lib/a.py"},
		".env":      {0o644, "kept"},
	}
	if len(got) != len(want) {
		t.Errorf("got %d entries, want %d: %v", len(got), len(want), got)
	}
	for name, w := range want {
		if got[name] != w {
			t.Errorf("%s: got %v, want %v", name, got[name], w)
		}
	}
}

func TestPackIsReproducible(t *testing.T) {
	t.Parallel()
	dir := tree(t, map[string]string{"a": "1", "b/c*": "2"})
	first, err := pack(dir)
	if err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "a"), later, later); err != nil {
		t.Fatal(err)
	}
	second, err := pack(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.zip, second.zip) {
		t.Error("a file's time changes the archive")
	}
}

func TestPackRefuses(t *testing.T) {
	t.Parallel()
	pipe := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(pipe, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"an empty directory":  t.TempDir(),
		"only a repository":   tree(t, map[string]string{".git/HEAD": "x"}),
		"a fifo":              pipe,
		"what is no zip":      filepath.Join(tree(t, map[string]string{"x.zip": "no zip"}), "x.zip"),
		"what does not exist": filepath.Join(t.TempDir(), "nothing"),
	} {
		if _, err := pack(path); err == nil {
			t.Errorf("%s was packed", name)
		}
	}
}

func TestBootstrapMustBeExecutable(t *testing.T) {
	t.Parallel()
	for files, want := range map[string]error{"bootstrap": errNotExecutable, "bootstrap*": nil, "other": nil} {
		a, err := pack(tree(t, map[string]string{files: "x"}))
		if err != nil {
			t.Fatal(err)
		}
		if err := a.checkBootstrap(); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", files, err, want)
		}
	}
}

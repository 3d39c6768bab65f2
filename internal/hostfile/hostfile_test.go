package hostfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/hostfile"
)

func TestSocketPairSupportsDeadlinesOnOneSide(t *testing.T) {
	t.Parallel()
	near, far, err := hostfile.SocketPair("x")
	if err != nil {
		t.Fatal(err)
	}
	if err := near.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := near.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read returned %v", err)
	}
	if _, err := near.WriteString("abc"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 3)
	if n, err := far.Read(b); n != 3 || err != nil || string(b) != "abc" {
		t.Errorf("read %q, %v", b[:n], err)
	}
	for range 2 {
		if err := hostfile.Close(near, nil, far); err != nil {
			t.Error(err)
		}
	}
}

func TestNamelessFilesHaveNoName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := hostfile.Nameless(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("found %v, %v", entries, err)
	}
	if _, err := f.WriteString("x"); err != nil {
		t.Error(err)
	}
	name := filepath.Join(dir, "named")
	if err := unix.Linkat(int(f.Fd()), "", unix.AT_FDCWD, name, unix.AT_EMPTY_PATH); os.Geteuid() == 0 && err != nil {
		t.Errorf("it cannot be given a name: %v", err)
	}
	if _, err := hostfile.Nameless(filepath.Join(dir, "missing")); err == nil {
		t.Error("made a file in a directory that is not there")
	}
}

func TestClear(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := hostfile.Clear(dir); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("found %v, %v", entries, err)
	}
	if err := hostfile.Clear(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

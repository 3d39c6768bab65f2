package hostfile_test

import (
	"errors"
	"io"
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

// TestSealedMemoryCannotBeChanged: neither by its maker nor through any descriptor of it.
func TestSealedMemoryCannotBeChanged(t *testing.T) {
	t.Parallel()
	f, err := hostfile.Memory("test")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteString("template"); err != nil {
		t.Fatal(err)
	}
	if err := hostfile.Seal(f); err != nil {
		t.Fatal(err)
	}
	for _, open := range []func(*os.File) (*os.File, error){
		func(f *os.File) (*os.File, error) { return hostfile.Reopen(f, os.O_RDWR) }, hostfile.Duplicate,
	} {
		again, err := open(f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.WriteAt([]byte("x"), 0); !errors.Is(err, os.ErrPermission) {
			t.Errorf("write: %v", err)
		}
		for _, size := range []int64{0, 2 << 20} {
			if err := again.Truncate(size); !errors.Is(err, os.ErrPermission) {
				t.Errorf("truncate to %d: %v", size, err)
			}
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestReopenedFilesHaveAPositionOfTheirOwn, duplicates share it; closed files have neither.
func TestReopenedFilesHaveAPositionOfTheirOwn(t *testing.T) {
	t.Parallel()
	f, err := hostfile.Memory("test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("abc"); err != nil {
		t.Fatal(err)
	}
	reopened, err := hostfile.Reopen(f, os.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	duplicate, err := hostfile.Duplicate(f)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hostfile.Close(reopened, duplicate) }()
	b := make([]byte, 4)
	if n, err := reopened.Read(b); n != 3 || err != nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if n, err := duplicate.Read(b); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if _, err := reopened.WriteString("x"); err == nil {
		t.Error("wrote to what was opened for reading")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := hostfile.Reopen(f, os.O_RDONLY); err == nil {
		t.Error("reopened a closed file")
	}
	if _, err := hostfile.Duplicate(f); err == nil {
		t.Error("duplicated a closed file")
	}
}

package image_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/image"
)

func open(t *testing.T, dir string) *image.Store {
	t.Helper()
	s, err := image.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func small(t *testing.T) *image.Tree {
	t.Helper()
	tree := image.NewTree()
	if err := tree.AddBytes("/f", 0o644, []byte(strings.Repeat("content", 1000))); err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestStore(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "images")
	s := open(t, dir)
	key := image.Key("a", "b")
	if key == image.Key("ab") || key == image.Key("a", "b", "") {
		t.Error("keys of different parts are equal")
	}
	if s.Has(key) {
		t.Error("Has before Build")
	}
	if err := s.Verify(key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Verify: %v, want fs.ErrNotExist", err)
	}
	p, err := s.Build(t.Context(), key, small(t))
	if err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(p) || p != s.Path(key) || !s.Has(key) {
		t.Errorf("path %q, Path %q, Has %v", p, s.Path(key), s.Has(key))
	}
	if err := s.Verify(key); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(p)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Size(); err != nil || n != info.Size() {
		t.Errorf("Size %d (%v), want %d", n, err, info.Size())
	}
	if all, err := s.List(); err != nil || len(all) != 1 || all[0].Key != key {
		t.Errorf("List %v (%v)", all, err)
	}
	for range 2 {
		if err := s.Remove(key); err != nil {
			t.Error(err)
		}
	}
	if s.Has(key) {
		t.Error("Has after Remove")
	}
	if _, err := s.Build(t.Context(), "../escape", small(t)); err == nil {
		t.Error("Build took a key that is a path")
	}
}

func TestFailedBuildLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	cancel(stop)
	if _, err := s.Build(ctx, image.Key("x"), small(t)); !errors.Is(err, stop) {
		t.Errorf("error %v, want the cause of the cancellation", err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
		t.Errorf("left %v (%v)", names, err)
	}
}

func TestOpenStoreRemovesInterruptedWrites(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dead, alive := filepath.Join(dir, ".writing-1"), filepath.Join(dir, ".writing-2")
	for _, name := range []string{dead, alive} {
		if err := os.WriteFile(name, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(alive) // another process that writes still
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	if _, err := os.Stat(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("abandoned file: %v, want it gone", err)
	}
	if _, err := os.Stat(alive); err != nil {
		t.Errorf("file in use: %v", err)
	}
}

func TestVerifyFindsDamage(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	key := image.Key("x")
	whole, err := s.Build(t.Context(), key, small(t))
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	damage := map[string]func(b []byte) []byte{
		"empty":          func([]byte) []byte { return nil },
		"truncated":      func(b []byte) []byte { return b[:len(b)-4096] },
		"extended":       func(b []byte) []byte { return append(b, 0) },
		"superblock bit": func(b []byte) []byte { b[1024+36] ^= 1; return b },
		"inode bit":      func(b []byte) []byte { b[4096+8] ^= 1; return b },
		"last byte":      func(b []byte) []byte { b[len(b)-1] ^= 0x80; return b },
	}
	for name, f := range damage {
		if err := os.Remove(whole); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(whole, f(append([]byte(nil), good...)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.Verify(key); !errors.Is(err, image.ErrCorrupt) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
		}
	}
	// A new process builds the damaged image again; the process that checked it before trusts it.
	again := open(t, filepath.Dir(whole))
	built := false
	if _, err := again.Ensure(t.Context(), key, func(context.Context) (*image.Tree, error) { built = true; return small(t), nil }); err != nil || !built {
		t.Errorf("Ensure: built %v, error %v", built, err)
	}
	if err := again.Verify(key); err != nil {
		t.Error(err)
	}
}

func TestEnsureBuildsOnce(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	key := image.Key("x")
	var builds atomic.Int32
	started, release := make(chan struct{}), make(chan struct{})
	describe := func(context.Context) (*image.Tree, error) {
		if builds.Add(1) == 1 {
			close(started)
		}
		<-release
		return small(t), nil
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if p, err := s.Ensure(t.Context(), key, describe); err != nil || p != s.Path(key) {
				t.Errorf("Ensure: %q, %v", p, err)
			}
		})
	}
	<-started
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Ensure(gone, key, describe); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled waiter got %v", err)
	}
	close(release)
	wg.Wait()
	if n := builds.Load(); n != 1 {
		t.Errorf("%d builds, want 1", n)
	}
	if err := s.Remove(key); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Ensure(t.Context(), key, describe); err != nil || builds.Load() != 2 {
		t.Errorf("after Remove: %d builds, error %v", builds.Load(), err)
	}
}

func TestEnsureAfterFailure(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	boom := errors.New("boom")
	if _, err := s.Ensure(t.Context(), image.Key("x"), func(context.Context) (*image.Tree, error) { return nil, boom }); !errors.Is(err, boom) {
		t.Fatalf("error %v, want boom", err)
	}
	if _, err := s.Ensure(t.Context(), image.Key("x"), func(context.Context) (*image.Tree, error) { return small(t), nil }); err != nil {
		t.Fatal(err)
	}
}

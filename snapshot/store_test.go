package snapshot_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/snapshot"
)

const (
	keyA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	keyB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

func open(t *testing.T, dir string, maxBytes int64) *snapshot.Store {
	t.Helper()
	s, err := snapshot.Open(dir, snapshot.Options{MaxBytes: maxBytes, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *snapshot.Store, key, owner, content string) {
	t.Helper()
	d, err := s.Begin(key, owner)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.Dir(), "state"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
}

func TestASnapshotOutlivesTheStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, 1<<20)
	put(t, s, keyA, "me", "hello")
	if d, err := s.Begin(keyB, "me"); err != nil || d.Dir() == "" { // never committed, as after a kill
		t.Fatal(err)
	}
	s = open(t, dir, 1<<20)
	snap := s.Use(keyA)
	if snap == nil || snap.Verify() != nil {
		t.Fatalf("not there, or damaged: %v", snap)
	}
	if b, err := os.ReadFile(filepath.Join(snap.Dir(), "state")); string(b) != "hello" {
		t.Errorf("%q, %v", b, err)
	}
	s.Done(snap)
	if s.Use(keyB) != nil || len(list(t, dir)) != 1 {
		t.Errorf("left: %v", list(t, dir))
	}
}

func TestDamageIsFound(t *testing.T) {
	t.Parallel()
	for what, damage := range map[string]func(path string) error{
		"flipped":   func(p string) error { return os.WriteFile(p, []byte("hellO"), 0o600) },
		"truncated": func(p string) error { return os.Truncate(p, 2) },
		"longer":    func(p string) error { return os.WriteFile(p, []byte("hello!"), 0o600) },
		"gone":      os.Remove,
	} {
		s := open(t, t.TempDir(), 1<<20)
		put(t, s, keyA, "me", "hello")
		snap := s.Use(keyA)
		if err := damage(filepath.Join(snap.Dir(), "state")); err != nil {
			t.Fatal(err)
		}
		if err := snap.Verify(); !errors.Is(err, snapshot.ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
		s.Spoil(snap)
		s.Done(snap)
		if s.Has(keyA) {
			t.Errorf("%s: still there", what)
		}
	}
}

func TestUnreadableDescriptionsAreRemoved(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", `{"schema":2}`, `{"schema":1,"key":"` + keyB + `"}`} {
		dir := t.TempDir()
		put(t, open(t, dir, 1<<20), keyA, "me", "hello")
		if err := os.WriteFile(filepath.Join(dir, keyA, "meta.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if s := open(t, dir, 1<<20); s.Has(keyA) || len(list(t, dir)) != 0 {
			t.Errorf("%q: left %v", text, list(t, dir))
		}
	}
}

func TestTheLongestUnusedGoFirst(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), 10)
	put(t, s, keyA, "me", "12345")
	put(t, s, keyB, "me", "12345")
	s.Done(s.Use(keyA))
	put(t, s, strings.Repeat("c", 32), "me", "12345")
	if !s.Has(keyA) || s.Has(keyB) {
		t.Error("the wrong one was removed")
	}
	if n, bytes := s.Usage(); n != 2 || bytes != 10 {
		t.Errorf("usage %d, %d", n, bytes)
	}
	d, err := s.Begin(keyB, "me")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.Dir(), "state"), make([]byte, 11), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Commit(); !errors.Is(err, snapshot.ErrTooLarge) || s.Has(keyB) {
		t.Errorf("too large: %v", err)
	}
}

func TestOldOnesGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, open(t, dir, 1<<20), keyA, "me", "hello")
	old := time.Now().Add(-15 * 24 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, keyA, "meta.json"), old, old); err != nil {
		t.Fatal(err)
	}
	if open(t, dir, 1<<20).Has(keyA) {
		t.Error("still there")
	}
}

func TestOneInUseStaysUntilDone(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), 1<<20)
	put(t, s, keyA, "me", "hello")
	put(t, s, keyB, "you", "hello")
	snap := s.Use(keyA)
	s.Remove(func(owner string) bool { return owner == "me" })
	if s.Has(keyA) || !s.Has(keyB) {
		t.Error("removed too little or too much")
	}
	if err := snap.Verify(); err != nil {
		t.Errorf("its files went while it was used: %v", err)
	}
	s.Done(snap)
	if _, err := os.Stat(snap.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its files stayed: %v", err)
	}
}

func TestBadKeysAndEmptyDraftsAreRefused(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), 1<<20)
	for _, key := range []string{"", "..", "../x", strings.Repeat("A", 32)} {
		if _, err := s.Begin(key, "me"); err == nil {
			t.Errorf("%q was accepted", key)
		}
	}
	d, err := s.Begin(keyA, "me")
	if err != nil {
		t.Fatal(err)
	}
	if d.Commit() == nil || s.Has(keyA) {
		t.Error("a snapshot of nothing was accepted")
	}
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

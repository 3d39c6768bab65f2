package snapshot

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Draft is a snapshot that is being made.
type Draft struct {
	store      *Store
	key, owner string
	dir        string
}

// Begin starts a snapshot: the caller has an engine write into Dir, and then calls Commit or Abandon. owner names whom
// it belongs to, for Remove.
func (s *Store) Begin(key, owner string) (*Draft, error) {
	if !keyPattern.MatchString(key) {
		return nil, fmt.Errorf("make snapshot: bad key %q", key)
	}
	dir, err := os.MkdirTemp(s.dir, tmpPrefix)
	if err != nil {
		return nil, fmt.Errorf("make snapshot: %w", err)
	}
	return &Draft{store: s, key: key, owner: owner, dir: dir}, nil
}

// Dir is where the files belong.
func (d *Draft) Dir() string { return d.dir }

// Abandon removes the draft. It does nothing after Commit.
func (d *Draft) Abandon() { _ = os.RemoveAll(d.dir) }

// Commit puts the snapshot into the store, in place of one with the same key. On error the draft is gone.
func (d *Draft) Commit() error {
	defer d.Abandon()
	m, bytes, err := describe(d.dir, d.key, d.owner)
	if err != nil {
		return fmt.Errorf("make snapshot: %w", err)
	}
	if bytes > d.store.o.MaxBytes {
		return fmt.Errorf("%w: %d MiB", ErrTooLarge, bytes>>20)
	}
	if err := m.write(d.dir); err != nil {
		return fmt.Errorf("make snapshot: %w", err)
	}
	s := d.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.all[d.key]; old != nil {
		if old.users > 0 {
			return nil // the one that is there is in use, and as good
		}
		s.remove(old)
	}
	path := filepath.Join(s.dir, d.key)
	if err := os.Rename(d.dir, path); err != nil {
		return fmt.Errorf("make snapshot: %w", err)
	}
	if err := syncDir(s.dir); err != nil {
		return fmt.Errorf("make snapshot: %w", err)
	}
	s.all[d.key] = &Snapshot{key: d.key, dir: path, meta: m, bytes: bytes, used: time.Now()}
	s.bytes += bytes
	s.collect(time.Now())
	return nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

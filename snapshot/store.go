package snapshot

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options bound a store.
type Options struct {
	// MaxBytes bounds what all snapshots take together; the longest unused go first. 0 keeps none.
	MaxBytes int64
	// MaxAge removes what was unused for longer; 0 means 14 days, after which AWS Lambda removes a SnapStart snapshot.
	MaxAge time.Duration
	Logger *slog.Logger
}

// ErrTooLarge is returned by Commit for a snapshot that does not fit the store at all.
var ErrTooLarge = errors.New("snapshot is larger than the space for snapshots")

const (
	tmpPrefix     = "tmp-"
	defaultMaxAge = 14 * 24 * time.Hour
)

// keyPattern is what a key must look like: it is a file name.
var keyPattern = regexp.MustCompile(`^[0-9a-f]{16,64}$`)

// Store is a directory of snapshots.
type Store struct {
	dir string
	o   Options

	mu    sync.Mutex
	all   map[string]*Snapshot // guarded by mu, by key
	bytes int64                // guarded by mu; of those in all
}

// Open opens the store in dir, which is made if it is missing. It removes what was left half-made and what cannot be read.
func Open(dir string, o Options) (*Store, error) {
	if o.MaxAge == 0 {
		o.MaxAge = defaultMaxAge
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open snapshots: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open snapshots: %w", err)
	}
	s := &Store{dir: dir, o: o, all: map[string]*Snapshot{}}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		snap, err := load(path, e.Name())
		if err == nil {
			s.all[snap.key] = snap
			s.bytes += snap.bytes
			continue
		}
		if !strings.HasPrefix(e.Name(), tmpPrefix) {
			o.Logger.Warn("snapshot removed", "path", path, "error", err)
		}
		if err := os.RemoveAll(path); err != nil {
			return nil, fmt.Errorf("open snapshots: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.collect(time.Now())
	return s, nil
}

// Snapshot is one snapshot, pinned from Use to Done.
type Snapshot struct {
	key, dir string
	meta     meta
	bytes    int64

	// Guarded by the store's mu.
	users int
	gone  bool // no longer in the store; the files go with the last user
	used  time.Time
}

// Dir is where the engine's files are.
func (s *Snapshot) Dir() string { return s.dir }

// Use returns the snapshot with this key, nil if there is none. The caller calls Done when it does not read its files
// any more.
func (s *Store) Use(key string) *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	snap := s.all[key]
	if snap != nil {
		snap.users++
		snap.used = time.Now()
		_ = os.Chtimes(filepath.Join(snap.dir, metaName), time.Time{}, snap.used) // only the order of removal depends on it
	}
	return snap
}

// Has reports whether there is a snapshot with this key.
func (s *Store) Has(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[key] != nil
}

// Done ends what Use began; nil is allowed.
func (s *Store) Done(snap *Snapshot) {
	if snap == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	snap.users--
	if snap.gone && snap.users == 0 {
		s.erase(snap)
	}
}

// Spoil removes a snapshot that turned out to be of no use. Its users go on until they are Done.
func (s *Store) Spoil(snap *Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(snap)
}

// Remove removes the snapshots of the owners that match.
func (s *Store) Remove(match func(owner string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, snap := range s.all {
		if match(snap.meta.Owner) {
			s.remove(snap)
		}
	}
}

// Usage returns how many snapshots there are and how many bytes they take.
func (s *Store) Usage() (count int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all), s.bytes
}

// remove needs mu.
func (s *Store) remove(snap *Snapshot) {
	if snap.gone {
		return
	}
	snap.gone = true
	delete(s.all, snap.key)
	s.bytes -= snap.bytes
	if snap.users == 0 {
		s.erase(snap)
	}
}

// erase needs mu. Until it is called, a new snapshot with the same key cannot be committed.
func (s *Store) erase(snap *Snapshot) {
	if err := os.RemoveAll(snap.dir); err != nil {
		s.o.Logger.Warn("snapshot could not be removed", "path", snap.dir, "error", err)
	}
}

// collect needs mu. It removes what is too old and, the longest unused first, what is too much.
func (s *Store) collect(now time.Time) {
	all := make([]*Snapshot, 0, len(s.all))
	for _, snap := range s.all {
		all = append(all, snap)
	}
	slices.SortFunc(all, func(a, b *Snapshot) int { return cmp.Compare(a.used.UnixNano(), b.used.UnixNano()) })
	for _, snap := range all {
		if now.Sub(snap.used) > s.o.MaxAge || s.bytes > s.o.MaxBytes {
			s.remove(snap)
		}
	}
}

package image

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	suffix     = ".erofs"
	tempPrefix = ".writing-"
)

// ErrCorrupt is returned by Store.Verify for an image that is not what was written.
var ErrCorrupt = errors.New("image is damaged")

// Store is a directory of images. Methods may be called concurrently, and by several processes on one directory.
type Store struct {
	dir    string
	builds builds
}

// Info describes one image of a store.
type Info struct {
	Key   string
	Bytes int64 // length of the image file
}

// Key derives an image's name from everything the image is made from: 64 hexadecimal digits. It changes with
// FormatVersion.
func Key(parts ...string) string {
	h := sha256.New()
	fmt.Fprintf(h, "thaw image %d\n", FormatVersion)
	for _, p := range parts {
		fmt.Fprintf(h, "%d\n%s\n", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// OpenStore opens the store in dir, creating it (mode 0700) if needed, and removes what interrupted writes left.
func OpenStore(dir string) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open image store: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open image store: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, tempPrefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("open image store: %w", err)
	}
	for _, name := range left {
		if err := removeAbandoned(name); err != nil {
			return nil, fmt.Errorf("open image store: %w", err)
		}
	}
	return &Store{dir: dir, builds: builds{checked: map[string]bool{}, running: map[string]chan struct{}{}}}, nil
}

// removeAbandoned removes a temporary file unless another process still writes it, which its lock tells.
func removeAbandoned(name string) error {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil //nolint:nilerr // someone holds the lock: the file is in use
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Path returns where the image of key is, or would be; always absolute.
func (s *Store) Path(key string) string { return filepath.Join(s.dir, key+suffix) }

// Has reports whether the image of key is there.
func (s *Store) Has(key string) bool {
	info, err := os.Stat(s.Path(key))
	return err == nil && info.Mode().IsRegular()
}

// Build writes t as the image of key and returns its path. When it returns nil the image survives a crash of the
// machine; on an error nothing is left. An image of that key that exists already is replaced.
func (s *Store) Build(ctx context.Context, key string, t *Tree) (string, error) {
	if !validKey(key) {
		return "", fmt.Errorf("build image: %q is not a key", key)
	}
	f, err := os.CreateTemp(s.dir, tempPrefix+"*")
	if err != nil {
		return "", fmt.Errorf("build image: %w", err)
	}
	defer f.Close()
	done := false
	defer func() {
		if !done {
			_ = os.Remove(f.Name()) // the next OpenStore removes what this cannot
		}
	}()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return "", fmt.Errorf("build image: lock: %w", err)
	}
	if err := Write(ctx, f, t); err != nil {
		return "", fmt.Errorf("build image: %w", err)
	}
	if err := f.Chmod(0o400); err != nil {
		return "", fmt.Errorf("build image: %w", err)
	}
	if err := f.Sync(); err != nil {
		return "", fmt.Errorf("build image: %w", err)
	}
	if err := os.Rename(f.Name(), s.Path(key)); err != nil {
		return "", fmt.Errorf("build image: %w", err)
	}
	done = true
	if err := syncDir(s.dir); err != nil {
		return "", fmt.Errorf("build image: %w", err)
	}
	return s.Path(key), nil
}

// Verify reads the image of key and compares it with its checksums: ErrCorrupt if they differ, fs.ErrNotExist if there
// is no such image. It finds accidents, not forgery.
func (s *Store) Verify(key string) error {
	f, err := os.Open(s.Path(key))
	if err != nil {
		return fmt.Errorf("verify image: %w", err)
	}
	defer f.Close()
	block := make([]byte, blockBytes)
	if _, err := io.ReadFull(f, block); err != nil {
		return fmt.Errorf("verify image %s: %w", key, ErrCorrupt)
	}
	super := block[superOffset:]
	blocks := binary.LittleEndian.Uint32(super[36:])
	content := binary.LittleEndian.Uint32(super[48:])
	stored := binary.LittleEndian.Uint32(super[4:])
	clear(super[4:8])
	if binary.LittleEndian.Uint32(super) != magic || ^crc32.Checksum(super, castagnoli) != stored {
		return fmt.Errorf("verify image %s: superblock: %w", key, ErrCorrupt)
	}
	sum := &checksum{w: io.Discard}
	n, err := io.Copy(sum, bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return fmt.Errorf("verify image %s: %w", key, err)
	}
	if sum.crc != content || n != (int64(blocks)-1)*blockBytes {
		return fmt.Errorf("verify image %s: content: %w", key, ErrCorrupt)
	}
	return nil
}

// Remove deletes the image of key; no error if there is none. Sandboxes that have it mounted keep it.
func (s *Store) Remove(key string) error {
	s.builds.mu.Lock()
	delete(s.builds.checked, key)
	s.builds.mu.Unlock()
	if err := os.Remove(s.Path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove image: %w", err)
	}
	return nil
}

// List returns all images, in order of their keys.
func (s *Store) List() ([]Info, error) {
	names, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	var out []Info
	for _, d := range names {
		key, ok := strings.CutSuffix(d.Name(), suffix)
		if !ok || !validKey(key) {
			continue
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("list images: %w", err)
		}
		out = append(out, Info{Key: key, Bytes: info.Size()})
	}
	return out, nil
}

// Size is the sum of the lengths of all images, in bytes.
func (s *Store) Size() (int64, error) {
	images, err := s.List()
	var total int64
	for _, i := range images {
		total += i.Bytes
	}
	return total, err
}

func validKey(key string) bool {
	b, err := hex.DecodeString(key)
	return err == nil && len(b) == sha256.Size && strings.ToLower(key) == key
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

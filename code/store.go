package code

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"thaw.dev/thaw/image"
	"thaw.dev/thaw/lambda"
)

// GraceTime is how long after its Put a package is safe from GC.
const GraceTime = time.Hour

const tempPrefix = ".writing-"

// Options configure a Store.
type Options struct {
	// Dir is the directory that holds everything; created with mode 0700 if missing. One process at a time.
	Dir string
	// Logger receives what an operator should know; nil means none.
	Logger *slog.Logger
}

// Store keeps deployment packages. Its methods may be called concurrently.
type Store struct {
	log    *slog.Logger
	blobs  string
	images *image.Store

	// mu makes "is it there, then renew its time" one step against GC's "is it old, then delete it". Those two file
	// operations are the only I/O under it.
	mu sync.Mutex

	libraries sync.Map // hexadecimal SHA-256 of a package to whether it HasLibraries

	collecting sync.Mutex      // one GC at a time
	spare      map[string]bool // paths that the last GC found nobody to need; guarded by collecting
}

// Open opens the store and removes what interrupted writes left.
func Open(o Options) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	images, err := image.OpenStore(filepath.Join(o.Dir, "images"))
	if err != nil {
		return nil, fmt.Errorf("open code store: %w", err)
	}
	s := &Store{log: o.Logger, blobs: filepath.Join(o.Dir, "blobs"), images: images}
	if err := os.MkdirAll(s.blobs, 0o700); err != nil {
		return nil, fmt.Errorf("open code store: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(s.blobs, tempPrefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("open code store: %w", err)
	}
	for _, name := range left {
		if err := os.Remove(name); err != nil {
			return nil, fmt.Errorf("open code store: %w", err)
		}
	}
	return s, nil
}

// Put checks and stores the deployment package zip. It is durable when Put returns nil. Errors that are the caller's:
// KindEntityTooLarge for more than lambda.MaxZipFromS3Bytes, KindInvalid for everything a zip can have wrong.
func (s *Store) Put(ctx context.Context, zip []byte) (lambda.Code, error) {
	if len(zip) > lambda.MaxZipFromS3Bytes {
		return lambda.Code{}, lambda.Errorf(lambda.KindEntityTooLarge, "Zip file must be smaller than %d bytes", lambda.MaxZipFromS3Bytes)
	}
	sum := sha256.Sum256(zip)
	code := lambda.Code{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(zip))}
	if s.renew(code) {
		return code, nil
	}
	if err := check(ctx, zip); err != nil {
		return lambda.Code{}, err
	}
	if err := s.write(code.SHA256, zip); err != nil {
		return lambda.Code{}, fmt.Errorf("store package %s: %w", code.SHA256, err)
	}
	return code, nil
}

// renew reports whether the package is stored already; its time of grace starts anew then. A blob of another length,
// which only damage can cause, counts as missing and is overwritten.
func (s *Store) renew(c lambda.Code) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	info, err := os.Stat(s.blob(c.SHA256))
	if err != nil || info.Size() != c.Size {
		return false
	}
	now := time.Now()
	return os.Chtimes(s.blob(c.SHA256), now, now) == nil
}

func (s *Store) write(sha string, zip []byte) error {
	f, err := os.CreateTemp(s.blobs, tempPrefix+"*")
	if err != nil {
		return err
	}
	defer f.Close()
	done := false
	defer func() {
		if !done {
			_ = os.Remove(f.Name()) // the next Open removes what this cannot
		}
	}()
	if _, err := f.Write(zip); err != nil {
		return err
	}
	if err := f.Chmod(0o400); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), s.blob(sha)); err != nil {
		return err
	}
	done = true
	d, err := os.Open(s.blobs)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Has reports whether the package of that hexadecimal SHA-256 is stored.
func (s *Store) Has(sha string) bool {
	if !validSHA(sha) {
		return false
	}
	_, err := os.Stat(s.blob(sha))
	return err == nil
}

// Zip opens a stored package for reading and returns its length in bytes. The caller closes it. The error wraps
// fs.ErrNotExist if it is not stored.
func (s *Store) Zip(sha string) (io.ReadSeekCloser, int64, error) {
	f, size, err := s.open(sha)
	if err != nil {
		return nil, 0, err // never a nil *os.File inside a non-nil interface
	}
	return f, size, nil
}

func (s *Store) open(sha string) (*os.File, int64, error) {
	if !validSHA(sha) {
		return nil, 0, fmt.Errorf("open package %.70q: %w", sha, fs.ErrNotExist)
	}
	f, err := os.Open(s.blob(sha))
	if err != nil {
		return nil, 0, fmt.Errorf("open package: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("open package: %w", err)
	}
	return f, info.Size(), nil
}

// Image returns the host path of the package's EROFS image, building it first if it is missing or damaged. Concurrent
// calls for one package share one build. The error wraps fs.ErrNotExist if the package is not stored.
func (s *Store) Image(ctx context.Context, sha string) (string, error) {
	var blob *os.File
	defer func() {
		if blob != nil {
			blob.Close()
		}
	}()
	start := time.Now()
	path, err := s.images.Ensure(ctx, imageKey(sha), func(ctx context.Context) (*image.Tree, error) {
		f, size, err := s.open(sha)
		if err != nil {
			return nil, err
		}
		blob = f
		return tree(ctx, f, size, defaultLimits)
	})
	if err != nil {
		return "", fmt.Errorf("image of package %s: %w", sha, err)
	}
	if blob != nil {
		s.log.Debug("code image built", "code", sha, "dur_ms", time.Since(start).Milliseconds())
	}
	return path, nil
}

// Delete removes a package and its image at once; no error if there is none. The caller knows that nobody refers to it
// and that no Put of the same content is under way; GC does not need to know.
func (s *Store) Delete(sha string) error {
	if !validSHA(sha) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.libraries.Delete(sha)
	if err := os.Remove(s.blob(sha)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete package: %w", err)
	}
	return s.images.Remove(imageKey(sha))
}

// Usage is what a store takes on disk, in bytes.
type Usage struct {
	Packages   int
	ZipBytes   int64
	ImageBytes int64
}

// Size measures the store.
func (s *Store) Size() (Usage, error) {
	var u Usage
	names, err := os.ReadDir(s.blobs)
	if err != nil {
		return u, fmt.Errorf("measure code store: %w", err)
	}
	for _, d := range names {
		if info, err := d.Info(); err == nil && validSHA(d.Name()) { // an error means: deleted meanwhile
			u.Packages++
			u.ZipBytes += info.Size()
		}
	}
	u.ImageBytes, err = s.images.Size()
	return u, err
}

func (s *Store) blob(sha string) string { return filepath.Join(s.blobs, sha) }

func imageKey(sha string) string { return image.Key("code", sha) }

func validSHA(sha string) bool {
	b, err := hex.DecodeString(sha)
	return err == nil && len(b) == sha256.Size && strings.ToLower(sha) == sha
}

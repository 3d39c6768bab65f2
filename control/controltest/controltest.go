// Package controltest has doubles of what package control works with: a store of function records and a store of
// deployment packages, both in memory. They are for tests of control and of what stands above it.
package controltest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"slices"
	"sync"

	"thaw.dev/thaw/control"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// Store keeps function records in memory, with the compare-and-set of the real one.
type Store struct {
	// Fail, if set before the first call, may refuse a write: op is "create", "update" or "delete".
	Fail func(op string) error

	mu      sync.Mutex
	seq     uint64
	records map[[2]string]store.Function
}

var _ control.Store = (*Store)(nil)

func id(f *store.Function) [2]string { return [2]string{f.Config.Account, f.Config.Name} }

// write runs change under the lock unless Fail or a cancelled context forbids it.
func (s *Store) write(ctx context.Context, op string, change func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.Fail != nil {
		if err := s.Fail(op); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.records == nil {
		s.records = make(map[[2]string]store.Function)
	}
	return change()
}

func (s *Store) put(f *store.Function) {
	s.seq++
	f.Seq = s.seq
	s.records[id(f)] = *f
}

// Create stores a new function or returns store.ErrExists.
func (s *Store) Create(ctx context.Context, f store.Function) (store.Function, error) {
	err := s.write(ctx, "create", func() error {
		if _, ok := s.records[id(&f)]; ok {
			return store.ErrExists
		}
		s.put(&f)
		return nil
	})
	return f, err
}

// Update replaces a function that is still in state f.Seq or returns store.ErrStale.
func (s *Store) Update(ctx context.Context, f store.Function) (store.Function, error) {
	err := s.write(ctx, "update", func() error {
		if old, ok := s.records[id(&f)]; !ok || old.Seq != f.Seq {
			return store.ErrStale
		}
		s.put(&f)
		return nil
	})
	return f, err
}

// Delete removes a function that is still in state f.Seq or returns store.ErrStale.
func (s *Store) Delete(ctx context.Context, f store.Function) error {
	return s.write(ctx, "delete", func() error {
		if old, ok := s.records[id(&f)]; !ok || old.Seq != f.Seq {
			return store.ErrStale
		}
		delete(s.records, id(&f))
		return nil
	})
}

// Get returns a function, false if there is none.
func (s *Store) Get(account, name string) (store.Function, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.records[[2]string{account, name}]
	return f, ok
}

// List returns an account's functions by name.
func (s *Store) List(account string) []store.Function {
	return slices.DeleteFunc(s.All(), func(f store.Function) bool { return f.Config.Account != account })
}

// All returns every function by account and name.
func (s *Store) All() []store.Function {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []store.Function
	for _, f := range s.records {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b store.Function) int {
		return cmp.Or(cmp.Compare(a.Config.Account, b.Config.Account), cmp.Compare(a.Config.Name, b.Config.Name))
	})
	return all
}

// Packages keeps deployment packages in memory. Any bytes that begin with "PK" pass for a zip.
type Packages struct {
	// Build, if set before the first call, is what Image does for a package that is stored.
	Build func(ctx context.Context, sha256 string) error

	mu   sync.Mutex
	zips map[string][]byte
}

var _ control.Packages = (*Packages)(nil)

// Put stores a package.
func (p *Packages) Put(_ context.Context, zip []byte) (lambda.Code, error) {
	if !bytes.HasPrefix(zip, []byte("PK")) {
		return lambda.Code{}, lambda.Errorf(lambda.KindInvalid,
			"Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	sum := sha256.Sum256(zip)
	code := lambda.Code{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(zip))}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.zips == nil {
		p.zips = make(map[string][]byte)
	}
	p.zips[code.SHA256] = bytes.Clone(zip)
	return code, nil
}

// Image runs Build.
func (p *Packages) Image(ctx context.Context, sha256 string) (string, error) {
	p.mu.Lock()
	_, ok := p.zips[sha256]
	p.mu.Unlock()
	if !ok {
		return "", fs.ErrNotExist
	}
	if p.Build == nil {
		return "/images/" + sha256, nil
	}
	return "/images/" + sha256, p.Build(ctx, sha256)
}

type reader struct{ *bytes.Reader }

func (reader) Close() error { return nil }

// Zip opens a package.
func (p *Packages) Zip(sha256 string) (io.ReadSeekCloser, int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	zip, ok := p.zips[sha256]
	if !ok {
		return nil, 0, fs.ErrNotExist
	}
	return reader{bytes.NewReader(zip)}, int64(len(zip)), nil
}

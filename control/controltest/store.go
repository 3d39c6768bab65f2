package controltest

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"thaw.dev/thaw/control"
	"thaw.dev/thaw/store"
)

// Store keeps records in memory, with the compare-and-set of the real one.
type Store struct {
	// Fail, if set before the first call, may refuse a write: op is "create", "update", "delete", "publish", "update
	// version" or "delete version".
	Fail func(op string) error

	mu       sync.Mutex
	seq      uint64
	records  map[[2]string]store.Function
	versions map[[3]string]map[int]*store.Version // by account, name and lineage
}

var _ control.Store = (*Store)(nil)

func id(f *store.Function) [2]string { return [2]string{f.Config.Account, f.Config.Name} }

func lineage(account, name, id string) [3]string { return [3]string{account, name, id} }

func versionID(v *store.Version) [3]string {
	return lineage(v.Config.Account, v.Config.Name, v.Lineage)
}

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
		s.versions = make(map[[3]string]map[int]*store.Version)
	}
	return change()
}

// current returns the error of a write that expects the function to be in state f.Seq, 0 for not there.
func (s *Store) current(f *store.Function) error {
	old, ok := s.records[id(f)]
	switch {
	case f.Seq == 0 && ok:
		return store.ErrExists
	case f.Seq != 0 && (!ok || old.Seq != f.Seq):
		return store.ErrStale
	}
	return nil
}

func (s *Store) put(f *store.Function) {
	s.seq++
	f.Seq = s.seq
	s.records[id(f)] = *f
}

func (s *Store) putVersion(v *store.Version) {
	s.seq++
	v.Seq = s.seq
	if s.versions[versionID(v)] == nil {
		s.versions[versionID(v)] = make(map[int]*store.Version)
	}
	s.versions[versionID(v)][v.Number()] = new(*v)
}

// Create stores a new function or returns store.ErrExists.
func (s *Store) Create(ctx context.Context, f store.Function) (store.Function, error) {
	err := s.write(ctx, "create", func() error {
		f.Seq = 0
		if err := s.current(&f); err != nil {
			return err
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

// Delete removes a function that is still in state f.Seq, with its versions, or returns store.ErrStale.
func (s *Store) Delete(ctx context.Context, f store.Function) error {
	return s.write(ctx, "delete", func() error {
		if old, ok := s.records[id(&f)]; !ok || old.Seq != f.Seq {
			return store.ErrStale
		}
		delete(s.records, id(&f))
		delete(s.versions, lineage(f.Config.Account, f.Config.Name, f.Lineage))
		return nil
	})
}

// Publish stores a function, as Create or Update, and a new version.
func (s *Store) Publish(ctx context.Context, f store.Function, v store.Version) (store.Function, store.Version, error) {
	err := s.write(ctx, "publish", func() error {
		if err := s.current(&f); err != nil {
			return err
		}
		if s.versions[versionID(&v)][v.Number()] != nil {
			return store.ErrStale
		}
		s.put(&f)
		s.putVersion(&v)
		return nil
	})
	return f, v, err
}

// UpdateVersion replaces a version that is still in state v.Seq or returns store.ErrStale.
func (s *Store) UpdateVersion(ctx context.Context, v store.Version) (store.Version, error) {
	err := s.write(ctx, "update version", func() error {
		if old := s.versions[versionID(&v)][v.Number()]; old == nil || old.Seq != v.Seq {
			return store.ErrStale
		}
		s.putVersion(&v)
		return nil
	})
	return v, err
}

// UpdateWith replaces a function and versions of it that are all still in their state Seq or returns store.ErrStale.
func (s *Store) UpdateWith(ctx context.Context, f store.Function, versions []store.Version) (store.Function, error) {
	err := s.write(ctx, "update", func() error {
		if old, ok := s.records[id(&f)]; !ok || old.Seq != f.Seq {
			return store.ErrStale
		}
		for i := range versions {
			v := &versions[i]
			if old := s.versions[versionID(v)][v.Number()]; old == nil || old.Seq != v.Seq {
				return store.ErrStale
			}
		}
		s.put(&f)
		for _, v := range versions {
			s.putVersion(&v)
		}
		return nil
	})
	return f, err
}

// DeleteVersion removes a version that is still in state v.Seq or returns store.ErrStale.
func (s *Store) DeleteVersion(ctx context.Context, v store.Version) error {
	return s.write(ctx, "delete version", func() error {
		if old := s.versions[versionID(&v)][v.Number()]; old == nil || old.Seq != v.Seq {
			return store.ErrStale
		}
		delete(s.versions[versionID(&v)], v.Number())
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

// List returns up to limit of an account's functions by name, beginning at from.
func (s *Store) List(account, from string, limit int) []*store.Function {
	list := slices.DeleteFunc(s.All(), func(f *store.Function) bool { return f.Config.Account != account || f.Config.Name < from })
	return list[:min(limit, len(list))]
}

// All returns every function by account and name.
func (s *Store) All() []*store.Function {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*store.Function
	for _, f := range s.records {
		all = append(all, &f)
	}
	slices.SortFunc(all, func(a, b *store.Function) int {
		return cmp.Or(cmp.Compare(a.Config.Account, b.Config.Account), cmp.Compare(a.Config.Name, b.Config.Name))
	})
	return all
}

// Version returns a function's version, false if either is not there.
func (s *Store) Version(account, name string, number int) (*store.Version, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.records[[2]string{account, name}]
	if !ok {
		return nil, false
	}
	v, ok := s.versions[lineage(account, name, f.Lineage)][number]
	return v, ok
}

// Versions returns a function's versions in ascending order.
func (s *Store) Versions(account, name string) []*store.Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.records[[2]string{account, name}]
	if !ok {
		return nil
	}
	return s.versionsOf(&f)
}

// VersionsAfter returns up to limit of a function's versions in ascending order, beginning behind the number after.
func (s *Store) VersionsAfter(account, name string, after, limit int) []*store.Version {
	list := slices.DeleteFunc(s.Versions(account, name), func(v *store.Version) bool { return v.Number() <= after })
	return list[:min(limit, len(list))]
}

func (s *Store) versionsOf(f *store.Function) (list []*store.Version) {
	for _, v := range s.versions[lineage(f.Config.Account, f.Config.Name, f.Lineage)] {
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b *store.Version) int { return cmp.Compare(a.Number(), b.Number()) })
	return list
}

// AllVersions returns the versions of all functions.
func (s *Store) AllVersions() (list []*store.Version) {
	for _, f := range s.All() {
		list = append(list, s.Versions(f.Config.Account, f.Config.Name)...)
	}
	return list
}

// Totals adds up an account's functions and versions.
func (s *Store) Totals(account string) (t store.Totals) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, f := range s.records {
		if key[0] != account {
			continue
		}
		t.Functions++
		t.CodeBytes += f.Config.Code.Size
		if f.Reserved != nil {
			t.Reserved += *f.Reserved
		}
		for _, v := range s.versionsOf(&f) {
			t.CodeBytes += v.Config.Code.Size
			if f.Reserved == nil {
				t.Provisioned += v.Provisioned
			}
		}
	}
	return t
}

// URL returns the owner of the function URL with that id.
func (s *Store) URL(id string) (store.URLOwner, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, f := range s.records {
		for qualifier, q := range f.Qualified {
			if q.URL != nil && q.URL.ID == id {
				return store.URLOwner{Account: key[0], Name: key[1], Qualifier: qualifier}, true
			}
		}
	}
	return store.URLOwner{}, false
}

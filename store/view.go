package store

import (
	"maps"
	"math"
	"slices"
	"sync"

	"github.com/google/btree"

	"thaw.dev/thaw/lambda"
)

// view is all records in memory. Two feed it: the watcher, which sees every write in the order of the sequence numbers,
// and whoever just had a write acknowledged, so that it reads its own write before the watcher brings it. For each key
// the highest sequence number wins.
type view struct {
	mu sync.RWMutex
	// accounts has an entry for each account with functions. Guarded by mu.
	accounts map[string]*accountView
	// versions are the published versions by number, those of deleted functions included until they are removed, too.
	// Guarded by mu; the versions are immutable.
	versions map[lineage]map[int]*Version
	// urls are the owners of function URLs by the URL's id. Guarded by mu.
	urls map[string]URLOwner
	// watched is the sequence number up to which the watcher has seen everything. Guarded by mu.
	watched uint64
	// deleted holds the sequence numbers of deletions after watched: until the watcher is there, it may still bring
	// older states of these keys. Guarded by mu.
	deleted map[recordKey]uint64
}

// accountView is one account's functions, which are immutable, and what they add up to.
type accountView struct {
	functions map[string]*Function
	byName    *btree.BTreeG[*Function] // the same in the order of their names
	totals    Totals
}

func newAccountView() *accountView {
	return &accountView{functions: map[string]*Function{}, byName: btree.NewG(treeDegree, func(a, b *Function) bool {
		return a.Config.Name < b.Config.Name
	})}
}

// treeDegree is that of the trees of names. From 16 on it makes no difference that can be measured.
const treeDegree = 32

// record is a state of a record: a function, a version, or neither when it was deleted.
type record struct {
	seq      uint64
	function *Function
	version  *Version
}

func newView() *view {
	return &view{accounts: map[string]*accountView{}, versions: map[lineage]map[int]*Version{}, urls: map[string]URLOwner{}, deleted: map[recordKey]uint64{}}
}

func (v *view) get(account, name string) (*Function, bool) {
	v.mu.RLock()
	f := v.function(account, name)
	v.mu.RUnlock()
	return f, f != nil
}

func (v *view) version(account, name string, number int) (*Version, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	f := v.function(account, name)
	if f == nil || f.Lineage == "" {
		return nil, false
	}
	ver, ok := v.versions[f.lineage()][number]
	return ver, ok
}

// wrote applies an acknowledged write of this process.
func (v *view) wrote(key recordKey, r record) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if r.seq <= v.watched || r.seq <= v.known(key) {
		return
	}
	v.set(key, r)
	if r.function == nil && r.version == nil {
		v.deleted[key] = r.seq
	} else {
		delete(v.deleted, key)
	}
}

// watch applies what the watcher saw.
func (v *view) watch(key recordKey, r record) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.watched = max(v.watched, r.seq)
	if r.seq < v.known(key) {
		return
	}
	v.set(key, r)
	delete(v.deleted, key)
}

// set makes r the state of key. mu is held.
func (v *view) set(key recordKey, r record) {
	before := v.share(key.account, key.name)
	if key.number == 0 {
		v.setFunction(key, r.function)
	} else {
		v.setVersion(key, r.version)
	}
	a := v.accounts[key.account]
	if a == nil {
		return
	}
	a.totals = a.totals.plus(v.share(key.account, key.name)).minus(before)
	if len(a.functions) == 0 {
		delete(v.accounts, key.account)
	}
}

func (v *view) setFunction(key recordKey, f *Function) {
	v.setURLs(key, v.function(key.account, key.name), f)
	a := v.accounts[key.account]
	if a == nil && f != nil {
		a = newAccountView()
		v.accounts[key.account] = a
	}
	switch {
	case f != nil:
		a.functions[key.name] = f
		a.byName.ReplaceOrInsert(f)
	case a != nil:
		if old := a.functions[key.name]; old != nil {
			a.byName.Delete(old)
			delete(a.functions, key.name)
		}
	}
}

func (v *view) setVersion(key recordKey, ver *Version) {
	of := key.lineage()
	numbers := v.versions[of]
	switch {
	case ver == nil:
		delete(numbers, key.number)
		if len(numbers) == 0 {
			delete(v.versions, of)
		}
	case numbers == nil:
		v.versions[of] = map[int]*Version{key.number: ver}
	default:
		numbers[key.number] = ver
	}
}

// share is what one function with its versions adds to its account's totals. mu is held.
func (v *view) share(account, name string) Totals {
	f := v.function(account, name)
	if f == nil {
		return Totals{}
	}
	t := Totals{Functions: 1, CodeBytes: f.Config.Code.Size}
	provisioned := 0
	if f.Lineage != "" {
		for _, ver := range v.versions[f.lineage()] {
			t.CodeBytes += ver.Config.Code.Size
			provisioned += ver.Provisioned
		}
	}
	if f.Reserved != nil {
		t.Reserved = *f.Reserved
	} else {
		t.Provisioned = provisioned
	}
	return t
}

// function returns a function, nil if there is none. mu is held.
func (v *view) function(account, name string) *Function {
	a := v.accounts[account]
	if a == nil {
		return nil
	}
	return a.functions[name]
}

// known is the sequence number of the latest known state of key, 0 if there is none. mu is held.
func (v *view) known(key recordKey) uint64 {
	if key.number == 0 {
		if f := v.function(key.account, key.name); f != nil {
			return f.Seq
		}
	} else if ver := v.versions[key.lineage()][key.number]; ver != nil {
		return ver.Seq
	}
	return v.deleted[key]
}

func (v *view) totals(account string) Totals {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if a := v.accounts[account]; a != nil {
		return a.totals
	}
	return Totals{}
}

// list returns up to limit of an account's functions in the order of their names, beginning at the name from.
func (v *view) list(account, from string, limit int) []*Function {
	v.mu.RLock()
	defer v.mu.RUnlock()
	a := v.accounts[account]
	if a == nil || limit <= 0 {
		return nil
	}
	list := make([]*Function, 0, min(limit, len(a.functions)))
	a.byName.AscendGreaterOrEqual(&Function{Config: lambda.Config{Name: from}}, func(f *Function) bool {
		list = append(list, f)
		return len(list) < limit
	})
	return list
}

func (v *view) all() []*Function {
	v.mu.RLock()
	accounts := slices.Sorted(maps.Keys(v.accounts))
	v.mu.RUnlock()
	var list []*Function
	for _, account := range accounts {
		list = append(list, v.list(account, "", math.MaxInt)...)
	}
	return list
}

// published returns a function's versions in ascending order, up to limit of those behind the number after.
func (v *view) published(account, name string, after, limit int) []*Version {
	v.mu.RLock()
	defer v.mu.RUnlock()
	f := v.function(account, name)
	if f == nil || f.Lineage == "" {
		return nil
	}
	numbers := v.versions[f.lineage()]
	list := make([]*Version, 0, min(limit, len(numbers)))
	for n := after + 1; n <= f.LastVersion && len(list) < limit; n++ {
		if ver := numbers[n]; ver != nil {
			list = append(list, ver)
		}
	}
	return list
}

// lineage returns the versions of that lineage, also if their function is gone.
func (v *view) lineage(of lineage) []*Version {
	if of.id == "" {
		return nil
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	return ascending(v.versions[of])
}

// allVersions returns the versions of all functions, and apart from them those whose function is gone.
func (v *view) allVersions() (live, orphans []*Version) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	for of, numbers := range v.versions {
		if f := v.function(of.account, of.name); f != nil && f.Lineage == of.id {
			live = append(live, ascending(numbers)...)
		} else {
			orphans = append(orphans, ascending(numbers)...)
		}
	}
	return live, orphans
}

func ascending(numbers map[int]*Version) []*Version {
	list := make([]*Version, 0, len(numbers))
	for _, n := range slices.Sorted(maps.Keys(numbers)) {
		list = append(list, numbers[n])
	}
	return list
}

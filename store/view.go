package store

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// view is all functions in memory. Two feed it: the watcher, which sees every write in the order of the sequence
// numbers, and whoever just had a write acknowledged, so that it reads its own write before the watcher brings it. For
// each key the highest sequence number wins.
type view struct {
	mu sync.RWMutex
	// accounts maps account to name to function. Guarded by mu; the functions are immutable.
	accounts map[string]map[string]*Function
	// watched is the sequence number up to which the watcher has seen everything. Guarded by mu.
	watched uint64
	// deleted holds the sequence numbers of deletions after watched: until the watcher is there, it may still bring
	// older states of these keys. Guarded by mu.
	deleted map[functionKey]uint64
}

type functionKey struct{ account, name string }

func newView() *view {
	return &view{accounts: map[string]map[string]*Function{}, deleted: map[functionKey]uint64{}}
}

func (v *view) get(account, name string) (*Function, bool) {
	v.mu.RLock()
	f, ok := v.accounts[account][name]
	v.mu.RUnlock()
	return f, ok
}

// wrote applies an acknowledged write of this process; f is nil for a deletion.
func (v *view) wrote(key functionKey, seq uint64, f *Function) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if seq <= v.watched || seq <= v.known(key) {
		return
	}
	v.set(key, f)
	if f == nil {
		v.deleted[key] = seq
	} else {
		delete(v.deleted, key)
	}
}

// watch applies what the watcher saw; f is nil for a deletion.
func (v *view) watch(key functionKey, seq uint64, f *Function) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.watched = max(v.watched, seq)
	if seq < v.known(key) {
		return
	}
	v.set(key, f)
	delete(v.deleted, key)
}

// set makes f, or nothing, the state of key. mu is held.
func (v *view) set(key functionKey, f *Function) {
	names := v.accounts[key.account]
	switch {
	case f == nil:
		delete(names, key.name)
		if len(names) == 0 {
			delete(v.accounts, key.account)
		}
	case names == nil:
		v.accounts[key.account] = map[string]*Function{key.name: f}
	default:
		names[key.name] = f
	}
}

// known is the sequence number of the latest known state of key, 0 if there is none. mu is held.
func (v *view) known(key functionKey) uint64 {
	if f, ok := v.accounts[key.account][key.name]; ok {
		return f.Seq
	}
	return v.deleted[key]
}

func (v *view) list(account string) []Function {
	v.mu.RLock()
	list := make([]Function, 0, len(v.accounts[account]))
	for _, f := range v.accounts[account] {
		list = append(list, *f)
	}
	v.mu.RUnlock()
	slices.SortFunc(list, func(a, b Function) int { return strings.Compare(a.Config.Name, b.Config.Name) })
	return list
}

func (v *view) all() []Function {
	v.mu.RLock()
	accounts := slices.Sorted(maps.Keys(v.accounts))
	v.mu.RUnlock()
	var list []Function
	for _, account := range accounts {
		list = append(list, v.list(account)...)
	}
	return list
}

// Package durabletest has doubles for tests of package durable and of what stands on it.
package durabletest

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
)

// ErrDied is returned by the Append of Journals that were killed. Match with errors.Is.
var ErrDied = errors.New("the store died")

// Journals are durable.Journals in memory, whose process can be killed. The methods may be called concurrently.
type Journals struct {
	mu        sync.Mutex
	summaries map[string][]byte
	entries   map[string][][]byte
	left      int  // how many appends succeed before the kill; -1: all
	half      bool // the first append after that is stored all the same
}

// New returns Journals without an entry.
func New() *Journals {
	return &Journals{summaries: map[string][]byte{}, entries: map[string][][]byte{}, left: -1}
}

// Kill has every append fail from the n-th from now on, counted from 1. half has that one be stored all the same: its answer is lost.
func (j *Journals) Kill(n int, half bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.left, j.half = n-1, half
}

// Revive has appends succeed again.
func (j *Journals) Revive() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.left = -1
}

// Killed reports whether an append failed since Kill.
func (j *Journals) Killed() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.left == -2
}

// Len is how many journals there are.
func (j *Journals) Len() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.entries)
}

// Recovered implements durable.Journals.
func (j *Journals) Recovered() map[string][]byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.summaries)
}

// Append implements durable.Journals.
func (j *Journals) Append(_ context.Context, id string, summary, entry []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	died := j.left == 0 || j.left == -2
	if died && (j.left == -2 || !j.half) {
		j.left = -2
		return ErrDied
	}
	j.summaries[id] = bytes.Clone(summary)
	j.entries[id] = append(j.entries[id], bytes.Clone(entry))
	if died {
		j.left = -2
		return ErrDied
	}
	if j.left > 0 {
		j.left--
	}
	return nil
}

// Read implements durable.Journals.
func (j *Journals) Read(_ context.Context, id string) ([][]byte, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.entries[id]) == 0 {
		return nil, errors.New("no such journal")
	}
	return slices.Clone(j.entries[id]), nil
}

// Remove implements durable.Journals.
func (j *Journals) Remove(_ context.Context, id string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.summaries, id)
	delete(j.entries, id)
	return nil
}

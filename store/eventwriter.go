package store

import (
	"context"
	"errors"
	"sync"
)

const (
	// groupBytes and groupRecords bound what is written together: enough to share a sync, little enough that one event
	// which stays long does not keep much on disk.
	groupBytes   = 256 << 10
	groupRecords = 256
)

var errClosed = errors.New("the store is closed")

// groupWriter writes records that come at the same time together. One goroutine, run, writes.
type groupWriter struct {
	publish func(records [][]byte) ([]EventKey, error)

	mu      sync.Mutex
	some    sync.Cond       // the queue is not empty, or closed; on mu
	waiting []*groupedWrite // guarded by mu
	closed  bool            // guarded by mu
}

type groupedWrite struct {
	record []byte
	key    EventKey
	err    error
	done   chan struct{} // closed when key and err are set
}

func newGroupWriter(publish func(records [][]byte) ([]EventKey, error)) *groupWriter {
	w := &groupWriter{publish: publish}
	w.some.L = &w.mu
	return w
}

// write returns when the record was published. If ctx ends first, it may still be.
func (w *groupWriter) write(ctx context.Context, record []byte) (EventKey, error) {
	g := &groupedWrite{record: record, done: make(chan struct{})}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return EventKey{}, errClosed
	}
	w.waiting = append(w.waiting, g)
	w.mu.Unlock()
	w.some.Signal()
	select {
	case <-g.done:
		return g.key, g.err
	case <-ctx.Done():
		return EventKey{}, context.Cause(ctx)
	}
}

// run writes until close, and then what was waiting.
func (w *groupWriter) run() {
	for {
		group := w.next()
		if len(group) == 0 {
			return
		}
		records := make([][]byte, len(group))
		for i, g := range group {
			records[i] = g.record
		}
		keys, err := w.publish(records)
		for i, g := range group {
			if g.err = err; err == nil {
				g.key = keys[i]
			}
			close(g.done)
		}
	}
}

// next waits for records and takes as many as go together; none after close.
func (w *groupWriter) next() []*groupedWrite {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.waiting) == 0 && !w.closed {
		w.some.Wait()
	}
	n, size := 0, 0
	for n < len(w.waiting) && n < groupRecords && (n == 0 || size+len(w.waiting[n].record) <= groupBytes) {
		size += len(w.waiting[n].record)
		n++
	}
	group := w.waiting[:n:n]
	w.waiting = w.waiting[n:]
	if len(w.waiting) == 0 {
		w.waiting = nil
	}
	return group
}

func (w *groupWriter) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.some.Broadcast()
}

package store

import (
	"slices"
	"sync"
	"time"
)

// watchBuffer is how many batches a LogWatch may be behind before it loses some.
const watchBuffer = 64

// LogWatch gets the events of some log groups as they are stored.
type LogWatch struct {
	// C has the events of one group at a time, sorted by time.
	C <-chan LogBatch

	c       chan LogBatch
	groups  []logGroup
	mu      sync.Mutex
	dropped int // guarded by mu
}

// LogBatch is events of one group. Their IDs are not set.
type LogBatch struct {
	Group  string
	Events []LogEvent
}

// Dropped returns how many events were lost since it was last called, because C was not read fast enough.
func (w *LogWatch) Dropped() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.dropped
	w.dropped = 0
	return n
}

// Watch begins a watch over groups of an account, which need not exist. Unwatch must be called.
func (l *Logs) Watch(account string, groups []string) *LogWatch {
	w := &LogWatch{c: make(chan LogBatch, watchBuffer)}
	w.C = w.c
	for _, name := range groups {
		w.groups = append(w.groups, logGroup{account, name})
	}
	l.watching.Lock()
	defer l.watching.Unlock()
	l.watches[w] = true
	return w
}

// Unwatch ends a watch.
func (l *Logs) Unwatch(w *LogWatch) {
	l.watching.Lock()
	defer l.watching.Unlock()
	delete(l.watches, w)
}

// tell gives stored events to those who watch their group. It does not wait for anybody.
func (l *Logs) tell(g logGroup, batch []batchEvent) {
	l.watching.RLock()
	defer l.watching.RUnlock()
	var events []LogEvent
	for w := range l.watches {
		if !slices.Contains(w.groups, g) {
			continue
		}
		if events == nil {
			now := time.Now()
			for _, e := range batch {
				events = append(events, LogEvent{Time: time.UnixMilli(e.Millis), Message: e.Message, Stream: e.Stream, Ingested: now})
			}
		}
		select {
		case w.c <- LogBatch{g.name, events}:
		default:
			w.mu.Lock()
			w.dropped += len(events)
			w.mu.Unlock()
		}
	}
}

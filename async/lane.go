package async

import (
	"container/heap"
	"time"

	"github.com/google/uuid"

	"thaw.dev/thaw/store"
)

// laneKey names a lane: the events of a function, or with a target its deliveries there.
type laneKey struct{ account, function, target string }

func keyOf(h *store.EventHead) laneKey { return laneKey{h.Account, h.Function, h.Target} }

// item is an event in memory.
type item struct {
	key       store.EventKey
	id        uuid.UUID
	accepted  int64 // ms
	next      int64 // ms; when it is due
	qualifier string
	progress  *store.Progress // nil: never tried
	lane      *lane
}

func newItem(h *store.EventHead) *item {
	it := &item{key: h.Key, id: parseID(h.ID), accepted: h.Accepted.UnixMilli(), qualifier: h.Qualifier}
	if h.Progress != (store.Progress{}) {
		it.setProgress(h.Progress)
	}
	return it
}

func (it *item) setProgress(p store.Progress) {
	it.progress, it.next = &p, 0
	if !p.Next.IsZero() {
		it.next = p.Next.UnixMilli()
	}
}

// been is the event's progress.
func (it *item) been() store.Progress {
	if it.progress == nil {
		return store.Progress{}
	}
	return *it.progress
}

// lane is the events of one function, or its deliveries to one target. Guarded by the queue's mu.
type lane struct {
	laneKey
	due         []*item // first in, first out, from head on
	head        int
	later       int // its events in the queue's later
	running     map[*item]struct{}
	undelivered []*item
	ending      int // events in none of these, whose outcome is being stored

	window    int       // how many tries may be under way, as far as experience tells
	growAfter time.Time // when the window may grow again
	ceiling   int       // how far it may grow
	ceilingTo time.Time
	listed    bool // it is in the queue's order
}

// firstWindow is how many tries of a lane may be under way before one of them has ended.
const firstWindow = 8

// maxWindow bounds the tries under way of one lane.
const maxWindow = 1000

// maxDeliveries bounds the deliveries of one lane under way: a target that hangs must not take all sockets.
const maxDeliveries = 16

// put adds an event to its lane. mu is held.
func (q *Queue) put(it *item, key laneKey) {
	l := q.lanes[key]
	if l == nil {
		l = &lane{laneKey: key, running: map[*item]struct{}{}, window: firstWindow, ceiling: maxWindow}
		q.lanes[key] = l
	}
	it.lane = l
	q.events++
	q.place(it)
}

// place puts an event of a lane where its progress says. mu is held.
func (q *Queue) place(it *item) {
	l := it.lane
	switch {
	case it.progress != nil && it.progress.Undelivered:
		l.undelivered = append(l.undelivered, it)
	case it.next > time.Now().UnixMilli():
		l.later++
		heap.Push(&q.later, it)
	default:
		l.push(it)
		q.list(l)
	}
}

// list gives a lane its turn. mu is held.
func (q *Queue) list(l *lane) {
	if !l.listed {
		l.listed = true
		q.order = append(q.order, l)
	}
}

// forget removes an event that was released from the counts, and its lane if it was the last. mu is held.
func (q *Queue) forget(it *item) {
	q.events--
	l := it.lane
	if l.ending--; l.size() == 0 {
		delete(q.lanes, l.laneKey)
	}
}

func (l *lane) push(it *item) { l.due = append(l.due, it) }

func (l *lane) pop() *item {
	it := l.due[l.head]
	l.due[l.head] = nil
	if l.head++; l.head == len(l.due) {
		l.due, l.head = nil, 0
	} else if l.head > 1024 && l.head > len(l.due)/2 {
		l.due, l.head = append([]*item(nil), l.due[l.head:]...), 0
	}
	return it
}

func (l *lane) waiting() int { return len(l.due) - l.head }

func (l *lane) size() int {
	return l.waiting() + l.later + len(l.running) + len(l.undelivered) + l.ending
}

// succeeded lets the window grow if it was used.
func (l *lane) succeeded(now time.Time) {
	if now.After(l.ceilingTo) {
		l.ceiling = maxWindow
	}
	if len(l.running) >= l.window/2 && l.window < l.ceiling && now.After(l.growAfter) {
		l.window++
	}
}

// pauseAfterRefusal is how long a window does not grow after it shrank, and ceilingAfterRefusal how long it stays below what
// was too much: the room between is for others.
const (
	pauseAfterRefusal   = 2 * time.Second
	ceilingAfterRefusal = 30 * time.Second
)

// shrink makes the window smaller than what is under way.
func (l *lane) shrink(now time.Time) {
	if n := len(l.running); now.After(l.ceilingTo) || n*7/8 < l.ceiling {
		l.ceiling, l.ceilingTo = max(1, n*7/8), now.Add(ceilingAfterRefusal)
	}
	l.window = max(1, min(l.window, len(l.running)*3/4))
	l.growAfter = now.Add(pauseAfterRefusal)
}

// byTime is a heap of events, the one that is due first at its top.
type byTime []*item

func (h byTime) Len() int           { return len(h) }
func (h byTime) Less(i, j int) bool { return h[i].next < h[j].next }
func (h byTime) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byTime) Push(x any)        { *h = append(*h, x.(*item)) }
func (h *byTime) Pop() any {
	old := *h
	last := len(old) - 1
	it := old[last]
	old[last] = nil
	*h = old[:last]
	return it
}

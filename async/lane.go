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

	before, after *item // in the order in which the lane got them
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

	first, last *item  // all of them, in the order in which they came
	attempts    int    // of the event whose try failed last
	lastError   string // why

	growth growth // how many tries may be under way, as far as experience tells
	listed bool   // it is in the queue's order
}

// maxDeliveries bounds the deliveries of one lane under way: a target that hangs must not take all sockets.
const maxDeliveries = 16

// put adds an event to its lane. mu is held.
func (q *Queue) put(it *item, key laneKey) {
	l := q.lanes[key]
	if l == nil {
		l = &lane{laneKey: key, running: map[*item]struct{}{}, growth: q.grown.recall(key)}
		q.lanes[key] = l
	}
	it.lane = l
	l.append(it)
	q.events++
	q.place(it)
}

// append makes an event the last of its lane.
func (l *lane) append(it *item) {
	it.before = l.last
	if l.last == nil {
		l.first = it
	} else {
		l.last.after = it
	}
	l.last = it
}

// remove undoes append.
func (l *lane) remove(it *item) {
	if it.before == nil {
		l.first = it.after
	} else {
		it.before.after = it.after
	}
	if it.after == nil {
		l.last = it.before
	} else {
		it.after.before = it.before
	}
	it.before, it.after = nil, nil
}

// place puts an event of a lane where its progress says. mu is held.
func (q *Queue) place(it *item) {
	l := it.lane
	if p := it.progress; p != nil && p.LastError != "" {
		l.attempts, l.lastError = p.Attempts+p.Refusals, p.LastError
	}
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
	l.remove(it)
	if l.ending--; l.size() == 0 {
		delete(q.lanes, l.laneKey)
		q.grown.keep(l)
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

// experience is what lanes that are gone had learned: a function whose events come one by one has a new lane all the time.
type experience map[laneKey]growth

// maxExperience bounds how many lanes are remembered.
const maxExperience = 4096

func (x experience) keep(l *lane) {
	if l.target != "" {
		return
	}
	if len(x) >= maxExperience {
		clear(x)
	}
	l.growth.unlimited()
	x[l.laneKey] = l.growth
}

func (x experience) recall(key laneKey) growth {
	if g, ok := x[key]; ok {
		delete(x, key)
		return g
	}
	return newGrowth()
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

package async

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
	"time"

	"thaw.dev/thaw/store"
)

// Depth is how many events of one lane there are, and how old the oldest is.
type Depth struct {
	Account     string    `json:"account"`
	Function    string    `json:"function"`
	Target      string    `json:"target,omitempty"`     // of deliveries; "" for invocations
	Due         int       `json:"due"`                  // wait for their turn
	Later       int       `json:"later"`                // wait for the time of their next try
	Running     int       `json:"running"`              // are being tried
	Undelivered int       `json:"undelivered"`          // are tried no more
	Window      int       `json:"window,omitempty"`     // how many may be tried at once, as far as experience tells; 0 for deliveries
	Oldest      time.Time `json:"oldest"`               // when the one was accepted that came first
	Attempts    int       `json:"attempts,omitempty"`   // of the event whose try failed last
	LastError   string    `json:"last_error,omitempty"` // of that try
}

// events is how many there are.
func (d *Depth) events() int { return d.Due + d.Later + d.Running + d.Undelivered }

// Entry is one event, without what is in it.
type Entry struct {
	RequestID string    `json:"request_id"`
	Account   string    `json:"account"`
	Function  string    `json:"function"`
	Qualifier string    `json:"qualifier,omitempty"`
	Target    string    `json:"target,omitempty"`
	State     string    `json:"state"` // due, later, running or undelivered
	Accepted  time.Time `json:"accepted"`
	Next      time.Time `json:"next,omitzero"`
	Attempts  int       `json:"attempts"`
	Refusals  int       `json:"refusals"`
	LastError string    `json:"last_error,omitempty"`
}

// Selection says which events are meant. Empty members mean any.
type Selection struct {
	Account, Function, RequestID string
	// UndeliveredOnly leaves out events that are still tried.
	UndeliveredOnly bool
}

func (s *Selection) has(it *item) bool {
	return (s.Account == "" || s.Account == it.lane.account) && (s.Function == "" || s.Function == it.lane.function) &&
		(s.RequestID == "" || s.RequestID == it.id.String())
}

// each calls f with every event that is in a list, and the name of its state. mu is held.
func (q *Queue) each(f func(it *item, state string)) {
	for _, l := range q.lanes {
		for _, it := range l.due[l.head:] {
			f(it, "due")
		}
		for it := range l.running {
			f(it, "running")
		}
		for _, it := range l.undelivered {
			f(it, "undelivered")
		}
	}
	for _, it := range q.later {
		f(it, "later")
	}
}

// Depths returns the lanes that have an event, by account, function and target.
func (q *Queue) Depths() []Depth {
	q.mu.Lock()
	list := make([]Depth, 0, len(q.lanes))
	for _, l := range q.lanes {
		if l.size() == l.ending {
			continue
		}
		d := Depth{
			Account: l.account, Function: l.function, Target: l.target, Due: l.waiting(), Later: l.later, Running: len(l.running),
			Undelivered: len(l.undelivered), Oldest: time.UnixMilli(l.first.accepted).UTC(), Attempts: l.attempts, LastError: l.lastError,
		}
		if l.target == "" {
			d.Window = l.growth.window
		}
		list = append(list, d)
	}
	q.mu.Unlock()
	slices.SortFunc(list, func(a, b Depth) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Function, b.Function), cmp.Compare(a.Target, b.Target))
	})
	return list
}

// Summary is the whole queue in short.
type Summary struct {
	Due         int       `json:"due"`
	Later       int       `json:"later"`
	Running     int       `json:"running"`
	Undelivered int       `json:"undelivered"`
	Oldest      time.Time `json:"oldest,omitzero"` // the oldest of any lane; zero: there is no event
	Lanes       []Depth   `json:"lanes"`           // the longest
	Totals      Totals    `json:"totals"`
}

// Summary counts what there is, and returns so many lanes with the most events, those first.
func (q *Queue) Summary(lanes int) Summary {
	s := Summary{Lanes: q.Depths(), Totals: q.Totals()}
	for i := range s.Lanes {
		d := &s.Lanes[i]
		s.Due += d.Due
		s.Later += d.Later
		s.Running += d.Running
		s.Undelivered += d.Undelivered
		if s.Oldest.IsZero() || d.Oldest.Before(s.Oldest) {
			s.Oldest = d.Oldest
		}
	}
	slices.SortStableFunc(s.Lanes, func(a, b Depth) int { return cmp.Compare(b.events(), a.events()) })
	s.Lanes = s.Lanes[:min(lanes, len(s.Lanes))]
	return s
}

// Entries returns up to limit of the selected events, the oldest first.
func (q *Queue) Entries(s Selection, limit int) []Entry {
	var list []Entry
	q.mu.Lock()
	q.each(func(it *item, state string) {
		if !s.has(it) || s.UndeliveredOnly && state != "undelivered" {
			return
		}
		p := it.been()
		list = append(list, Entry{
			RequestID: it.id.String(), Account: it.lane.account, Function: it.lane.function, Qualifier: it.qualifier,
			Target: it.lane.target, State: state, Accepted: time.UnixMilli(it.accepted).UTC(), Next: p.Next,
			Attempts: p.Attempts, Refusals: p.Refusals, LastError: p.LastError,
		})
	})
	q.mu.Unlock()
	slices.SortStableFunc(list, func(a, b Entry) int {
		return cmp.Or(a.Accepted.Compare(b.Accepted), cmp.Compare(a.RequestID, b.RequestID), cmp.Compare(a.Target, b.Target))
	})
	return list[:min(len(list), limit)]
}

// Redrive has the selected events tried at once: undelivered ones from anew, others that wait for their time without further
// delay. It returns how many there were.
func (q *Queue) Redrive(s Selection) int {
	q.mu.Lock()
	items := q.take(func(it *item) bool {
		undelivered := it.progress != nil && it.progress.Undelivered
		return s.has(it) && (undelivered || !s.UndeliveredOnly && it.next > time.Now().UnixMilli())
	})
	for _, it := range items {
		p := it.been()
		if p.Undelivered {
			p = store.Progress{Since: time.Now().UTC().Truncate(time.Millisecond), LastError: p.LastError}
		}
		p.Next = time.Time{}
		it.setProgress(p)
		q.place(it)
	}
	q.mu.Unlock()
	q.signal()
	return len(items)
}

// Purge removes the selected events for good, but for those that are being tried. It returns how many there were. After an
// error some may be left.
func (q *Queue) Purge(ctx context.Context, s Selection) (n int, err error) {
	q.mu.Lock()
	items := q.take(func(it *item) bool {
		return s.has(it) && (!s.UndeliveredOnly || it.progress != nil && it.progress.Undelivered)
	})
	for _, it := range items {
		it.lane.ending++
	}
	q.mu.Unlock()
	for i, it := range items {
		if err = q.store.Mark(ctx, store.Mark{Key: it.key, Finished: true}); err != nil {
			q.mu.Lock()
			for _, left := range items[i:] {
				left.lane.ending--
				q.place(left)
			}
			q.mu.Unlock()
			q.signal()
			return i, err
		}
		q.done(it)
	}
	return len(items), nil
}

// take removes the events that choose picks from the lists of those that are not running. mu is held.
func (q *Queue) take(choose func(*item) bool) (taken []*item) {
	pick := func(it *item) bool {
		if !choose(it) {
			return false
		}
		taken = append(taken, it)
		return true
	}
	for _, l := range q.lanes {
		l.due, l.head = slices.DeleteFunc(l.due[l.head:], pick), 0
		l.undelivered = slices.DeleteFunc(l.undelivered, pick)
	}
	q.later = slices.DeleteFunc(q.later, func(it *item) bool {
		if !pick(it) {
			return false
		}
		it.lane.later--
		return true
	})
	heap.Init(&q.later)
	return taken
}

package async

import (
	"container/heap"
	"time"

	"thaw.dev/thaw/lambda"
)

// dispatch starts tries until the queue is stopped. It looks when something changed and when an event becomes due.
func (q *Queue) dispatch() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		q.mu.Lock()
		next := q.becomeDue(time.Now().UnixMilli())
		again := q.start()
		q.mu.Unlock()
		wait := time.Hour
		if next != 0 {
			wait = max(0, time.Until(time.UnixMilli(next)))
		}
		if !again.IsZero() {
			wait = max(0, min(wait, time.Until(again)))
		}
		timer.Reset(wait)
		select {
		case <-q.wake:
		case <-timer.C:
		case <-q.ctx.Done():
			return
		}
	}
}

// becomeDue moves events whose time has come. It returns when that of the next one comes, 0 if there is none. mu is held.
func (q *Queue) becomeDue(now int64) (next int64) {
	for len(q.later) > 0 {
		if next := q.later[0].next; next > now {
			return next
		}
		it := heap.Pop(&q.later).(*item)
		it.lane.later--
		it.lane.push(it)
		q.list(it.lane)
	}
	return 0
}

// start lets the lanes take turns, one event each, until none may start another. It returns when to call it again although
// nothing happened, zero if never. mu is held.
func (q *Queue) start() (again time.Time) {
	now := time.Now()
	for started := true; started && !q.stopped; {
		started = false
		order := q.order
		q.order = order[:0]
		for _, l := range order {
			if l.waiting() == 0 {
				l.growth.unlimited()
				l.listed = false
				continue
			}
			q.order = append(q.order, l)
			may, at := q.mayStart(l, now)
			if again = soonest(again, at); !may {
				continue
			}
			started = true
			it := l.pop()
			l.running[it] = struct{}{}
			if l.target == "" {
				q.running[l.account]++
			}
			q.wg.Go(func() { q.try(it) })
		}
	}
	return again
}

// soonest is the earlier of two times, of which zero is none.
func soonest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// mayStart reports whether a lane may have one more try under way, and when to ask again although nothing happened, zero if
// never. mu is held.
func (q *Queue) mayStart(l *lane, now time.Time) (may bool, again time.Time) {
	n := len(l.running)
	switch {
	case l.target != "":
		return n < maxDeliveries, again
	case !q.shares(l):
		l.growth.unlimited()
		return false, again
	case n >= l.growth.window:
		again = l.growth.limited(now, l.waiting(), q.work, func() int { return q.environments(l.account, l.function) })
	}
	return n < l.growth.window, again
}

// shares reports whether a lane may have one more try under way of the account's concurrency. mu is held.
//
// A function without a reservation leaves a quarter of the account's unreserved concurrency to others, unless it has less
// than its fair share of it, as if there were one function more: callers that wait for their answer, and the first event of another function, find room.
func (q *Queue) shares(l *lane) bool {
	n := len(l.running)
	rules, err := q.functions.EventRules(l.account, l.function, "")
	switch {
	case err != nil: // the function is gone: its events are dropped
		return true
	case rules.Share.Reserved == lambda.NoReservation:
		all := rules.Share.Unreserved
		return n < max(1, all/(len(q.order)+1)) || q.running[l.account] < all*3/4
	case rules.Share.Reserved == 0: // no try will run
		return true
	}
	return n < rules.Share.Reserved
}

// ended takes a try's event out of its lane's running ones. mu is held.
func (q *Queue) ended(it *item) {
	l := it.lane
	delete(l.running, it)
	if l.target == "" {
		if q.running[l.account]--; q.running[l.account] == 0 {
			delete(q.running, l.account)
		}
	}
}

// refused makes a lane smaller that found no room. If the room is everybody's, lanes that use more of it leave some, too,
// unless they are about to: more of their tries are under way than their window allows. mu is held.
func (q *Queue) refused(l *lane, everybodys bool) {
	now := time.Now()
	l.growth.refused(now, len(l.running))
	if !everybodys {
		return
	}
	for _, other := range q.lanes {
		if n := len(other.running); other.target == "" && n > len(l.running) && n <= other.growth.window {
			other.growth.refused(now, n)
		}
	}
}

package control

import (
	"context"
	"sync"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// key names a function or a published version.
type key struct {
	account, name string
	version       string // "" for the function itself
}

func keyOf(c *lambda.Config) key { return key{c.Account, c.Name, ""} }

func versionKey(v *store.Version) key { return key{v.Config.Account, v.Config.Name, v.Config.Version} }

// queue holds the functions and versions that wait for a worker, each at most once, oldest first. Its size is bounded by
// their number. One that is added while a worker has it is given out again afterwards.
type queue struct {
	mu      sync.Mutex
	wake    *sync.Cond
	waiting []key
	jobs    map[key]*job // waiting or running
	closed  bool
}

type job struct {
	again bool               // added once more while running
	stop  context.CancelFunc // nil while waiting
}

func newQueue() *queue {
	q := &queue{jobs: make(map[key]*job)}
	q.wake = sync.NewCond(&q.mu)
	return q
}

// add has k worked on, now or once more.
func (q *queue) add(k key) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if j := q.jobs[k]; j != nil {
		j.again = j.stop != nil
		return
	}
	q.jobs[k] = &job{}
	q.waiting = append(q.waiting, k)
	q.wake.Signal()
}

// next blocks for something to work on; its context ends with parent or by cancel. false after close. The caller
// calls done when it is finished with it.
func (q *queue) next(parent context.Context) (key, context.Context, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && !q.closed {
		q.wake.Wait()
	}
	if q.closed {
		return key{}, nil, false
	}
	k := q.waiting[0]
	q.waiting = q.waiting[1:]
	ctx, stop := context.WithCancel(parent)
	q.jobs[k].stop = stop
	return k, ctx, true
}

// done ends the work on k that next gave out.
func (q *queue) done(k key) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j := q.jobs[k]
	j.stop()
	if !j.again {
		delete(q.jobs, k)
		return
	}
	j.again, j.stop = false, nil
	q.waiting = append(q.waiting, k)
	q.wake.Signal()
}

// cancel stops the work on k if a worker has it.
func (q *queue) cancel(k key) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if j := q.jobs[k]; j != nil && j.stop != nil {
		j.stop()
	}
}

// close wakes all workers for good.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake.Broadcast()
}

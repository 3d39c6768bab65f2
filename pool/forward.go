package pool

import (
	"sync"
	"time"

	"thaw.dev/thaw/link"
	"thaw.dev/thaw/telemetry"
)

// maxForward bounds what waits to be brought to the subscribers in one sandbox, in bytes.
const maxForward = 2 << 20

// flushTimeout bounds how long an environment waits for its subscribers before it is frozen or ended.
const flushTimeout = 100 * time.Millisecond

// forwarder brings telemetry into one sandbox, in the background: nobody waits for subscribers. Without subscribers it
// does nothing. Its methods may be called concurrently.
type forwarder struct {
	session func() *link.Session
	work    sync.WaitGroup // run

	mu      sync.Mutex
	queue   []forwarded
	bytes   int
	running bool
	broken  bool // the sandbox takes nothing any more
	dropped telemetry.LogsDropped
	missed  map[int]bool // who missed something
}

// forwarded is an event on its way, or a wish to hear when all before it arrived.
type forwarded struct {
	to    []int
	event []byte
	done  chan struct{}
}

// Forward implements telemetry.Forwarder.
func (f *forwarder) Forward(to []int, event []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bytes+len(event) > maxForward {
		f.dropped.Records++
		f.dropped.Bytes += len(event)
		if f.missed == nil {
			f.missed = map[int]bool{}
		}
		for _, id := range to {
			f.missed[id] = true
		}
		return
	}
	f.add(forwarded{to: to, event: event})
}

// add needs mu.
func (f *forwarder) add(item forwarded) {
	if f.broken {
		if item.done != nil {
			close(item.done)
		}
		return
	}
	f.queue, f.bytes = append(f.queue, item), f.bytes+len(item.event)
	if !f.running {
		f.running = true
		f.work.Go(f.run) // ends when nothing waits, or the session is closed
	}
}

func (f *forwarder) run() {
	for {
		item, ok := f.next()
		if !ok {
			return
		}
		var err error
		if item.done != nil {
			_ = f.session().Flush(time.Now().Add(flushTimeout)) // slow subscribers get the rest after the next thaw
			close(item.done)
		} else {
			err = f.session().Forward(item.to, item.event)
		}
		if err != nil {
			f.fail()
		}
	}
}

// next takes the oldest item, false if there is none.
func (f *forwarder) next() (forwarded, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) == 0 {
		f.running, f.queue = false, nil
		return forwarded{}, false
	}
	item := f.queue[0]
	f.queue, f.bytes = f.queue[1:], f.bytes-len(item.event)
	if f.dropped.Records > 0 && len(f.queue) == 0 {
		f.dropped.Reason = "The execution environment did not take them in time"
		event := telemetry.Encode(time.Now(), f.dropped)
		f.queue, f.bytes = append(f.queue, forwarded{to: keys(f.missed), event: event}), len(event)
		f.dropped, f.missed = telemetry.LogsDropped{}, nil
	}
	return item, true
}

func keys(m map[int]bool) []int {
	var all []int
	for id := range m {
		all = append(all, id)
	}
	return all
}

// fail gives everything up: the session is of no use.
func (f *forwarder) fail() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = true
	for _, item := range f.queue {
		if item.done != nil {
			close(item.done)
		}
	}
	f.queue, f.bytes = nil, 0
}

// flush returns when what was forwarded so far has arrived at the subscribers, or takes too long.
func (f *forwarder) flush() {
	done := make(chan struct{})
	f.mu.Lock()
	f.add(forwarded{done: done})
	f.mu.Unlock()
	timer := time.NewTimer(flushTimeout)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

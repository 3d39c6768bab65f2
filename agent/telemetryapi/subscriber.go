package telemetryapi

import (
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// maxQueued bounds what waits for a subscriber beyond its maxBytes, in bytes.
const maxQueued = 2 << 20

// subscriber is an extension that subscribed, and what waits for it.
type subscriber struct {
	id   int
	name string
	out  sender

	mu       sync.Mutex
	changed  sync.Cond // of everything below
	sub      *subscription
	queue    [][]byte
	bytes    int
	first    time.Time // when the oldest in queue came
	urgent   bool      // what is queued is to go at once
	busy     bool      // something is being delivered
	dropped  int
	lost     int // bytes of those
	isClosed bool
}

func newSubscriber(id int, name string) *subscriber {
	s := &subscriber{id: id, name: name}
	s.changed.L = &s.mu
	return s
}

// asked is the subscription in force, nil if there is none.
func (s *subscriber) asked() *subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sub
}

// ask makes sub the subscription in force.
func (s *subscriber) ask(sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sub = sub
	s.changed.Broadcast()
}

func (s *subscriber) add(event []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sub == nil || s.bytes+len(event) > s.sub.maxBytes+maxQueued {
		s.drop(1, len(event))
		return
	}
	if len(s.queue) == 0 {
		s.first = time.Now()
	}
	s.queue, s.bytes = append(s.queue, event), s.bytes+len(event)
	s.changed.Broadcast()
}

// drop needs mu.
func (s *subscriber) drop(records, bytes int) {
	s.dropped += records
	s.lost += bytes
}

// flush returns when nothing waits any more of what was there.
func (s *subscriber) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.urgent = len(s.queue) > 0
	s.changed.Broadcast()
	for (s.busy || s.urgent) && !s.isClosed {
		s.changed.Wait()
	}
}

func (s *subscriber) close() {
	s.mu.Lock()
	s.isClosed = true
	s.changed.Broadcast()
	s.mu.Unlock()
	s.out.close() // ends a delivery
}

// run delivers until close.
func (s *subscriber) run() {
	var timer *time.Timer // wakes the wait when the oldest event is old enough
	timer = time.AfterFunc(time.Hour, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed.Broadcast()
	})
	defer timer.Stop()
	for {
		batch, sub := s.take(timer)
		if batch == nil {
			return
		}
		ok := s.out.send(&sub.to, batch)
		s.mu.Lock()
		s.busy = false
		if !ok {
			size := 0
			for _, event := range batch {
				size += len(event)
			}
			s.drop(len(batch), size)
		}
		s.changed.Broadcast()
		s.mu.Unlock()
	}
}

// take waits until a batch is due and returns it, nil after close.
func (s *subscriber) take(timer *time.Timer) ([][]byte, *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.isClosed {
		if s.sub != nil && len(s.queue) > 0 {
			wait := time.Until(s.first.Add(s.sub.timeout))
			if wait <= 0 || s.urgent || len(s.queue) >= s.sub.maxItems || s.bytes >= s.sub.maxBytes {
				return s.cut(), s.sub
			}
			timer.Reset(wait)
		}
		s.changed.Wait()
	}
	return nil, nil
}

// cut needs mu. It takes as much from the queue as may go at once.
func (s *subscriber) cut() [][]byte {
	n, size := 0, 0
	for n < len(s.queue) && n < s.sub.maxItems && (n == 0 || size+len(s.queue[n]) <= s.sub.maxBytes) {
		size += len(s.queue[n])
		n++
	}
	batch := slices.Clone(s.queue[:n])
	s.queue, s.bytes = slices.Delete(s.queue, 0, n), s.bytes-size
	s.busy = true
	if len(s.queue) == 0 {
		s.urgent = false
	}
	if s.dropped > 0 && slices.Contains(s.sub.types, "platform") {
		batch = append([][]byte{dropped(s.dropped, s.lost)}, batch...)
	}
	s.dropped, s.lost = 0, 0
	return batch
}

// dropped is the event platform.logsDropped.
func dropped(records, bytes int) []byte {
	type record struct {
		Records int    `json:"droppedRecords"`
		Bytes   int    `json:"droppedBytes"`
		Reason  string `json:"reason"`
	}
	b, _ := json.Marshal(struct { // numbers and strings always encode
		Time   string `json:"time"`
		Type   string `json:"type"`
		Record record `json:"record"`
	}{
		time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "platform.logsDropped",
		record{records, bytes, "The extension did not take them in time"},
	})
	return b
}

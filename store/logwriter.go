package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

const (
	// flushAfter is how long an event waits for company before it is written.
	flushAfter = 100 * time.Millisecond
	// flushBytes is how much of queued text is written without waiting.
	flushBytes = 64 << 10
	// maxQueueBytes bounds the text that is queued or being written. What comes beyond is dropped and counted.
	maxQueueBytes = 8 << 20
	// eventOverhead is what an event costs in the queue beyond its text, in bytes.
	eventOverhead = 100
	// maxMessageBytes bounds the text of one event; longer ones become several events.
	// Source: CloudWatch Logs quotas, "Event size" (256 KB; raised to 1 MB in 2025).
	maxMessageBytes = 256 << 10
	// maxBatchBytes bounds the text in one message of the stream. JSON escapes make it at most six times as long,
	// which still fits maxPayloadBytes.
	maxBatchBytes = 512 << 10
	// closeTimeout bounds the last write.
	closeTimeout = 5 * time.Second
)

// pendingLogs is the part of the queue that belongs to one group.
type pendingLogs struct {
	events  []batchEvent
	bytes   int            // of events, as counted by cost
	dropped map[string]int // how many events of each stream found no room; nil if none
}

func cost(e batchEvent) int { return len(e.Message) + len(e.Stream) + eventOverhead }

// Append queues events of one log stream and returns at once, without any I/O. A zero Time, or one that is yet to
// come, counts as now. Messages over 256 KiB become several events. When the queue is full, events are dropped, and a
// record in the same stream tells how many.
func (l *Logs) Append(account, group, stream string, events []LogEvent) {
	if len(events) == 0 {
		return
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	p := l.pending(logGroup{account, group})
	for _, e := range events {
		if e.Time.IsZero() || e.Time.After(now) {
			e.Time = now
		}
		for rest, more := e.Message, true; more; {
			var part string
			part, rest = splitMessage(rest)
			more = rest != ""
			l.enqueue(p, batchEvent{Stream: stream, Millis: e.Time.UnixMilli(), Message: part})
		}
	}
	signal(l.some)
	if l.queued >= flushBytes {
		signal(l.plenty)
	}
}

// pending returns the queue of a group. mu is held.
func (l *Logs) pending(g logGroup) *pendingLogs {
	p := l.queue[g]
	if p == nil {
		p = &pendingLogs{}
		l.queue[g] = p
	}
	return p
}

// enqueue adds e to p, or counts it as dropped. mu is held.
func (l *Logs) enqueue(p *pendingLogs, e batchEvent) {
	n := cost(e)
	if l.queued+n > maxQueueBytes {
		l.drop(p, e.Stream, 1)
		return
	}
	p.events = append(p.events, e)
	p.bytes += n
	l.queued += n
}

// drop counts events that were lost. mu is held.
func (l *Logs) drop(p *pendingLogs, stream string, n int) {
	if p.dropped == nil {
		p.dropped = map[string]int{}
	}
	p.dropped[stream] += n
}

// splitMessage cuts s after maxMessageBytes, or a little before, so as not to cut a character.
func splitMessage(s string) (part, rest string) {
	if len(s) <= maxMessageBytes {
		return s, ""
	}
	at := maxMessageBytes
	for i := 1; i < utf8.UTFMax; i++ {
		if utf8.RuneStart(s[at]) {
			break
		}
		at--
	}
	return s[:at], s[at:]
}

// signal puts a token into c unless one is there.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Flush returns when everything appended before was written, or with the error that kept some of it from being so.
func (l *Logs) Flush(ctx context.Context) error {
	result := make(chan error, 1)
	select {
	case l.flushes <- result:
	case <-l.done:
		return errors.New("flush logs: the store is closed")
	case <-ctx.Done():
		return fmt.Errorf("flush logs: %w", context.Cause(ctx))
	}
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return fmt.Errorf("flush logs: %w", context.Cause(ctx))
	}
}

// run is the writer: the one goroutine that takes events out of the queue.
func (l *Logs) run() {
	defer close(l.done)
	timer := time.NewTimer(flushAfter)
	defer timer.Stop()
	for {
		select {
		case <-l.some:
			timer.Reset(flushAfter)
			select {
			case <-timer.C:
			case <-l.plenty:
			case result := <-l.flushes:
				result <- l.write(context.Background())
				continue
			case <-l.stop:
				l.writeLast()
				return
			}
			_ = l.write(context.Background()) // it reported what went wrong
		case <-l.plenty: // came while the batch before was written
			_ = l.write(context.Background())
		case result := <-l.flushes:
			result <- l.write(context.Background())
		case <-l.stop:
			l.writeLast()
			return
		}
	}
}

func (l *Logs) writeLast() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = l.write(ctx) // it reported what went wrong
}

// write stores everything that is queued. What it cannot store is dropped, counted, and reported once.
func (l *Logs) write(ctx context.Context) error {
	l.mu.Lock()
	queue := l.queue
	l.queue = make(map[logGroup]*pendingLogs, len(queue))
	l.mu.Unlock()

	var errs []error
	lost := 0
	for group, p := range queue {
		for stream, n := range p.dropped {
			l.log.Warn("function logs dropped", "group", group.name, "stream", stream, "events", n)
		}
		for _, batch := range p.batches(time.Now()) {
			err := l.publish(ctx, group, batch)
			if err == nil {
				l.ensureGroup(ctx, group)
				l.tell(group, batch)
				continue
			}
			errs = append(errs, err)
			lost += len(batch)
			l.mu.Lock()
			for _, e := range batch {
				l.drop(l.pending(group), e.Stream, max(1, e.lost))
			}
			l.mu.Unlock()
		}
		l.mu.Lock()
		l.queued -= p.bytes
		l.mu.Unlock()
	}
	if errs == nil {
		return nil
	}
	err := fmt.Errorf("write logs: %w", errs[0])
	l.log.Error("function logs lost", "events", lost, "err", err)
	return err
}

func (l *Logs) publish(ctx context.Context, group logGroup, batch []batchEvent) error {
	data, err := encodeBatch(batch)
	if err != nil {
		return err
	}
	_, err = l.js.Publish(ctx, group.subject(), data)
	return err
}

// batches cuts what is pending into messages of the stream, by time, with a record for each stream that lost events.
func (p *pendingLogs) batches(now time.Time) [][]batchEvent {
	for stream, n := range p.dropped {
		p.events = append(p.events, batchEvent{stream, now.UnixMilli(), fmt.Sprintf(
			"[thaw] %d log events were dropped here: they came faster than they could be stored", n), n})
	}
	slices.SortStableFunc(p.events, func(a, b batchEvent) int {
		if a.Millis != b.Millis {
			return int(a.Millis - b.Millis)
		}
		return 0
	})
	var batches [][]batchEvent
	start, size := 0, 0
	for i, e := range p.events {
		if size += cost(e); size > maxBatchBytes && i > start {
			batches = append(batches, p.events[start:i])
			start, size = i, cost(e)
		}
	}
	if start < len(p.events) {
		batches = append(batches, p.events[start:])
	}
	return batches
}

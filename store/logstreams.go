package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// LogStream is a log stream and what is known of its events.
type LogStream struct {
	Name string
	// Created is when somebody created it, or else when its first event happened.
	Created time.Time
	// First and Last are the times of its oldest and newest event, Ingested is when the newest was stored; zero if it has
	// none.
	First, Last, Ingested time.Time
}

// streamRecord is what is stored about a stream: only streams that somebody created or deleted have one, the others are
// known by their events.
type streamRecord struct {
	Created time.Time `json:"created"`
	// Deleted says that the stream exists only if it has events behind HiddenTo.
	Deleted bool `json:"deleted,omitempty"`
	// HiddenTo is the sequence number up to which its events are deleted. They stay on disk as long as those of other
	// streams that were stored together with them.
	HiddenTo uint64 `json:"hidden_to,omitempty"`
}

func streamID(group, stream string) string { return group + ":" + stream } // no group's name has a colon

func (l *Logs) streamRecord(g logGroup, stream string) Item[streamRecord] {
	item, ok := l.streams.Get(g.account, streamID(g.name, stream))
	if !ok {
		return Item[streamRecord]{Account: g.account, ID: streamID(g.name, stream)}
	}
	return item
}

// streamRecords returns the records of a group's streams.
func (l *Logs) streamRecords(g logGroup) []Item[streamRecord] {
	return slices.DeleteFunc(l.streams.List(g.account), func(i Item[streamRecord]) bool {
		return !strings.HasPrefix(i.ID, g.name+":")
	})
}

// hidden returns up to where the events of a group's streams are deleted, by the streams' names.
func (l *Logs) hidden(g logGroup) map[string]uint64 {
	var to map[string]uint64
	for _, s := range l.streamRecords(g) {
		if s.Value.HiddenTo > 0 {
			if to == nil {
				to = map[string]uint64{}
			}
			to[strings.TrimPrefix(s.ID, g.name+":")] = s.Value.HiddenTo
		}
	}
	return to
}

// Streams returns a group's log streams, sorted by name. Errors: ErrNoLogGroup.
func (l *Logs) Streams(ctx context.Context, account, group string) ([]LogStream, error) {
	_ = l.Flush(ctx) // what could not be written was reported by the writer
	g := logGroup{account, group}
	list, err := l.streamsOf(ctx, g)
	if err != nil {
		return nil, fmt.Errorf("log streams of %s: %w", group, err)
	}
	return list, nil
}

func (l *Logs) streamsOf(ctx context.Context, g logGroup) ([]LogStream, error) {
	item, err := l.groupItem(ctx, g.account, g.name)
	if err != nil {
		return nil, err
	}
	known, err := l.indexes.read(ctx, l, g)
	if err != nil {
		return nil, err
	}
	found := map[string]LogStream{}
	for name, s := range known {
		if kept := item.Value.kept(); s.Last.Before(kept) {
			continue
		} else if s.First.Before(kept) {
			s.First = kept
		}
		s.Name, s.Created = name, s.First
		found[name] = s.LogStream
	}
	for _, r := range l.streamRecords(g) {
		name := strings.TrimPrefix(r.ID, g.name+":")
		if s, ok := found[name]; ok || !r.Value.Deleted {
			s.Name = name
			if !r.Value.Deleted {
				s.Created = r.Value.Created
			}
			found[name] = s
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b LogStream) int { return strings.Compare(a.Name, b.Name) }), nil
}

// Stream returns one log stream. Errors: ErrNoLogGroup, ErrNoLogStream.
func (l *Logs) Stream(ctx context.Context, account, group, stream string) (LogStream, error) {
	list, err := l.Streams(ctx, account, group)
	if err != nil {
		return LogStream{}, err
	}
	at, ok := slices.BinarySearchFunc(list, stream, func(s LogStream, name string) int { return strings.Compare(s.Name, name) })
	if !ok {
		return LogStream{}, fmt.Errorf("log stream %s of %s: %w", stream, group, ErrNoLogStream)
	}
	return list[at], nil
}

// CreateStream makes an empty log stream. Errors: ErrNoLogGroup, ErrLogStreamExists.
func (l *Logs) CreateStream(ctx context.Context, account, group, stream string) error {
	_, err := l.Stream(ctx, account, group, stream)
	switch {
	case err == nil:
		err = ErrLogStreamExists
	case errors.Is(err, ErrNoLogStream):
		item := l.streamRecord(logGroup{account, group}, stream)
		item.Value.Created, item.Value.Deleted = time.Now().UTC().Truncate(time.Millisecond), false
		err = l.putStream(ctx, item)
		if errors.Is(err, ErrStale) {
			err = ErrLogStreamExists
		}
	}
	if err != nil {
		return fmt.Errorf("create log stream %s: %w", stream, err)
	}
	return nil
}

// DeleteStream removes a log stream with its events. Errors: ErrNoLogGroup, ErrNoLogStream.
func (l *Logs) DeleteStream(ctx context.Context, account, group, stream string) error {
	if _, err := l.Stream(ctx, account, group, stream); err != nil {
		return fmt.Errorf("delete log stream %s: %w", stream, err)
	}
	g := logGroup{account, group}
	item := l.streamRecord(g, stream)
	item.Value.Deleted = true
	item.Value.HiddenTo = max(item.Value.HiddenTo, l.indexes.last(g, stream))
	if err := l.putStream(ctx, item); err != nil {
		return fmt.Errorf("delete log stream %s: %w", stream, err)
	}
	l.indexes.forget(g)
	return nil
}

func (l *Logs) putStream(ctx context.Context, item Item[streamRecord]) error {
	w, err := l.streams.Put(item)
	if err != nil {
		return err
	}
	return l.streams.records.Apply(ctx, w)
}

// indexes knows the streams of the groups that somebody asked about. What was stored since is read when it is asked for.
type indexes struct {
	mu  sync.Mutex
	all map[logGroup]*index // guarded by mu
}

// index is about the messages of one group below next.
type index struct {
	mu      sync.Mutex
	next    uint64                   // guarded by mu
	streams map[string]indexedStream // guarded by mu
}

type indexedStream struct {
	LogStream
	last uint64 // sequence number of the message with its newest event
}

func (x *indexes) of(g logGroup) *index {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.all[g] == nil {
		x.all[g] = &index{streams: map[string]indexedStream{}}
	}
	return x.all[g]
}

func (x *indexes) forget(g logGroup) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.all, g)
}

// last is the sequence number of the newest known message of a stream, 0 if none is known.
func (x *indexes) last(g logGroup, stream string) uint64 {
	i := x.of(g)
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.streams[stream].last
}

// read returns the group's streams after bringing the index up to date. Streams whose events were all discarded are not
// among them.
func (x *indexes) read(ctx context.Context, l *Logs, g logGroup) (map[string]indexedStream, error) {
	i := x.of(g)
	i.mu.Lock()
	defer i.mu.Unlock()
	hidden := l.hidden(g)
	for {
		batches, err := l.read(ctx, readRequest{subject: g.subject(), seq: i.next})
		if err != nil {
			return nil, err
		}
		if len(batches) == 0 {
			break
		}
		for _, b := range batches {
			events, err := decodeBatch(b.data)
			if err != nil {
				return nil, fmt.Errorf("message %d: %w", b.seq, err)
			}
			for _, e := range events {
				if b.seq > hidden[e.Stream] {
					i.add(e, b)
				}
			}
			i.next = b.seq + 1
		}
	}
	info, err := l.stream.Info(ctx)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(i.streams, func(_ string, s indexedStream) bool { return s.last < info.State.FirstSeq })
	return maps.Clone(i.streams), nil
}

// add needs mu.
func (i *index) add(e batchEvent, b storedBatch) {
	at := time.UnixMilli(e.Millis)
	s, known := i.streams[e.Stream]
	if !known || at.Before(s.First) {
		s.First = at
	}
	if !known || at.After(s.Last) {
		s.Last = at
	}
	s.Ingested, s.last = b.stored, b.seq
	i.streams[e.Stream] = s
}

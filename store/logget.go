package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// StreamQuery reads one log stream page by page, in either direction.
type StreamQuery struct {
	Account, Group, Stream string
	// Start and End bound LogEvent.Time to the millisecond, End exclusively; zero: unbounded.
	Start, End time.Time
	// Limit is the largest number of events in the page, 1 to MaxLogPageEvents; anything else means the latter.
	Limit int
	// FromHead asks for the oldest events if there is no Token, otherwise the newest come.
	FromHead bool
	// Token is one of StreamPage's and says where to go on and in which direction.
	Token string
}

// StreamPage is a part of a log stream, sorted by time. Both tokens are always set; one that comes back unchanged says
// that there is no more in its direction now.
type StreamPage struct {
	Events            []LogEvent
	Forward, Backward string
}

// Get returns a page of one log stream. Errors: ErrNoLogGroup, ErrNoLogStream, ErrBadToken, ctx's or the server's.
func (l *Logs) Get(ctx context.Context, q StreamQuery) (StreamPage, error) {
	page, err := l.get(ctx, q)
	if err != nil {
		return StreamPage{}, fmt.Errorf("log stream %s of %s: %w", q.Stream, q.Group, err)
	}
	return page, nil
}

// placedEvent is an event and where it is.
type placedEvent struct {
	LogEvent
	at logPosition
}

func (l *Logs) get(ctx context.Context, q StreamQuery) (StreamPage, error) {
	direction, at, err := parseStreamToken(q.Token)
	if err != nil {
		return StreamPage{}, err
	}
	if direction == "" && q.FromHead {
		direction = "f"
	}
	if q.Limit < 1 || q.Limit > MaxLogPageEvents {
		q.Limit = MaxLogPageEvents
	}
	if _, err := l.Stream(ctx, q.Account, q.Group, q.Stream); err != nil {
		return StreamPage{}, err
	}
	found, end, err := l.scanStream(ctx, &q, direction, at)
	if err != nil {
		return StreamPage{}, err
	}
	first, next := end, end
	switch {
	case len(found) > 0:
		first, next = found[0].at, found[len(found)-1].at
		next.index++
	case q.Token != "":
		first, next = at, at
	}
	page := StreamPage{Forward: "f/" + next.token(), Backward: "b/" + first.token()}
	for _, e := range found {
		page.Events = append(page.Events, e.LogEvent)
	}
	slices.SortStableFunc(page.Events, func(a, b LogEvent) int { return cmp.Compare(a.ID, b.ID) })
	return page, nil
}

// scanStream returns the first events of the stream from at on, or the last ones before it, in the order of storing, as
// many as fit a page. end is behind all that was read.
func (l *Logs) scanStream(ctx context.Context, q *StreamQuery, direction string, at logPosition) (found []placedEvent, end logPosition, err error) {
	g := logGroup{q.Account, q.Group}
	selects, err := l.selection(ctx, g, LogQuery{Streams: []string{q.Stream}, Start: q.Start, End: q.End})
	if err != nil {
		return nil, end, err
	}
	end = logPosition{seq: 1}
	from, size := logPosition{}, 0
	if direction == "f" {
		from, end = at, logPosition{seq: max(1, at.seq), index: at.index}
	}
	for seq := from.seq; ; {
		batches, err := l.read(ctx, readRequest{subject: g.subject(), seq: seq})
		if err != nil || len(batches) == 0 {
			return found, end, err
		}
		for _, b := range batches {
			events, err := decodeBatch(b.data)
			if err != nil {
				return nil, end, fmt.Errorf("message %d: %w", b.seq, err)
			}
			for i, e := range events {
				here := logPosition{b.seq, i}
				if direction == "f" && here.before(from) || !selects(e, b.seq) || !q.End.IsZero() && e.Millis >= q.End.UnixMilli() {
					continue
				}
				if direction == "b" && !here.before(at) {
					return found, end, nil
				}
				full := len(found) == q.Limit || len(found) > 0 && size+len(e.Message) > maxPageBytes
				if full && direction == "f" {
					return found, end, nil
				}
				found = append(found, placedEvent{LogEvent{
					Time: time.UnixMilli(e.Millis), Message: e.Message, Stream: e.Stream, ID: eventID(e.Millis, here), Ingested: b.stored,
				}, here})
				size += len(e.Message)
				for len(found) > q.Limit || len(found) > 1 && size > maxPageBytes { // the newest are wanted
					size -= len(found[0].Message)
					found = found[1:]
				}
			}
			seq = b.seq + 1
			end = logPosition{seq: seq}
		}
	}
}

func (p logPosition) before(o logPosition) bool {
	return p.seq < o.seq || p.seq == o.seq && p.index < o.index
}

// parseStreamToken reads a token of a StreamPage; "" is none.
func parseStreamToken(s string) (direction string, at logPosition, err error) {
	if s == "" {
		return "", logPosition{}, nil
	}
	direction, rest, _ := strings.Cut(s, "/")
	if direction != "f" && direction != "b" || rest == "" {
		return "", logPosition{}, ErrBadToken
	}
	at, err = parseLogToken(rest)
	return direction, at, err
}

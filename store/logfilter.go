package store

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"thaw.dev/thaw/logpattern"
)

// Errors of Filter; match with errors.Is.
var (
	// ErrBadToken is returned by Filter for a NextToken it did not issue.
	ErrBadToken = errors.New("next token is not valid")
)

const (
	// MaxLogPageEvents is the largest page. Source: CloudWatch Logs API, FilterLogEvents, "limit".
	MaxLogPageEvents = 10000
	// maxPageBytes bounds the text of a page. Source: CloudWatch Logs API, FilterLogEvents ("up to 1 MB").
	maxPageBytes = 1 << 20
	// maxScanBytes bounds what one call reads; a query that matches little gets empty pages with a token.
	maxScanBytes = 16 << 20
	// scanSlack is how far the clock may have been set back while events were stored, for a query to find them by
	// its Start.
	scanSlack = time.Minute
)

// LogQuery selects events the way CloudWatch Logs FilterLogEvents does.
type LogQuery struct {
	Account string
	Group   string
	// Streams and StreamPrefix restrict the log streams; an event must satisfy both. Empty: no restriction.
	Streams      []string
	StreamPrefix string
	// Start and End bound LogEvent.Time, both inclusive, to the millisecond; zero: unbounded.
	Start, End time.Time
	// Limit is the largest number of events in the page, 1 to MaxLogPageEvents; anything else means the latter.
	Limit int
	// NextToken continues where an earlier page of the same query ended.
	NextToken string
	// Pattern restricts the messages; the zero Pattern matches everything.
	Pattern logpattern.Pattern
}

// LogPage is a part of a query's answer.
type LogPage struct {
	// Events are sorted by time. Across pages they are in the order of storing, which differs from it by fractions
	// of a second.
	Events []LogEvent
	// NextToken asks for the next part; "" after the last one. A page may be empty and still have one.
	NextToken string
}

// Filter returns the events that match q, those included that Append queued before. Errors are ErrNoLogGroup,
// ErrBadToken, ctx's or the server's.
func (l *Logs) Filter(ctx context.Context, q LogQuery) (LogPage, error) {
	page, err := l.filter(ctx, q)
	if err != nil {
		return LogPage{}, fmt.Errorf("filter log group %s: %w", q.Group, err)
	}
	return page, nil
}

func (l *Logs) filter(ctx context.Context, q LogQuery) (LogPage, error) {
	at, err := parseLogToken(q.NextToken)
	if err != nil {
		return LogPage{}, err
	}
	if q.Limit < 1 || q.Limit > MaxLogPageEvents {
		q.Limit = MaxLogPageEvents
	}
	_ = l.Flush(ctx) // what could not be written was reported by the writer
	group := logGroup{q.Account, q.Group}
	selects, err := l.selection(ctx, group, q)
	if err != nil {
		return LogPage{}, err
	}
	subject := group.subject()

	var page LogPage
	for size, scanned := 0, 0; ; {
		read := readRequest{subject: subject, seq: at.seq}
		if at.seq == 0 && !q.Start.IsZero() {
			// Nothing was stored before it happened, so older batches cannot hold a match.
			read.since = q.Start.Add(-scanSlack)
		}
		batches, err := l.read(ctx, read)
		if err != nil {
			return LogPage{}, err
		}
		if len(batches) == 0 {
			return page.sorted(""), nil
		}
		for _, b := range batches {
			events, err := decodeBatch(b.data)
			if err != nil {
				return LogPage{}, fmt.Errorf("message %d: %w", b.seq, err)
			}
			if b.seq != at.seq {
				at = logPosition{seq: b.seq} // the message named by a token may be gone by now
			}
			for ; at.index < len(events); at.index++ {
				e := events[at.index]
				if !selects(e, b.seq) || !q.Pattern.Matches(e.Message) {
					continue
				}
				if len(page.Events) == q.Limit || len(page.Events) > 0 && size+len(e.Message) > maxPageBytes {
					return page.sorted(at.token()), nil
				}
				size += len(e.Message)
				page.Events = append(page.Events, LogEvent{
					Time: time.UnixMilli(e.Millis), Message: e.Message, Stream: e.Stream,
					ID: eventID(e.Millis, at), Ingested: b.stored,
				})
			}
			at = logPosition{seq: b.seq + 1}
			scanned += len(b.data)
		}
		if scanned >= maxScanBytes {
			return page.sorted(at.token()), nil
		}
	}
}

// selection returns what tells the events that the query's streams and times include and that were not deleted. Errors:
// ErrNoLogGroup.
func (l *Logs) selection(ctx context.Context, g logGroup, q LogQuery) (func(e batchEvent, seq uint64) bool, error) {
	item, err := l.groupItem(ctx, g.account, g.name)
	if err != nil {
		return nil, err
	}
	if kept := item.Value.kept(); kept.After(q.Start) {
		q.Start = kept
	}
	hidden := l.hidden(g)
	return func(e batchEvent, seq uint64) bool {
		return (q.Start.IsZero() || e.Millis >= q.Start.UnixMilli()) &&
			(q.End.IsZero() || e.Millis <= q.End.UnixMilli()) &&
			strings.HasPrefix(e.Stream, q.StreamPrefix) &&
			(len(q.Streams) == 0 || slices.Contains(q.Streams, e.Stream)) &&
			(hidden == nil || seq > hidden[e.Stream])
	}, nil
}

func (p LogPage) sorted(next string) LogPage {
	slices.SortFunc(p.Events, func(a, b LogEvent) int { return cmp.Compare(a.ID, b.ID) })
	p.NextToken = next
	return p
}

// eventID is unique in the group, sorts by time and then by the order of storing, and has the 56 digits that
// CloudWatch's ids have.
func eventID(millis int64, at logPosition) string {
	return fmt.Sprintf("%016d%020d%020d", millis, at.seq, at.index)
}

// logPosition is where a page ended: the event at index in the batch with sequence number seq is the next.
type logPosition struct {
	seq   uint64
	index int
}

func (p logPosition) token() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "1.%d.%d", p.seq, p.index))
}

// parseLogToken reads a token that token wrote; "" is the beginning.
func parseLogToken(s string) (logPosition, error) {
	if s == "" {
		return logPosition{}, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return logPosition{}, ErrBadToken
	}
	part := strings.Split(string(text), ".")
	if len(part) != 3 || part[0] != "1" {
		return logPosition{}, ErrBadToken
	}
	seq, err1 := strconv.ParseUint(part[1], 10, 64)
	index, err2 := strconv.ParseUint(part[2], 10, 31)
	if p := (logPosition{seq, int(index)}); err1 == nil && err2 == nil && seq > 0 && p.token() == s {
		return p, nil
	}
	return logPosition{}, ErrBadToken
}

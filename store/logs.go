package store

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Errors of Logs; match with errors.Is.
var (
	// ErrNoLogGroup is returned by Filter when the account has no such group, or all of its events were discarded.
	ErrNoLogGroup = errors.New("log group does not exist")
	// ErrBadToken is returned by Filter for a NextToken it did not issue.
	ErrBadToken = errors.New("next token is not valid")
	// ErrBadPattern is returned by Filter for a pattern it does not understand.
	ErrBadPattern = errors.New("filter pattern is not supported")
)

// LogEvent is one record of a function's log.
type LogEvent struct {
	// Time is when it happened, kept to the millisecond.
	Time time.Time
	// Message is its text.
	Message string

	// The rest is set by Filter and ignored by Append.

	Stream   string    // the log stream it was appended to
	ID       string    // unique within the group; ids sort as the events do
	Ingested time.Time // when it was stored
}

// LogQuery selects events the way CloudWatch Logs FilterLogEvents does.
type LogQuery struct {
	Account string
	Group   string
	// Streams and StreamPrefix restrict the log streams; both empty: all.
	Streams      []string
	StreamPrefix string
	// Start and End bound LogEvent.Time, both inclusive, to the millisecond; zero: unbounded.
	Start, End time.Time
	// Limit is the largest number of events in the page, 1 to MaxLogPageEvents; 0 means MaxLogPageEvents.
	Limit int
	// NextToken continues where an earlier page of the same query ended.
	NextToken string
	// Pattern is a filter pattern: words and "quoted phrases" must all occur, ?word needs one of its kind to occur,
	// -word must not. Case matters. "" matches everything.
	Pattern string
}

// LogPage is a part of a query's answer.
type LogPage struct {
	Events []LogEvent // by time
	// NextToken asks for the next part; "" after the last one. A page may be empty and still have one.
	NextToken string
}

// MaxLogPageEvents is the largest page. Source: CloudWatch Logs API, FilterLogEvents, "limit".
const MaxLogPageEvents = 10000

// Logs are the functions' logs of all accounts.
type Logs struct{}

// Append queues events and returns at once. When the queue is full they are dropped, counted, and the count is logged.
func (l *Logs) Append(account, group, stream string, events []LogEvent) {}

// Flush returns when everything appended before is stored.
func (l *Logs) Flush(ctx context.Context) error { return nil }

// Filter returns the events that match q; it sees everything appended before.
func (l *Logs) Filter(ctx context.Context, q LogQuery) (LogPage, error) { return LogPage{}, nil }

// Groups returns the names of the account's log groups, sorted.
func (l *Logs) Groups(ctx context.Context, account string) ([]string, error) { return nil, nil }

// DeleteGroup removes all events of a group; ErrNoLogGroup if there are none.
func (l *Logs) DeleteGroup(ctx context.Context, account, group string) error { return nil }

func openLogs(ctx context.Context, conn *nats.Conn, js jetstream.JetStream, maxBytes int64, log *slog.Logger) (*Logs, error) {
	return &Logs{}, nil
}
func (l *Logs) close() {}

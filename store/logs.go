package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrNoLogGroup is returned by Filter and DeleteGroup when the account has no such group, or all of its events were
// discarded. Match with errors.Is.
var ErrNoLogGroup = errors.New("log group does not exist")

const logStream = "LOGS"

// LogEvent is one record of a function's log.
type LogEvent struct {
	// Time is when it happened, kept to the millisecond.
	Time time.Time
	// Message is its text.
	Message string

	// The rest is set by Filter and ignored by Append.

	Stream   string    // the log stream it was appended to
	ID       string    // unique within the group; within a page, ids sort as the events do
	Ingested time.Time // when it was stored
}

// Logs are the functions' logs of all accounts. Losing some of them in a crash is acceptable, slowing an invocation
// down is not: Append only queues, one goroutine writes, and the stream is not synced message by message.
type Logs struct {
	conn   *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
	log    *slog.Logger

	mu     sync.Mutex
	queue  map[logGroup]*pendingLogs // what is to be written; guarded by mu
	queued int                       // bytes in queue and being written; guarded by mu
	closed bool                      // guarded by mu

	// The writer (logwriter.go) and what it listens to. Both signals hold at most one token.
	some    chan struct{}   // the queue is no longer empty
	plenty  chan struct{}   // the queue is worth a batch
	flushes chan chan error // write now, and tell how it went
	stop    chan struct{}   // closed by close
	done    chan struct{}   // closed when the writer returned
}

type logGroup struct{ account, name string }

// subject is where the batches of a group are: logs.<account>.<group>.
func (g logGroup) subject() string {
	return "logs." + encodeToken(g.account) + "." + encodeToken(g.name)
}

// openLogs opens the stream and starts the writer; close ends it.
func openLogs(ctx context.Context, conn *nats.Conn, js jetstream.JetStream, maxBytes int64, log *slog.Logger) (*Logs, error) {
	stream, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:        logStream,
		Description: "Function logs",
		Subjects:    []string{"logs.*.*"},
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardOld,
		MaxBytes:    maxBytes,
		AllowDirect: true,
		PersistMode: jetstream.AsyncPersistMode, // the server's SyncAlways does not apply to this stream
	})
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", logStream, err)
	}
	l := &Logs{
		conn: conn, js: js, stream: stream, log: log,
		queue: map[logGroup]*pendingLogs{},
		some:  make(chan struct{}, 1), plenty: make(chan struct{}, 1),
		flushes: make(chan chan error), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go l.run()
	return l, nil
}

// close writes what is queued and ends the writer. Events appended afterwards are lost.
func (l *Logs) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	close(l.stop)
	<-l.done
}

// Groups returns the names of the account's log groups, sorted. A group is there as long as an event of it is.
func (l *Logs) Groups(ctx context.Context, account string) ([]string, error) {
	_ = l.Flush(ctx) // what could not be written was reported by the writer
	info, err := l.stream.Info(ctx, jetstream.WithSubjectFilter(logGroup{account: account}.allSubjects()))
	if err != nil {
		return nil, fmt.Errorf("log groups of account %s: %w", account, err)
	}
	groups := make([]string, 0, len(info.State.Subjects))
	for subject := range info.State.Subjects {
		token := subject[strings.LastIndexByte(subject, '.')+1:]
		if name, ok := decodeToken(token); ok {
			groups = append(groups, name)
		}
	}
	slices.Sort(groups)
	return groups, nil
}

func (g logGroup) allSubjects() string { return "logs." + encodeToken(g.account) + ".*" }

// DeleteGroup removes all events of a group; ErrNoLogGroup if there are none.
func (l *Logs) DeleteGroup(ctx context.Context, account, group string) error {
	_ = l.Flush(ctx) // what could not be written was reported by the writer
	subject := logGroup{account, group}.subject()
	err := l.exists(ctx, subject)
	if err == nil {
		err = l.stream.Purge(ctx, jetstream.WithPurgeSubject(subject))
	}
	if err != nil {
		return fmt.Errorf("delete log group %s: %w", group, err)
	}
	return nil
}

// exists returns nil if the subject has a message, ErrNoLogGroup if it has none.
func (l *Logs) exists(ctx context.Context, subject string) error {
	_, err := l.stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return ErrNoLogGroup
	}
	return err
}

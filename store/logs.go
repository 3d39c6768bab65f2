package store

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

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

	groups  *Collection[LogGroup]     // id: the name
	streams *Collection[streamRecord] // id: see streamID
	indexes indexes

	watching sync.RWMutex
	watches  map[*LogWatch]bool // guarded by watching

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
	expired chan struct{}   // closed when expireRegularly returned
}

type logGroup struct{ account, name string }

// subject is where the batches of a group are: logs.<account>.<group>.
func (g logGroup) subject() string {
	return "logs." + encodeToken(g.account) + "." + encodeToken(g.name)
}

// openLogs opens the stream and starts the writer and what discards old events; close ends both.
func openLogs(ctx context.Context, conn *nats.Conn, js jetstream.JetStream, records *Records, maxBytes int64, log *slog.Logger) (*Logs, error) {
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
		groups: NewCollection[LogGroup](records, "log-group", 1), streams: NewCollection[streamRecord](records, "log-stream", 1),
		indexes: indexes{all: map[logGroup]*index{}}, watches: map[*LogWatch]bool{},
		queue: map[logGroup]*pendingLogs{}, expired: make(chan struct{}),
		some: make(chan struct{}, 1), plenty: make(chan struct{}, 1),
		flushes: make(chan chan error), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go l.run()
	go l.expireRegularly()
	return l, nil
}

// close writes what is queued and ends the goroutines. Events appended afterwards are lost.
func (l *Logs) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	close(l.stop)
	<-l.done
	<-l.expired
}

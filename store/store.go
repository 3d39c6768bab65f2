package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Errors of Store; match with errors.Is.
var (
	// ErrLocked is returned by Open when another process has the directory open.
	ErrLocked = errors.New("data directory is in use by another process")
	// ErrNewer is returned by Open when a newer release wrote a record that this one cannot read.
	ErrNewer = errors.New("written by a newer release")
)

// DefaultLogBytes is the space for function logs unless Options say otherwise (1 GiB).
const DefaultLogBytes = 1 << 30

// Options configure a Store.
type Options struct {
	// Dir holds everything the store writes; created (0700) when missing.
	Dir string
	// Logger receives the store's and the embedded server's messages; nil discards them.
	Logger *slog.Logger
	// LogBytes bounds the function logs kept on disk, in bytes; the oldest are discarded. 0 means DefaultLogBytes.
	LogBytes int64
}

// Store is an open data directory. Its methods are safe for concurrent use.
type Store struct {
	functions *Functions
	records   *Records
	events    *Events
	journals  *Journals
	logs      *Logs

	undo []func() // what Open did, in its order
}

// Open opens the store in o.Dir, creating it on first use. It returns when every function is in memory. Errors are
// ErrLocked, ErrNewer, ctx's, or those of the file system and the embedded server.
func Open(ctx context.Context, o Options) (_ *Store, err error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.LogBytes == 0 {
		o.LogBytes = DefaultLogBytes
	}
	s := &Store{}
	defer func() {
		if err != nil {
			s.Close()
			err = fmt.Errorf("open store %s: %w", o.Dir, err)
		}
	}()

	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	unlock, err := lockDir(filepath.Join(o.Dir, "lock"))
	if err != nil {
		return nil, err
	}
	s.undo = append(s.undo, unlock)

	srv, err := startServer(filepath.Join(o.Dir, "nats"), o.Logger)
	if err != nil {
		return nil, err
	}
	s.undo = append(s.undo, func() { srv.Shutdown(); srv.WaitForShutdown() })

	conn, js, err := connect(srv, o.Logger)
	if err != nil {
		return nil, err
	}
	s.undo = append(s.undo, conn.Close)

	s.functions, err = openFunctions(ctx, conn, js, o.Logger)
	if err != nil {
		return nil, err
	}
	s.undo = append(s.undo, s.functions.close)

	s.records, err = openRecords(ctx, conn, js, o.Logger)
	if err != nil {
		return nil, err
	}
	s.undo = append(s.undo, s.records.close)

	s.events, err = openEvents(ctx, js, o.Logger)
	if err != nil {
		return nil, err
	}
	s.undo = append(s.undo, s.events.close)

	s.journals, err = openJournals(ctx, conn, js, o.Logger)
	if err != nil {
		return nil, err
	}

	s.logs, err = openLogs(ctx, conn, js, s.records, o.LogBytes, o.Logger)
	if err != nil {
		return nil, err
	}
	s.undo = append(s.undo, s.logs.close)
	return s, nil
}

// Functions returns the function records.
func (s *Store) Functions() *Functions { return s.functions }

// Records returns the documents of other kinds.
func (s *Store) Records() *Records { return s.records }

// Events returns the queue of asynchronous invocations.
func (s *Store) Events() *Events { return s.events }

// Journals returns the journals of durable executions.
func (s *Store) Journals() *Journals { return s.journals }

// Logs returns the function logs.
func (s *Store) Logs() *Logs { return s.logs }

// Close writes the queued logs, stops the server and releases the directory. Call it once, after the last other call;
// what was acknowledged is on disk whether it is called or not.
func (s *Store) Close() error {
	for len(s.undo) > 0 {
		last := len(s.undo) - 1
		s.undo[last]()
		s.undo = s.undo[:last]
	}
	return nil
}

// connect returns a connection to srv that never leaves this process.
func connect(srv *server.Server, logger *slog.Logger) (*nats.Conn, jetstream.JetStream, error) {
	conn, err := nats.Connect("", nats.InProcessServer(srv), nats.Name("thaw"), nats.MaxReconnects(-1),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			logger.Error("store connection error", "err", err)
		}))
	if err != nil {
		return nil, nil, fmt.Errorf("connect to the embedded server: %w", err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		conn.Close()
		return nil, nil, fmt.Errorf("connect to the embedded server: %w", err)
	}
	return conn, js, nil
}

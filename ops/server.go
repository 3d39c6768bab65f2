package ops

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"thaw.dev/thaw/async"
	"thaw.dev/thaw/metrics"
	"thaw.dev/thaw/pool"
)

// Options configure a Server. All members are required, except those that say otherwise.
type Options struct {
	// DataDir is the server's data directory, in which the socket is made. The caller is its only server.
	DataDir string
	// Listen is a further address, host:port, to serve at. Port 0 picks a free one. Empty: only the socket.
	Listen string
	// Metrics are written at /metrics and summed up at /status.
	Metrics *metrics.Metrics
	// Status says what the pool holds; it is called for each request.
	Status func() pool.Status
	// Accounts are what the paths under /accounts are about, which the socket alone has; nil: they do not exist.
	Accounts Accounts
	// Events are the queue of asynchronous invocations, which only the socket lets anybody change; nil: there is none.
	Events *async.Queue
	// Disk says what the data directory takes on disk; nil: it is not known.
	Disk   func() metrics.Disk
	Logger *slog.Logger
}

// Server serves operators.
type Server struct {
	servers []*http.Server
	tcp     net.Listener // nil if there is none
	wg      sync.WaitGroup
}

// Open returns a server that serves. It replaces a socket that an earlier server left.
func Open(o Options) (*Server, error) {
	s := &Server{}
	socket, err := listenSocket(o.DataDir)
	if err != nil {
		return nil, fmt.Errorf("operator's socket: %w", err)
	}
	if o.Listen != "" {
		if s.tcp, err = net.Listen("tcp", o.Listen); err != nil {
			return nil, errors.Join(fmt.Errorf("operator's address: %w", err), socket.Close())
		}
	}
	s.serve(socket, newHandler(o, true), o.Logger)
	if s.tcp != nil {
		s.serve(s.tcp, newHandler(o, false), o.Logger)
	}
	return s, nil
}

// serve answers at l until Close.
func (s *Server) serve(l net.Listener, h http.Handler, log *slog.Logger) {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	s.servers = append(s.servers, server)
	s.wg.Go(func() { // ends when Close closes the listener
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the operator's server ended", "address", l.Addr().String(), "error", err)
		}
	})
}

// Addr is the TCP address, host:port; "" if Options.Listen was empty.
func (s *Server) Addr() string {
	if s.tcp == nil {
		return ""
	}
	return s.tcp.Addr().String()
}

// Close ends requests under way, stops serving and removes the socket.
func (s *Server) Close() error {
	var errs []error
	for _, server := range s.servers {
		errs = append(errs, server.Close()) // closes the listener, too
	}
	s.wg.Wait()
	return errors.Join(errs...)
}

package ops

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"thaw.dev/thaw/metrics"
	"thaw.dev/thaw/pool"
)

// Options configure a Server. All members are required, except Listen.
type Options struct {
	// DataDir is the server's data directory, in which the socket is made. The caller is its only server.
	DataDir string
	// Listen is a further address, host:port, to serve at. Port 0 picks a free one. Empty: only the socket.
	Listen string
	// Metrics are written at /metrics and summed up at /status.
	Metrics *metrics.Metrics
	// Status says what the pool holds; it is called for each request.
	Status func() pool.Status
	Logger *slog.Logger
}

// Server serves operators.
type Server struct {
	http   *http.Server
	socket *socket
	tcp    net.Listener // nil if there is none
	wg     sync.WaitGroup
}

// Open returns a server that serves. It replaces a socket that an earlier server left.
func Open(o Options) (*Server, error) {
	s := &Server{http: &http.Server{
		Handler:           newHandler(o),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}}
	var err error
	if s.socket, err = listenSocket(o.DataDir); err != nil {
		return nil, fmt.Errorf("operator's socket: %w", err)
	}
	listeners := []net.Listener{s.socket}
	if o.Listen != "" {
		if s.tcp, err = net.Listen("tcp", o.Listen); err != nil {
			return nil, errors.Join(fmt.Errorf("operator's address: %w", err), s.socket.Close())
		}
		listeners = append(listeners, s.tcp)
	}
	for _, l := range listeners {
		s.wg.Go(func() { // ends when Close closes the listener
			if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				o.Logger.Error("the operator's server ended", "address", l.Addr().String(), "error", err)
			}
		})
	}
	return s, nil
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
	err := s.http.Close() // closes the listeners, too
	s.wg.Wait()
	return err
}

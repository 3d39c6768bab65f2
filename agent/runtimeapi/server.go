package runtimeapi

import (
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"thaw.dev/thaw/agent/http1"
	"thaw.dev/thaw/link"
)

// Addr is where the Runtime API listens inside every sandbox, the value of AWS_LAMBDA_RUNTIME_API.
const Addr = "127.0.0.1:9001"

// Send carries a message to the host. meta is nil for Ready and Idle. It is called from several goroutines. After an
// error the runtime is told that the platform is broken.
type Send func(t link.Type, meta *link.ReplyMeta, payload []byte) error

// Server is the Runtime API of one runtime process. Its methods may be called concurrently where they do not say
// otherwise.
type Server struct {
	send      Send
	snapStart bool           // restore/next and restore/error exist
	wg        sync.WaitGroup // the connections' goroutines

	mu      sync.Mutex // guards what follows
	ln      net.Listener
	conns   map[*conn]struct{}
	closed  bool
	state   state
	event   *link.Event // being worked on; in starting, restored and answered, the one that came early; else nil
	waiting *conn       // its call of next or restore/next has no answer yet; only in idle and held
	posting bool        // a post's body is being read or its message sent
	posted  *sync.Cond  // posting became false
	over    bool        // the process has ended
}

// New returns a server that has no runtime yet. snapStart says that the runtime may wait for a restore.
func New(send Send, snapStart bool) *Server {
	s := &Server{send: send, snapStart: snapStart, conns: make(map[*conn]struct{})}
	s.posted = sync.NewCond(&s.mu)
	return s
}

// maxConns bounds the runtime's open connections; more are closed at once. Runtimes need one.
const maxConns = 256

// Serve accepts connections from ln, which it owns, until Close.
func (s *Server) Serve(ln net.Listener) {
	s.mu.Lock()
	s.ln = ln
	closed := s.closed
	s.mu.Unlock()
	if closed {
		_ = ln.Close()
		return
	}
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil:
			s.adopt(nc)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			time.Sleep(acceptPause)
		}
	}
}

// acceptPause is the wait after a failed accept, which is a lack of some resource.
const acceptPause = 5 * time.Millisecond

// adopt starts a connection's goroutine, which ends with the connection; Close waits for it.
func (s *Server) adopt(nc net.Conn) {
	c := &conn{s: s, nc: nc}
	s.mu.Lock()
	ok := !s.closed && len(s.conns) < maxConns
	if ok {
		s.conns[c] = struct{}{}
		s.wg.Add(1)
	}
	s.mu.Unlock()
	if !ok {
		_ = nc.Close()
		return
	}
	go c.serve()
}

// Close ends Serve and every connection, and returns when no message will be sent any more. A message that is being
// sent is sent to its end. It is idempotent.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed, s.over = true, true
	if s.ln != nil {
		_ = s.ln.Close()
	}
	for c := range s.conns {
		_ = c.nc.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

const (
	prefix        = "/2018-06-01/runtime/"
	invocation    = prefix + "invocation/"
	restorePrefix = prefix + "restore/"
)

// route calls the endpoint. An answer with status 0 is written elsewhere, later.
func (s *Server) route(c *conn, req *http1.Request) http1.Answer {
	switch req.Method {
	case "GET":
		switch req.Path {
		case invocation + "next":
			return s.next(c)
		case restorePrefix + "next":
			if s.snapStart {
				return s.restoreNext(c)
			}
		case "/ping":
			return ping()
		}
	case "POST":
		switch {
		case req.Path == prefix+"init/error":
			return s.initError(req)
		case req.Path == restorePrefix+"error" && s.snapStart:
			return s.restoreError(req)
		}
		if rest, ok := strings.CutPrefix(req.Path, invocation); ok {
			switch id, verb, _ := strings.Cut(rest, "/"); verb {
			case "response":
				return s.response(id, req)
			case "error":
				return s.failure(id, req)
			}
		}
	}
	return refuse(404, "NotFound", "no such operation: "+req.Method+" "+req.Path)
}

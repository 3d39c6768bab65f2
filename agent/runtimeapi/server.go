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

// Handler answers a call that is none of the Runtime API. It may block until the server is about to be closed.
type Handler func(*http1.Request) http1.Answer

// Server is the Runtime API of one runtime process, on the address that it shares with others. Its methods may be called
// concurrently where they do not say otherwise.
type Server struct {
	send  Send
	other Handler
	ln    net.Listener
	wg    sync.WaitGroup // the connections' goroutines

	mu        sync.Mutex   // guards what follows
	serves    bool         // the runtime speaks this API
	onDemand  bool         // ServesOnDemand was called
	demand    func() error // what is to be done before serves becomes true; nil if nothing
	snapStart bool         // restore/next and restore/error exist
	conns     map[*conn]struct{}
	closed    bool
	state     state
	event     *link.Event // being worked on; in starting, restored and answered, the one that came early; else nil
	waiting   *conn       // its call of next or restore/next has no answer yet; only in idle and held
	posting   bool        // a post's body is being read or its message sent
	posted    *sync.Cond  // posting became false
	over      bool        // the process has ended
}

// New returns a server for the connections of ln, which it owns. It has no runtime yet. other answers calls of everything
// else at the same address.
func New(ln net.Listener, send Send, other Handler) *Server {
	s := &Server{ln: ln, send: send, other: other, conns: make(map[*conn]struct{})}
	s.posted = sync.NewCond(&s.mu)
	return s
}

// Serves says that a runtime is about to be started that speaks this API; until then its calls are refused. snapStart
// says that it may wait for a restore.
func (s *Server) Serves(snapStart bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serves, s.snapStart = true, snapStart
}

// ServesOnDemand says that the runtime may turn out to speak this API: the first call of it has start called once. It
// must not call the server.
func (s *Server) ServesOnDemand(start func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.demand, s.onDemand = start, true
}

// maxConns bounds the open connections; more are closed at once. Runtimes and extensions need one each.
const maxConns = 256

// Serve accepts connections until Close.
func (s *Server) Serve() {
	for {
		nc, err := s.ln.Accept()
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

// Close ends Serve and every connection, and returns when the address is free and no message will be sent any more,
// whether or not Serve has begun. A message that is being sent is sent to its end. It is idempotent.
func (s *Server) Close() {
	_ = s.ln.Close()
	s.mu.Lock()
	s.closed, s.over = true, true
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
	if req.Method == "GET" && req.Path == "/ping" {
		return ping()
	}
	if !strings.HasPrefix(req.Path, prefix) {
		return s.other(req)
	}
	s.mu.Lock()
	if s.demand != nil && !s.closed {
		s.serves = s.demand() == nil
		s.demand = nil
	}
	serves, snapStart := s.serves, s.snapStart
	s.mu.Unlock()
	if !serves {
		return refuse(403, invalidState, "State transition is not allowed: this runtime gets its events otherwise")
	}
	switch req.Method {
	case "GET":
		switch req.Path {
		case invocation + "next":
			return s.next(c)
		case restorePrefix + "next":
			if snapStart {
				return s.restoreNext(c)
			}
		}
	case "POST":
		switch {
		case req.Path == prefix+"init/error":
			return s.initError(req)
		case req.Path == restorePrefix+"error" && snapStart:
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
	return NotFound(req)
}

// NotFound answers a call of something that does not exist.
func NotFound(req *http1.Request) http1.Answer {
	return refuse(404, "NotFound", "no such operation: "+req.Method+" "+req.Path)
}

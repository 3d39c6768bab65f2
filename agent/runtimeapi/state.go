package runtimeapi

import (
	"fmt"
	"time"

	"thaw.dev/thaw/link"
)

// state is where the conversation with the runtime stands.
type state uint8

const (
	starting state = iota // nothing was asked for yet: init
	held                  // initialised, waits for a restore
	restored              // was restored and runs its hooks
	idle                  // waits for an event
	running               // has an event and owes an answer
	answered              // has answered and not asked for more
	failed                // reported that its init or restore failed
)

func (s state) String() string {
	return [...]string{"starting", "held", "restored", "idle", "running", "answered", "failed"}[s]
}

// call is a call that depends on the state.
type call uint8

const (
	callNext call = iota
	callReply
	callInitError
	callRestoreNext
	callRestoreError
)

// allowed lists the calls that are not refused, apart from those during another post. A reply in another state never
// gets here: its request id is wrong.
var allowed = map[call][]state{
	callNext:         {starting, restored, idle, running, answered},
	callReply:        {running},
	callInitError:    {starting},
	callRestoreNext:  {starting, held, restored},
	callRestoreError: {restored},
}

// Deliver hands an event to the runtime: to a waiting call of next, or to the next one. It writes to the runtime's
// connection and so may block until the runtime reads or Close is called; calls must not overlap. An error means that
// the event before has no answer yet, or that the runtime waits for a restore.
func (s *Server) Deliver(ev *link.Event) error {
	s.mu.Lock()
	if s.event != nil {
		s.mu.Unlock()
		return fmt.Errorf("event %s while %s has no answer", ev.ID, s.event.ID)
	}
	if s.state == held {
		s.mu.Unlock()
		return fmt.Errorf("event %s while the runtime waits for a restore", ev.ID)
	}
	s.event = ev
	var to *conn
	if s.state == idle {
		s.state = running
		to, s.waiting = s.waiting, nil
	}
	s.mu.Unlock()
	if to != nil {
		to.write(eventAnswer(ev)) // if this fails the runtime is gone, or will ask again
	}
	return nil
}

// Specialised is called when the host gives a bundled runtime its function. An error means that this server was to serve
// from the beginning.
func (s *Server) Specialised() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.onDemand {
		return fmt.Errorf("%w: type %#x instead of an event", link.ErrProtocol, uint8(link.TypeSpecialise))
	}
	return nil
}

// Drain is called when the runtime process has ended: every further call is refused, and a post that is being read may
// go on for at most grace, in case a child of the process sends it. When Drain returns, everything the runtime said
// has been handed to Send.
func (s *Server) Drain(grace time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	if !s.posting {
		return
	}
	limit := time.Now().Add(grace)
	for c := range s.conns {
		_ = c.nc.SetReadDeadline(limit)
	}
	for s.posting {
		s.posted.Wait()
	}
}

// may reports whether the state allows a call now. It needs mu.
func (s *Server) may(c call) bool {
	if s.over || s.posting {
		return false
	}
	for _, st := range allowed[c] {
		if st == s.state {
			return true
		}
	}
	return false
}

// endPost leaves the post that may began, with the state that follows.
func (s *Server) endPost(next state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posting = false
	s.state = next
	if next == answered {
		s.event = nil
	}
	s.posted.Broadcast()
}

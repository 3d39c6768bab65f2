package runtimeapi

import (
	"fmt"

	"thaw.dev/thaw/agent/http1"
	"thaw.dev/thaw/link"
)

// restoreNext is GET /2018-06-01/runtime/restore/next: the runtime is initialised and can be copied. The first call
// ends init; each is answered once the runtime was restored. A runtime whose connection did not survive that may call
// again.
func (s *Server) restoreNext(c *conn) http1.Answer {
	s.mu.Lock()
	if !s.may(callRestoreNext) {
		defer s.mu.Unlock()
		return s.refuseState("restore/next")
	}
	before := s.state
	var older *conn
	if before != restored {
		s.state = held
		older, s.waiting = s.waiting, c
	}
	s.mu.Unlock()

	older.displace("restore/next")
	switch before {
	case starting:
		if err := s.send(link.TypeReady, nil, nil); err != nil {
			return s.broken(c)
		}
	case restored:
		return restoreAnswer()
	}
	return http1.Answer{}
}

// restoreAnswer is empty, as AWS's is.
func restoreAnswer() http1.Answer { return http1.Answer{Status: 200} }

const typeNotSupported = "Runtime.SnapshotNotSupported"

// Snapshot answers the host, which is about to make a copy of the runtime: Ready if the runtime waits in restore/next,
// InitError if it asked for an event instead; it then goes on as before. For a process that has ended there is no
// answer. An error means that the runtime is neither idle nor waits for a restore.
func (s *Server) Snapshot() error {
	s.mu.Lock()
	st, over := s.state, s.over
	s.mu.Unlock()
	switch {
	case over:
		return nil
	case st == held:
		return s.send(link.TypeReady, nil, nil)
	case st == idle:
		message := "the runtime asked for an event without asking for " + restorePrefix + "next first, so it cannot be snapshotted"
		return s.send(link.TypeInitError, &link.ReplyMeta{ErrorType: typeNotSupported}, errorObject(typeNotSupported, message))
	}
	return fmt.Errorf("snapshot of a runtime that is %s", st)
}

// Restored tells the runtime, which may be a copy, that it was restored. The host hears Ready when it asks for an
// event, or InitError. It may block as Deliver does, and must not overlap with it. An error means that the runtime does
// not wait for a restore.
func (s *Server) Restored() error {
	s.mu.Lock()
	if st := s.state; st != held {
		s.mu.Unlock()
		return fmt.Errorf("restore of a runtime that is %s", st)
	}
	s.state = restored
	to := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	if to != nil {
		to.write(restoreAnswer()) // if this fails the runtime is gone, or will ask again
	}
	return nil
}

package runtimeapi

import (
	"errors"

	"thaw.dev/thaw/agent/http1"
	"thaw.dev/thaw/link"
)

// initError is POST /2018-06-01/runtime/init/error: the runtime cannot work, and will exit.
func (s *Server) initError(req *http1.Request) http1.Answer {
	return s.giveUp(req, callInitError, "init/error", starting)
}

// giveUp is a post after which the runtime is of no use; in is the state it is allowed in.
func (s *Server) giveUp(req *http1.Request, as call, name string, in state) http1.Answer {
	s.mu.Lock()
	if !s.may(as) {
		defer s.mu.Unlock()
		return s.refuseState(name)
	}
	s.posting = true
	s.mu.Unlock()

	body, err := readBody(&req.Body)
	answer := accepted()
	meta := &link.ReplyMeta{ErrorType: errorType(req.Header.Get(errorTypeHeader)), ContentType: contentType(req.Header)}
	switch {
	case errors.Is(err, errTooLarge):
		body = errorObject(meta.ErrorType, "the error object was too large")
		answer = refuse(413, entityTooLarge, tooLargeMessage)
	case err != nil:
		s.endPost(in)
		return refuse(400, truncatedRequest, "HTTP request detected as truncated")
	}
	err = s.send(link.TypeInitError, meta, body)
	s.endPost(failed)
	if err != nil {
		return s.broken(nil)
	}
	return answer
}

package runtimeapi

import (
	"errors"

	"thaw.dev/thaw/agent/http1"
	"thaw.dev/thaw/link"
)

// failure is POST /2018-06-01/runtime/invocation/{id}/error: the function failed. The body reaches the caller as it
// is.
func (s *Server) failure(id string, req *http1.Request) http1.Answer {
	if _, refusal, ok := s.begin(id, "error"); !ok {
		return refusal
	}
	body, err := readBody(&req.Body)
	switch {
	case errors.Is(err, errTooLarge):
		return s.fail(id, typeTooLarge, tooLargeMessage, refuse(413, entityTooLarge, tooLargeMessage))
	case err != nil:
		s.endPost(running)
		return refuse(400, truncatedRequest, "HTTP request detected as truncated")
	}
	meta := &link.ReplyMeta{
		ID:          id,
		ErrorType:   errorType(req.Header.Get(errorTypeHeader)),
		ContentType: contentType(req.Header),
	}
	return s.reply(link.TypeError, meta, body)
}

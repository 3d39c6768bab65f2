package runtimeapi

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"

	"thaw.dev/thaw/agent/http1"
	"thaw.dev/thaw/lambda"
)

const errorTypeHeader = "Lambda-Runtime-Function-Error-Type"

// begin enters the post of an answer to event id; if ok is false the refusal is the answer. endPost leaves it. streams is
// link.EventMeta.Stream of the event.
func (s *Server) begin(id, what string) (streams bool, refusal http1.Answer, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != running || s.event.ID != id {
		return false, refuse(400, invalidRequestID, "Invalid request ID"), false
	}
	if !s.may(callReply) {
		return false, s.refuseState(what), false
	}
	s.posting = true
	return s.event.Stream, http1.Answer{}, true
}

var errTooLarge = errors.New("body over the limit")

// readBody reads a body of at most lambda.MaxResponseBytes; of a longer one errTooLarge, and the rest is not read.
func readBody(b *http1.Body) ([]byte, error) {
	announced := b.Announced()
	if announced > lambda.MaxResponseBytes {
		return nil, errTooLarge
	}
	var buf bytes.Buffer
	buf.Grow(int(announced) + bytes.MinRead)
	if _, err := buf.ReadFrom(io.LimitReader(b, lambda.MaxResponseBytes+1)); err != nil {
		return nil, err
	}
	if buf.Len() > lambda.MaxResponseBytes {
		return nil, errTooLarge
	}
	return buf.Bytes(), nil
}

var errorTypeForm = regexp.MustCompile(`^(Runtime|Function)\.[A-Z][a-zA-Z]+$`)

// errorType brings the name a runtime gave to an error into the form the platform counts and logs.
func errorType(s string) string {
	switch {
	case len(s) <= 256 && errorTypeForm.MatchString(s):
		return s
	case strings.HasPrefix(s, "Function."):
		return "Function.Unknown"
	}
	return "Runtime.Unknown"
}

// contentType is the type of a body, "" if it is longer than any sensible one.
func contentType(h http1.Header) string {
	if t := h.Get("Content-Type"); len(t) <= 256 {
		return t
	}
	return ""
}

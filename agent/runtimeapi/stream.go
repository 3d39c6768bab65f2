package runtimeapi

import (
	"encoding/base64"
	"errors"
	"io"

	"thaw.dev/thaw/agent/http1"
	"thaw.dev/thaw/link"
)

const (
	errorBodyHeader = "Lambda-Runtime-Function-Error-Body"

	typeTruncated = "Runtime.TruncatedResponse"
)

// partBytes is how much of a stream is read at once. A runtime that sends faster than the host takes waits for it.
const partBytes = 64 << 10

// stream is the rest of a response in mode "streaming", whose post has begun: each piece of the body goes to the host
// when it is there. The runtime says at the end, in trailers, whether the function failed meanwhile.
func (s *Server) stream(id string, req *http1.Request) http1.Answer {
	meta := &link.ReplyMeta{ID: id, ContentType: contentType(req.Header)}
	opened, err := s.parts(meta, &req.Body)
	switch {
	case errors.Is(err, errNotSent):
		s.endPost(answered)
		return s.broken(nil)
	case err != nil:
		return s.fail(id, typeTruncated, "RequestId: "+id+" Error: the runtime did not finish its response",
			refuse(400, truncatedRequest, "HTTP request detected as truncated"))
	}
	if errorType, object := midstreamError(req.Body.Trailer); errorType != "" {
		return s.reply(link.TypeError, &link.ReplyMeta{ID: id, ErrorType: errorType}, object)
	}
	if !opened && s.send(link.TypeStream, meta, nil) != nil {
		s.endPost(answered)
		return s.broken(nil)
	}
	return s.reply(link.TypeResult, &link.ReplyMeta{ID: id}, nil)
}

// errNotSent is returned when a message did not reach the host.
var errNotSent = errors.New("the host is gone")

// parts passes a body on, up to its end. opened says that there was something to pass on, and so that the host knows
// of the stream. The error is errNotSent or the body's.
func (s *Server) parts(meta *link.ReplyMeta, body *http1.Body) (opened bool, err error) {
	buf := make([]byte, partBytes)
	for {
		n, err := body.Read(buf)
		if n > 0 && !opened {
			if s.send(link.TypeStream, meta, nil) != nil {
				return opened, errNotSent
			}
			opened = true
		}
		if n > 0 && s.send(link.TypePart, nil, buf[:n]) != nil {
			return opened, errNotSent
		}
		switch {
		case errors.Is(err, io.EOF):
			return opened, nil
		case err != nil:
			return opened, err
		}
	}
}

// midstreamError reads trailers: the type and the object of the error with which a result ended, "" if it did not.
func midstreamError(trailer http1.Header) (name string, object []byte) {
	name = trailer.Get(errorTypeHeader)
	if name == "" {
		return "", nil
	}
	name = errorType(name)
	object, err := base64.StdEncoding.DecodeString(trailer.Get(errorBodyHeader))
	if err != nil || len(object) == 0 {
		object = errorObject(name, "the function failed while it was sending its response")
	}
	return name, object
}

package runtimeapi

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"thaw.dev/thaw/agent/http1"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
)

const (
	modeHeader      = "Lambda-Runtime-Function-Response-Mode"
	errorBodyHeader = "Lambda-Runtime-Function-Error-Body"

	typeTooLarge    = "Function.ResponseSizeTooLarge"
	typeInvalidMode = "Runtime.InvalidResponseModeHeader"
	typeTruncated   = "Runtime.TruncatedResponse"
)

// response is POST /2018-06-01/runtime/invocation/{id}/response: the result of an event. In mode "streaming" the
// result is collected too, and a stream that the runtime broke off in its trailers is an error.
func (s *Server) response(id string, req *http1.Request) http1.Answer {
	if refusal, ok := s.begin(id, "response"); !ok {
		return refusal
	}
	mode := req.Header.Get(modeHeader)
	streaming := strings.EqualFold(mode, "streaming")
	if mode != "" && !streaming {
		return s.fail(id, typeInvalidMode, "invalid "+modeHeader+" header",
			refuse(400, invalidMode, "Invalid function response mode"))
	}
	body, err := readBody(&req.Body)
	switch {
	case errors.Is(err, errTooLarge):
		return s.fail(id, typeTooLarge, tooLargeMessage, refuse(413, entityTooLarge, tooLargeMessage))
	case err != nil && streaming:
		return s.fail(id, typeTruncated, "RequestId: "+id+" Error: the runtime did not finish its response",
			refuse(400, truncatedRequest, "HTTP request detected as truncated"))
	case err != nil:
		// Not an answer: the event stays with the runtime, which ends, times out or tries again.
		s.endPost(running)
		return refuse(400, truncatedRequest, "HTTP request detected as truncated")
	}
	if t := req.Body.Trailer.Get(errorTypeHeader); streaming && t != "" {
		return s.reply(link.TypeError, &link.ReplyMeta{ID: id, ErrorType: errorType(t)}, midstreamError(errorType(t), req.Body.Trailer))
	}
	return s.reply(link.TypeResult, &link.ReplyMeta{ID: id, ContentType: contentType(req.Header)}, body)
}

var tooLargeMessage = fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", lambda.MaxResponseBytes)

// midstreamError is the error object of a stream that failed midway, base64-encoded in a trailer.
func midstreamError(name string, trailer http1.Header) []byte {
	body, err := base64.StdEncoding.DecodeString(trailer.Get(errorBodyHeader))
	if err != nil || len(body) == 0 {
		return errorObject(name, "the function failed while it was sending its response")
	}
	return body
}

// reply ends a post with the runtime's answer.
func (s *Server) reply(t link.Type, meta *link.ReplyMeta, payload []byte) http1.Answer {
	err := s.send(t, meta, payload)
	s.endPost(answered)
	if err != nil {
		return s.broken(nil)
	}
	return accepted()
}

// fail ends a post that fails the invocation, with a refusal for the runtime.
func (s *Server) fail(id, errorType, message string, refusal http1.Answer) http1.Answer {
	err := s.send(link.TypeError, &link.ReplyMeta{ID: id, ErrorType: errorType}, errorObject(errorType, message))
	s.endPost(answered)
	if err != nil {
		return s.broken(nil)
	}
	return refusal
}

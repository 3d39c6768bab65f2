package runtimeapi

import (
	"errors"
	"fmt"
	"strings"

	"thaw.dev/thaw/agent/http1"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
)

const (
	modeHeader = "Lambda-Runtime-Function-Response-Mode"

	typeTooLarge    = "Function.ResponseSizeTooLarge"
	typeInvalidMode = "Runtime.InvalidResponseModeHeader"
)

// response is POST /2018-06-01/runtime/invocation/{id}/response: the result of an event, in mode "streaming" as the
// function makes it. For a caller that takes it like that, a body in chunks is a stream too: aws-lambda-go, for one,
// never says which mode it means. An error in the trailers is the function's in either mode.
func (s *Server) response(id string, req *http1.Request) http1.Answer {
	streams, refusal, ok := s.begin(id, "response")
	if !ok {
		return refusal
	}
	switch mode := req.Header.Get(modeHeader); {
	case strings.EqualFold(mode, "streaming"), mode == "" && streams && req.Body.Chunked():
		return s.stream(id, req)
	case mode != "":
		return s.fail(id, typeInvalidMode, "invalid "+modeHeader+" header",
			refuse(400, invalidMode, "Invalid function response mode"))
	}
	body, err := readBody(&req.Body)
	switch {
	case errors.Is(err, errTooLarge):
		return s.fail(id, typeTooLarge, tooLargeMessage, refuse(413, entityTooLarge, tooLargeMessage))
	case err != nil:
		// Not an answer: the event stays with the runtime, which ends, times out or tries again.
		s.endPost(running)
		return refuse(400, truncatedRequest, "HTTP request detected as truncated")
	}
	if errorType, object := midstreamError(req.Body.Trailer); errorType != "" {
		return s.reply(link.TypeError, &link.ReplyMeta{ID: id, ErrorType: errorType}, object)
	}
	return s.reply(link.TypeResult, &link.ReplyMeta{ID: id, ContentType: contentType(req.Header)}, body)
}

var tooLargeMessage = fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", lambda.MaxResponseBytes)

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

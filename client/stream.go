package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/eventstream"
)

// streamsPath is the path of streamed invocations, before and after the function's name.
const (
	streamsPrefix = "/2021-11-15/functions/"
	streamsSuffix = "/response-streaming-invocations"
)

// Stream is a function's answer while the function makes it. It is not safe for concurrent use.
type Stream struct {
	ExecutedVersion string
	RequestID       string // also the id in the function's log

	body io.ReadCloser
	r    *eventstream.Reader
	part []byte // of the chunk that was read last
	end  *StreamEnd
	err  error
}

// StreamEnd is how a streamed invocation ended.
type StreamEnd struct {
	ErrorCode    string // the type of error that ended the function; "" if it succeeded
	ErrorDetails []byte // its error object
	LogTail      []byte // up to 4 KiB of log, if asked for
}

// InvokeStream runs a function and returns its answer as soon as it begins, or the function has failed. The caller must
// close it. A dry run has no answer to stream: Invoke does it.
func (c *Client) InvokeStream(ctx context.Context, in InvokeInput) (*Stream, error) {
	if in.DryRun {
		return nil, errors.New("a dry run cannot be streamed")
	}
	resp, err := c.send(ctx, in.call(streamsPrefix+escape(in.Function)+streamsSuffix))
	if err != nil {
		return nil, err
	}
	return &Stream{
		ExecutedVersion: resp.Header.Get("X-Amz-Executed-Version"),
		RequestID:       resp.Header.Get("X-Amzn-Requestid"),
		body:            resp.Body,
		r:               eventstream.NewReader(resp.Body),
	}, nil
}

// Read reads what the function has answered so far, or waits for more. It returns io.EOF when the function has ended,
// also if it failed: see End. An answer that breaks off is io.ErrUnexpectedEOF.
func (s *Stream) Read(p []byte) (int, error) {
	for len(s.part) == 0 {
		if s.err == nil {
			s.err = s.next()
		}
		if s.err != nil {
			return 0, s.err
		}
	}
	n := copy(p, s.part)
	s.part = s.part[n:]
	return n, nil
}

// End returns how the invocation ended, nil before Read has returned io.EOF.
func (s *Stream) End() *StreamEnd { return s.end }

// Close ends the answer; the invocation goes on without anybody.
func (s *Stream) Close() error { return s.body.Close() }

// next reads one message. It is io.EOF after the last.
func (s *Stream) next() error {
	m, err := s.r.Next()
	switch {
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	case err != nil:
		return fmt.Errorf("streamed answer: %w", err)
	case m.Get(eventstream.MessageType) == "exception":
		return &Error{Code: m.Get(eventstream.ExceptionType), Message: string(m.Payload), Status: http.StatusOK, RequestID: s.RequestID}
	}
	switch kind := m.Get(eventstream.EventType); kind {
	case "PayloadChunk":
		s.part = m.Payload
	case "InvokeComplete":
		var c api.InvokeComplete
		if err := json.Unmarshal(m.Payload, &c); err != nil {
			return fmt.Errorf("end of a streamed answer: %w", err)
		}
		s.end = &StreamEnd{ErrorCode: c.ErrorCode, ErrorDetails: []byte(c.ErrorDetails), LogTail: c.LogResult}
		return io.EOF
	}
	return nil // other events are for later versions
}

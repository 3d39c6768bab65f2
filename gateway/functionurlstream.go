package gateway

import (
	"fmt"
	"net/http"
	"time"

	"thaw.dev/thaw/control"
	"thaw.dev/thaw/functionurl"
	"thaw.dev/thaw/invoke"
)

// streamURL answers with what the function streams. One that fails before its answer's head is complete gets a 502; one that
// fails later cannot: the connection breaks off, so that nobody takes what came for the whole.
func (c *call) streamURL(u *control.NamedURL, req *invoke.Request) error {
	to := &urlSink{call: c, url: u, control: http.NewResponseController(c.w)}
	result, err := c.invoker.Stream(c.r.Context(), req, to)
	if err != nil {
		return err
	}
	switch {
	case !to.begun && to.broken == nil && result.ErrorType == "":
		to.broken = fmt.Errorf("%w: it ended before its head", functionurl.ErrAnswer)
		fallthrough
	case !to.begun:
		c.urlTrace(result.TraceID)
		_ = to.control.SetWriteDeadline(time.Time{})
		return c.badFunction(u, to.broken)
	case result.ErrorType != "" || to.broken != nil:
		panic(http.ErrAbortHandler)
	}
	_ = to.control.SetWriteDeadline(time.Time{}) // for the connection's next answer
	return nil
}

// urlSink writes a streamed answer as that of a function URL.
type urlSink struct {
	*call
	url     *control.NamedURL
	control *http.ResponseController
	waiting bool // the answer's head is still to come
	prelude functionurl.Prelude
	begun   bool  // the answer's head was written
	broken  error // why nothing more can be written
}

var _ invoke.Sink = (*urlSink)(nil)

// Begin writes the head of an answer that has none of its own.
func (s *urlSink) Begin(head invoke.StreamHead) {
	s.urlTrace(head.TraceID)
	if s.waiting = head.ContentType == functionurl.StreamType; s.waiting {
		return
	}
	s.write(functionurl.PlainStream(head.ContentType))
}

func (s *urlSink) write(a *functionurl.Answer) {
	s.urlHead(s.url, a)
	s.w.WriteHeader(a.Status)
	s.begun = true
}

// Write passes bytes on, once the head is complete.
func (s *urlSink) Write(p []byte, by time.Time) error {
	if s.broken != nil {
		return s.broken
	}
	if s.waiting {
		var a *functionurl.Answer
		if a, p, s.broken = s.prelude.Add(p); a == nil {
			return s.broken
		}
		s.waiting = false
		s.write(a)
	}
	if s.broken = s.control.SetWriteDeadline(by); s.broken != nil {
		return s.broken
	}
	if s.status == http.StatusNoContent || s.status == http.StatusNotModified { // have no body
		return nil
	}
	if len(p) > 0 {
		_, s.broken = s.w.Write(p)
	}
	if s.broken == nil {
		s.broken = s.control.Flush()
	}
	return s.broken
}

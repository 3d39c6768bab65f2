package gateway

import (
	"encoding/json"
	"net/http"
	"time"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/eventstream"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

// streamHandlers is the operation whose answer is a stream.
var streamHandlers = map[string]handler{
	"InvokeWithResponseStream": {(*call).invokeWithResponseStream, lambda.MaxSyncPayloadBytes},
}

func (c *call) invokeWithResponseStream() error {
	h := c.r.Header
	kind, logType := h.Get("X-Amz-Invocation-Type"), h.Get("X-Amz-Log-Type")
	if err := api.CheckStreamInvocation(h); err != nil {
		return err
	}
	req, err := c.invocation(logType)
	if err != nil {
		return err
	}
	if kind == "DryRun" {
		return c.dryRun(req)
	}
	to := &eventSink{call: c, control: http.NewResponseController(c.w)}
	result, err := c.invoker.Stream(c.r.Context(), req, to)
	if err != nil {
		return err
	}
	return to.end(req, result)
}

// eventSink writes a streamed answer as messages of an event stream.
type eventSink struct {
	*call
	control *http.ResponseController
	message []byte // the one being written
	broken  error  // why nothing more can be written
}

// Messages of the stream. Source: the service's API model, InvokeWithResponseStreamResponseEvent.
var (
	chunkHeaders = []eventstream.Header{
		{Name: eventstream.EventType, Value: "PayloadChunk"},
		{Name: eventstream.ContentTypeOf, Value: "application/octet-stream"},
		{Name: eventstream.MessageType, Value: "event"},
	}
	completeHeaders = []eventstream.Header{
		{Name: eventstream.EventType, Value: "InvokeComplete"},
		{Name: eventstream.ContentTypeOf, Value: "application/json"},
		{Name: eventstream.MessageType, Value: "event"},
	}
)

// Begin writes the answer's header, which the first bytes take along.
func (s *eventSink) Begin(head invoke.StreamHead) {
	h := s.w.Header()
	h["Content-Type"] = []string{eventstream.ContentType}
	h["X-Amz-Executed-Version"] = []string{head.ExecutedVersion}
	s.answerTrace(head.TraceID)
	if len(head.Phases) > 0 {
		h["Server-Timing"] = []string{serverTiming(head.Phases)}
	}
	s.status = http.StatusOK
	s.w.WriteHeader(http.StatusOK)
}

// Write sends p as one message.
func (s *eventSink) Write(p []byte, by time.Time) error { return s.send(chunkHeaders, p, by) }

func (s *eventSink) send(headers []eventstream.Header, payload []byte, by time.Time) error {
	if s.broken != nil {
		return s.broken
	}
	if s.broken = s.control.SetWriteDeadline(by); s.broken != nil {
		return s.broken
	}
	s.message = eventstream.Append(s.message[:0], headers, payload)
	if _, s.broken = s.w.Write(s.message); s.broken == nil {
		s.broken = s.control.Flush()
	}
	return s.broken
}

// maxFarewell bounds the last message of a stream, which no function waits for.
const maxFarewell = 30 * time.Second

// end writes how the invocation ended.
func (s *eventSink) end(req *invoke.Request, result *invoke.StreamResult) error {
	if !result.Begun {
		s.Begin(invoke.StreamHead{ExecutedVersion: result.ExecutedVersion, Phases: result.Phases, TraceID: result.TraceID})
	}
	complete := api.InvokeComplete{ErrorCode: result.ErrorType, ErrorDetails: string(result.ErrorPayload)}
	if req.LogTail {
		complete.LogResult = result.LogTail
	}
	body, err := json.Marshal(complete)
	if err != nil {
		return err
	}
	if s.send(completeHeaders, body, time.Now().Add(maxFarewell)) != nil {
		panic(http.ErrAbortHandler) // nobody may take what was sent for a whole answer
	}
	_ = s.control.SetWriteDeadline(time.Time{}) // for the connection's next answer; it was possible a moment ago
	return nil
}

package client_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/eventstream"
)

// message is one message of a streamed answer.
func message(kind, name, payload string) string {
	of := eventstream.EventType
	if kind == "exception" {
		of = eventstream.ExceptionType
	}
	return string(eventstream.Append(nil, []eventstream.Header{{Name: eventstream.MessageType, Value: kind}, {Name: of, Value: name}}, []byte(payload)))
}

func streamOf(t *testing.T, body string) *client.Stream {
	t.Helper()
	c := serve(t, func(r received) answer {
		if r.method != "POST" || r.uri != "/2021-11-15/functions/hello/response-streaming-invocations?Qualifier=live" || r.body != "{}" || r.header.Get("X-Amz-Log-Type") != "Tail" {
			t.Errorf("sent %+v", r)
		}
		return answer{header: http.Header{"X-Amzn-RequestId": {"id-1"}, "X-Amz-Executed-Version": {"7"}}, body: body}
	})
	s, err := c.InvokeStream(t.Context(), client.InvokeInput{Function: "hello", Qualifier: "live", Payload: []byte("{}"), LogTail: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestInvokeStream(t *testing.T) {
	t.Parallel()
	s := streamOf(t, message("event", "PayloadChunk", "one ")+message("event", "PayloadChunk", "")+message("event", "Unknown", "x")+
		message("event", "PayloadChunk", "two")+message("event", "InvokeComplete", `{"ErrorCode":"Sandbox.Timedout","ErrorDetails":"{\"a\":1}","LogResult":"bG9n"}`))
	if s.End() != nil {
		t.Error("it has an end already")
	}
	b, err := io.ReadAll(s)
	if err != nil || string(b) != "one two" || s.ExecutedVersion != "7" || s.RequestID != "id-1" {
		t.Errorf("%q, %v, %+v", b, err, s)
	}
	if end := s.End(); end.ErrorCode != "Sandbox.Timedout" || string(end.ErrorDetails) != `{"a":1}` || string(end.LogTail) != "log" {
		t.Errorf("end %+v", end)
	}
	if n, err := s.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %d, %v", n, err)
	}
}

func TestInvokeStreamThatBreaks(t *testing.T) {
	t.Parallel()
	whole := message("event", "PayloadChunk", "one")
	for body, want := range map[string]error{whole: io.ErrUnexpectedEOF, whole + whole[:20]: io.ErrUnexpectedEOF, whole + "no message at all": eventstream.ErrMalformed} {
		s := streamOf(t, body)
		if b, err := io.ReadAll(s); !errors.Is(err, want) || string(b) != "one" || s.End() != nil {
			t.Errorf("%q, %v, want %v", b, err, want)
		}
	}
	_, err := io.ReadAll(streamOf(t, message("exception", "ServiceException", "text")))
	if e, ok := errors.AsType[*client.Error](err); !ok || e.Code != "ServiceException" || e.Message != "text" || e.RequestID != "id-1" {
		t.Errorf("got %v", err)
	}
	if _, err := io.ReadAll(streamOf(t, message("event", "InvokeComplete", "{"))); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}

func TestInvokeStreamRefused(t *testing.T) {
	t.Parallel()
	c := serve(t, func(received) answer {
		return answer{status: 404, header: http.Header{"X-Amzn-ErrorType": {"ResourceNotFoundException"}}, body: `{"Message":"none"}`}
	})
	if _, err := c.InvokeStream(t.Context(), client.InvokeInput{Function: "hello"}); !client.IsCode(err, "ResourceNotFoundException") {
		t.Errorf("got %v", err)
	}
	if _, err := c.InvokeStream(t.Context(), client.InvokeInput{Function: "hello", DryRun: true}); err == nil {
		t.Error("a dry run is streamed")
	}
}

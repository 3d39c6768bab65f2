package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/eventstream"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

const streaming = "/2021-11-15/functions/f/response-streaming-invocations"

// streamer answers with what the test put into stream; else it streams the event, in two parts.
type streamer struct {
	invoker
	stream func(req *invoke.Request, to invoke.Sink) (*invoke.StreamResult, error)
}

func (s *streamer) Stream(_ context.Context, req *invoke.Request, to invoke.Sink) (*invoke.StreamResult, error) {
	if s.stream != nil {
		return s.stream(req, to)
	}
	to.Begin(invoke.StreamHead{ExecutedVersion: "7", Phases: []invoke.Phase{{Name: invoke.PhaseThaw, Duration: time.Millisecond}}})
	half := len(req.Payload) / 2
	for _, p := range [][]byte{req.Payload[:half], req.Payload[half:]} {
		if err := to.Write(p, time.Now().Add(time.Minute)); err != nil {
			return nil, err
		}
	}
	return &invoke.StreamResult{ExecutedVersion: "7", Begun: true, LogTail: []byte("log")}, nil
}

// streamingServer is a server with the function f.
func streamingServer(t *testing.T) (*server, *streamer) {
	t.Helper()
	i := &streamer{}
	s := newServer(t, withInvoker(i))
	s.create("f", "")
	return s, i
}

// event is one message of a stream, in short.
func event(m *eventstream.Message) string {
	return m.Get(":message-type") + " " + m.Get(":event-type") + " " + m.Get(":content-type") + " " + string(m.Payload)
}

// events reads a whole stream.
func events(t *testing.T, body string) (all []string) {
	t.Helper()
	for r := eventstream.NewReader(strings.NewReader(body)); ; {
		m, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, event(m))
	}
}

func wantEvents(t *testing.T, a answer, want ...string) {
	t.Helper()
	if a.status != 200 || a.header.Get("Content-Type") != "application/vnd.amazon.eventstream" {
		t.Fatalf("%d %s %q", a.status, a.header.Get("Content-Type"), a.body)
	}
	if got := events(t, a.body); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("events\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const (
	chunk    = "event PayloadChunk application/octet-stream "
	complete = "event InvokeComplete application/json "
)

func TestInvokeWithResponseStream(t *testing.T) {
	s, i := streamingServer(t)
	a := s.do("POST", streaming+"?Qualifier=1", `{"abc":1}`, "X-Amz-Log-Type: Tail", "X-Amz-Client-Context: e30=")
	wantEvents(t, a, chunk+`{"ab`, chunk+`c":1}`, complete+`{"LogResult":"bG9n"}`)
	if a.header.Get("X-Amz-Executed-Version") != "7" || a.header.Get("Server-Timing") != "thaw;dur=1.000" || a.header.Get("Content-Length") != "" {
		t.Errorf("headers %v", a.header)
	}
	wantEvents(t, s.do("POST", streaming, `{}`, "X-Amz-Invocation-Type: RequestResponse"), chunk+"{", chunk+"}", complete+"{}")

	i.stream = func(req *invoke.Request, to invoke.Sink) (*invoke.StreamResult, error) {
		if req.Function != "f" || req.Qualifier != "2" || req.ClientContext != "{}" || !req.LogTail || req.ARN != fnARN+"f:2" || string(req.Payload) != "{}" {
			t.Errorf("request %+v", req)
		}
		return &invoke.StreamResult{ExecutedVersion: "2", TraceID: functionsTrace, ErrorType: "Sandbox.Timedout", ErrorPayload: []byte(`{"errorType":"x"}`), LogTail: []byte("log")}, nil
	}
	a = s.do("POST", streaming+"?Qualifier=2", "", "X-Amz-Log-Type: Tail", "X-Amz-Client-Context: e30=")
	wantEvents(t, a, complete+`{"ErrorCode":"Sandbox.Timedout","ErrorDetails":"{\"errorType\":\"x\"}","LogResult":"bG9n"}`)
	if a.header.Get("X-Amz-Executed-Version") != "2" || a.header.Get("X-Amzn-Trace-Id") != functionsTrace {
		t.Errorf("headers %v", a.header)
	}
}

// The bytes of a chunk, taken apart by hand.
func TestStreamOnTheWire(t *testing.T) {
	s, _ := streamingServer(t)
	got := s.do("POST", streaming, "12").body
	want := "\x00\x00\x00\x6b" + "\x00\x00\x00\x5a" + "\x00~!\xdf" +
		"\x0b:event-type\x07\x00\x0cPayloadChunk" +
		"\x0d:content-type\x07\x00\x18application/octet-stream" +
		"\x0d:message-type\x07\x00\x05event" +
		"1" + "\xa6|H\xea"
	if !strings.HasPrefix(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestStreamIsRefused(t *testing.T) {
	s, i := streamingServer(t)
	s.do("POST", streaming, "{}", "X-Amz-Invocation-Type: Event").wantError(t, 400, "ValidationException",
		`{"message":"1 validation error detected: Value 'Event' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [RequestResponse, DryRun]"}`)
	s.do("POST", streaming, "{").wantError(t, 400, "InvalidRequestContentException",
		`{"Type":"User","message":"Could not parse request body into json: Could not parse payload into json: unexpected end of JSON input"}`)
	s.do("POST", streaming, `"`+strings.Repeat("x", 6<<20-1)+`"`).wantError(t, 413, "RequestTooLargeException",
		`{"Type":"User","message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}`)
	s.do("POST", streaming, "{}", "X-Amz-Invocation-Type: DryRun").want(t, 204, "")
	none := strings.Replace(streaming, "/f/", "/none/", 1)
	s.do("POST", none, "{}", "X-Amz-Invocation-Type: DryRun").wantError(t, 404, "ResourceNotFoundException",
		`{"Type":"User","Message":"Function not found: `+fnARN+`none"}`)
	i.stream = func(*invoke.Request, invoke.Sink) (*invoke.StreamResult, error) {
		return nil, &lambda.Error{Kind: lambda.KindThrottled, Reason: "ConcurrentInvocationLimitExceeded", Msg: "Rate Exceeded."}
	}
	s.do("POST", streaming, "{}").wantError(t, 429, "TooManyRequestsException", `{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`)
}

// open sends a streaming invocation and returns its answer, of which nothing has been read.
func (s *server) open(ctx context.Context) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(ctx, "POST", s.url+streaming, strings.NewReader("{}"))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Test "+mine+" lambda")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestEachChunkIsFlushed(t *testing.T) {
	s, i := streamingServer(t)
	next := make(chan struct{})
	i.stream = func(_ *invoke.Request, to invoke.Sink) (*invoke.StreamResult, error) {
		to.Begin(invoke.StreamHead{ExecutedVersion: "$LATEST"})
		for _, p := range []string{"one", "two"} {
			if err := to.Write([]byte(p), time.Now().Add(time.Minute)); err != nil {
				t.Error(err)
			}
			<-next // the client has read it
		}
		return &invoke.StreamResult{Begun: true}, nil
	}
	r := eventstream.NewReader(s.open(t.Context()).Body)
	for _, want := range []string{chunk + "one", chunk + "two"} {
		m, err := r.Next()
		if err != nil || event(m) != want {
			t.Fatalf("%v, %v", m, err)
		}
		next <- struct{}{}
	}
	if m, err := r.Next(); err != nil || event(m) != complete+"{}" {
		t.Errorf("%v, %v", m, err)
	}
}

// A client that stops reading, or leaves, makes writes fail; its connection does not pass for a whole answer.
func TestStreamNobodyReads(t *testing.T) {
	s, i := streamingServer(t)
	failed := make(chan error, 1)
	i.stream = func(_ *invoke.Request, to invoke.Sink) (*invoke.StreamResult, error) {
		to.Begin(invoke.StreamHead{ExecutedVersion: "$LATEST"})
		part := bytes.Repeat([]byte("x"), 64<<10)
		for {
			if err := to.Write(part, time.Now().Add(200*time.Millisecond)); err != nil {
				failed <- err
				if to.Write(part, time.Now().Add(time.Minute)) == nil {
					t.Error("a broken answer can be written to")
				}
				return &invoke.StreamResult{Begun: true}, nil
			}
		}
	}
	resp := s.open(t.Context())
	<-failed
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("an answer that was cut off has an end")
	}
	ctx, leave := context.WithCancel(t.Context())
	s.open(ctx)
	leave()
	<-failed
	i.stream = nil
	wantEvents(t, s.do("POST", streaming, `12`), chunk+"1", chunk+"2", complete+"{}")
}

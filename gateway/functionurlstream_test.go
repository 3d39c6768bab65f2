package gateway_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/functionurl"
	"thaw.dev/thaw/invoke"
)

// streamedURL is a server whose function streams, and the host of its URL.
func streamedURL(t *testing.T) (*server, *streamer, string) {
	t.Helper()
	s, i := streamingServer(t)
	host := s.urlOf("", `{"AuthType":"NONE","InvokeMode":"RESPONSE_STREAM"}`)
	s.public("")
	return s, i, host
}

// streams makes the function answer with parts under a content type, and then fail with failure unless that is "".
func (s *streamer) streams(contentType, failure string, parts ...string) {
	s.stream = func(_ *invoke.Request, to invoke.Sink) (*invoke.StreamResult, error) {
		if len(parts) > 0 {
			to.Begin(invoke.StreamHead{ExecutedVersion: "$LATEST", ContentType: contentType, TraceID: functionsTrace})
		}
		for _, p := range parts {
			if to.Write([]byte(p), time.Now().Add(time.Minute)) != nil {
				break
			}
		}
		return &invoke.StreamResult{Begun: len(parts) > 0, ErrorType: failure, TraceID: functionsTrace}, nil
	}
}

func TestURLStreams(t *testing.T) {
	s, i, host := streamedURL(t)
	const end = "\x00\x00\x00\x00\x00\x00\x00\x00"
	for name, c := range map[string]struct {
		contentType, failure string
		parts                []string
		status               int
		body, gotType        string
	}{
		"no head":          {"", "", []string{"a", "b"}, 200, "ab", "application/octet-stream"},
		"own type":         {"text/html", "", []string{"<p>"}, 200, "<p>", "text/html"},
		"type is no value": {"a\r\nb", "", []string{"x"}, 200, "x", "application/octet-stream"},
		"head":             {functionurl.StreamType, "", []string{`{"statusCode":201,"headers":{"Content-Type":"text/css"},`, `"cookies":["a=1"]}` + end + "x", "y"}, 201, "xy", "text/css"},
		"head only":        {functionurl.StreamType, "", []string{`{"statusCode":204}` + end}, 204, "", "application/octet-stream"},
		"bad head":         {functionurl.StreamType, "", []string{`{"statusCode":1}` + end, "x"}, 502, "Internal Server Error", "application/json"},
		"half a head":      {functionurl.StreamType, "", []string{`{"statusCode"`}, 502, "Internal Server Error", "application/json"},
		"nothing":          {"", "Runtime.ExitError", nil, 502, "Internal Server Error", "application/json"},
		"failed in head":   {functionurl.StreamType, "Runtime.ExitError", []string{`{"statusCode"`}, 502, "Internal Server Error", "application/json"},
	} {
		i.streams(c.contentType, c.failure, c.parts...)
		a := s.visit(host, "GET", "/", "")
		if a.status != c.status || a.body != c.body || a.header.Get("Content-Type") != c.gotType || a.header.Get("X-Amzn-Trace-Id") != functionsTrace {
			t.Errorf("%s: %d %q %v", name, a.status, a.body, a.header)
		}
		if name == "head" && a.header.Get("Set-Cookie") != "a=1" {
			t.Errorf("cookies %v", a.header)
		}
	}
}

// The first bytes arrive before the function ends, and a failure after them cuts the answer off.
func TestURLStreamFailsMidway(t *testing.T) {
	s, i, host := streamedURL(t)
	seen := make(chan struct{})
	i.stream = func(_ *invoke.Request, to invoke.Sink) (*invoke.StreamResult, error) {
		to.Begin(invoke.StreamHead{ContentType: "text/plain"})
		if err := to.Write([]byte("first\n"), time.Now().Add(time.Minute)); err != nil {
			return nil, err
		}
		<-seen
		return &invoke.StreamResult{Begun: true, ErrorType: "Runtime.ExitError"}, nil
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b := bufio.NewReader(resp.Body)
	if line, err := b.ReadString('\n'); line != "first\n" || err != nil {
		t.Errorf("read %q, %v", line, err)
	}
	close(seen)
	if rest, err := io.ReadAll(b); err == nil {
		t.Errorf("a failed answer ends well, with %q", strings.TrimSpace(string(rest)))
	}
}

package traps_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/client"
)

// streamed says first, waits, and says last, with HTTP metadata before it.
const streamed = `
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, {
    statusCode: 207, headers: { 'content-type': 'text/x-trap', 'x-own': 'yes' }, cookies: ['a=1', 'b=2'] });
  stream.write('first');
  await new Promise((resolve) => setTimeout(resolve, event.wait ?? 1500));
  stream.end('last');
});
`

// gap reads until first is there, then the rest, and returns everything and the time between the two.
func gap(t *testing.T, r io.Reader, first string) (string, time.Duration) {
	t.Helper()
	var got strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(got.String(), first) {
		n, err := r.Read(buf)
		if err != nil {
			t.Fatalf("after %q: %v", got.String(), err)
		}
		got.Write(buf[:n])
	}
	if strings.Contains(got.String(), "last") {
		t.Errorf("the whole answer came at once: %q", got.String())
	}
	start := time.Now()
	rest, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return got.String() + string(rest), time.Since(start)
}

func TestStreaming(t *testing.T) {
	t.Parallel()
	s := server(t)
	name := javascript(t, streamed)
	const least = 300 * time.Millisecond // of the handler's 1,500

	stream, err := s.InvokeStream(t.Context(), client.InvokeInput{Function: name, Payload: []byte(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	body, between := gap(t, stream, "first")
	prelude, rest, ok := strings.Cut(body, strings.Repeat("\x00", 8))
	if !ok || !strings.Contains(prelude, `"statusCode":207`) || rest != "firstlast" {
		t.Errorf("InvokeWithResponseStream passes the metadata through: got %q", body)
	}
	if between < least {
		t.Errorf("the end came %v after the first chunk", between)
	}
	a := s.Do(t, "POST", "/2021-11-15/functions/"+name+"/response-streaming-invocations", `{"wait":5}`)
	if a.Status != 200 || a.Header.Get("Content-Type") != "application/vnd.amazon.eventstream" || a.Header.Get("X-Amz-Executed-Version") != "$LATEST" {
		t.Errorf("%d %v", a.Status, a.Header)
	}
	if !strings.Contains(a.Body, "PayloadChunk") || !strings.Contains(a.Body, "InvokeComplete") {
		t.Errorf("got %q", a.Body)
	}

	resp := s.VisitStream(t, publicURL(t, name, "RESPONSE_STREAM"))
	defer resp.Body.Close()
	body, between = gap(t, resp.Body, "first")
	if body != "firstlast" || between < least {
		t.Errorf("the URL answers %q, the end %v after the first chunk", body, between)
	}
	h := resp.Header
	if resp.StatusCode != 207 || h.Get("Content-Type") != "text/x-trap" || h.Get("X-Own") != "yes" || strings.Join(h["Set-Cookie"], " ") != "a=1 b=2" {
		t.Errorf("%d %v", resp.StatusCode, h)
	}
}

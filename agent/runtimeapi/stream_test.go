package runtimeapi_test

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"thaw.dev/thaw/link"
)

const (
	mode       = "Lambda-Runtime-Function-Response-Mode: "
	streamHead = "POST " + base + "invocation/id/response HTTP/1.1\r\n" + mode + "streaming\r\n" +
		"Content-Type: text/x\r\nTransfer-Encoding: chunked\r\n" +
		"Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n"
)

var (
	opened   = message{Type: link.TypeStream, Meta: link.ReplyMeta{ID: "id", ContentType: "text/x"}}
	finished = message{Type: link.TypeResult, Meta: link.ReplyMeta{ID: "id"}}
)

func part(text string) message { return message{Type: link.TypePart, Payload: text} }

func midway(errorType, payload string) message {
	return message{Type: link.TypeError, Meta: link.ReplyMeta{ID: "id", ErrorType: errorType}, Payload: payload}
}

func TestStreaming(t *testing.T) {
	t.Parallel()
	const failed = "0\r\nLambda-Runtime-Function-Error-Type: Function.Broken\r\n"
	unreadable := midway("Function.Broken", `{"errorMessage":"the function failed while it was sending its response","errorType":"Function.Broken"}`)
	for name, c := range map[string]struct {
		body   string
		status int
		leaves bool
		want   []message
	}{
		"finished": {"2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n", 202, false, []message{opened, part("ab"), part("cd"), finished}},
		"empty":    {"0\r\n\r\n", 202, false, []message{opened, finished}},
		"failed midway": {"2\r\nab\r\n" + failed + "Lambda-Runtime-Function-Error-Body: eyJlcnJvck1lc3NhZ2UiOiJ4In0=\r\n\r\n", 202, false,
			[]message{opened, part("ab"), midway("Function.Broken", `{"errorMessage":"x"}`)}},
		"failed before it began": {failed + "\r\n", 202, false, []message{unreadable}},
		"failed with garbage":    {failed + "Lambda-Runtime-Function-Error-Body: %%%\r\n\r\n", 202, false, []message{unreadable}},
		"broken off": {"2\r\nab\r\n5\r\nab", 400, true, []message{opened, part("ab"), part("ab"),
			midway("Runtime.TruncatedResponse", `{"errorMessage":"RequestId: id Error: the runtime did not finish its response","errorType":"Runtime.TruncatedResponse"}`)}},
		"no chunks": {"2\r\nab\r\nnot a chunk\r\n", 400, true, []message{opened, part("ab"),
			midway("Runtime.TruncatedResponse", `{"errorMessage":"RequestId: id Error: the runtime did not finish its response","errorType":"Runtime.TruncatedResponse"}`)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.ready("id")
			if a := w.raw(streamHead+c.body, c.leaves); !strings.HasPrefix(a, "HTTP/1.1 "+strconv.Itoa(c.status)) {
				t.Errorf("answer %q", a)
			}
			for _, want := range c.want {
				w.expect(want)
			}
			w.silent()
		})
	}
}

func TestStreamingWithALength(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ready("id")
	w.accepted(w.call("POST invocation/id/response", "abc", mode+"Streaming", "Content-Type: text/x"))
	for _, want := range []message{opened, part("abc"), finished} {
		w.expect(want)
	}
}

// Without a mode, a body in chunks is a stream for callers that take one; an error in its trailers counts for all.
func TestChunksWithoutAMode(t *testing.T) {
	t.Parallel()
	head := strings.Replace(streamHead, mode+"streaming\r\n", "", 1)
	const failed = "0\r\nLambda-Runtime-Function-Error-Type: Function.Broken\r\nLambda-Runtime-Function-Error-Body: e30=\r\n\r\n"
	whole := message{Type: link.TypeResult, Meta: opened.Meta, Payload: "abcd"}
	for name, c := range map[string]struct {
		streams bool
		body    string
		want    []message
	}{
		"wanted as a stream":       {true, "2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n", []message{opened, part("ab"), part("cd"), finished}},
		"wanted as a whole":        {false, "2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n", []message{whole}},
		"failed stream":            {true, "2\r\nab\r\n" + failed, []message{opened, part("ab"), midway("Function.Broken", "{}")}},
		"failed, wanted as whole":  {false, "2\r\nab\r\n" + failed, []message{midway("Function.Broken", "{}")}},
		"failed before it started": {true, failed, []message{midway("Function.Broken", "{}")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.readyFor(&link.Event{EventMeta: link.EventMeta{ID: "id", Stream: c.streams}, Payload: []byte("{}")})
			if a := w.raw(head+c.body, false); !strings.HasPrefix(a, "HTTP/1.1 202 ") {
				t.Errorf("answer %q", a)
			}
			for _, want := range c.want {
				w.expect(want)
			}
			w.silent()
		})
	}
}

func TestInvalidMode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ready("id")
	w.refused(w.call("POST invocation/id/response", "x", mode+"fast"), 400, "InvalidFunctionResponseMode")
	if m := <-w.sent; m.Type != link.TypeError || m.Meta.ErrorType != "Runtime.InvalidResponseModeHeader" {
		t.Errorf("host got %+v", m)
	}
	w.refused(w.call("POST invocation/id/response", "x"), 400, "InvalidRequestID")
}

// Each chunk reaches the host before the runtime sends the next, and nothing else may happen meanwhile.
func TestStreamingHasNoDelay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ready("id")
	c := w.dial()
	say := func(text string) {
		t.Helper()
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
	}
	say(streamHead + "3\r\none\r\n")
	w.expect(opened)
	w.expect(part("one"))
	w.refused(w.call("GET invocation/next", ""), 403, "InvalidStateTransition")
	w.refused(w.call("POST invocation/id/response", "x"), 403, "InvalidStateTransition")
	say("3\r\ntwo\r\n")
	w.expect(part("two"))
	say("0\r\n\r\n")
	w.expect(finished)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || res.StatusCode != 202 {
		t.Fatalf("%v %v", res, err)
	}
	_ = res.Body.Close()
	w.refused(w.call("POST invocation/id/response", "x"), 400, "InvalidRequestID")
}

// A host that takes its time makes the runtime wait; what is in the agent's memory stays small.
func TestStreamingWaitsForTheHost(t *testing.T) {
	t.Parallel()
	const parts = 1000
	taken, total := make(chan struct{}), 0
	w := &world{t: t, sent: make(chan message, 16)}
	w.open(func(ty link.Type, meta *link.ReplyMeta, payload []byte) error {
		switch ty {
		case link.TypePart:
			if len(payload) > 64<<10 {
				t.Errorf("part of %d bytes", len(payload))
			}
			total += len(payload)
			<-taken
		default:
			w.sent <- message{Type: ty, Meta: *cmpMeta(meta), Payload: string(payload)}
		}
		return nil
	})
	w.ready("id")
	c := w.dial()
	written := make(chan int)
	go func() { // ends with the stream
		n := 0
		_, _ = io.WriteString(c, streamHead)
		chunk := strconv.FormatInt(64<<10, 16) + "\r\n" + strings.Repeat("x", 64<<10) + "\r\n"
		for range parts {
			if _, err := io.WriteString(c, chunk); err != nil {
				break
			}
			n += 64 << 10
		}
		_, _ = io.WriteString(c, "0\r\n\r\n")
		written <- n
	}()
	w.expect(opened)
	select {
	case n := <-written:
		t.Errorf("the runtime could send %d bytes that nobody took", n)
	case taken <- struct{}{}: // one part
	}
	close(taken)
	n := <-written
	w.expect(finished)
	if n != total || n != parts*64<<10 {
		t.Errorf("%d bytes sent, %d taken", n, total)
	}
}

func cmpMeta(meta *link.ReplyMeta) *link.ReplyMeta {
	if meta == nil {
		return &link.ReplyMeta{}
	}
	return meta
}

func TestStreamingToALostHost(t *testing.T) {
	t.Parallel()
	for _, lost := range []link.Type{link.TypeStream, link.TypePart, link.TypeResult} {
		w := &world{t: t, sent: make(chan message, 16)}
		w.open(func(ty link.Type, _ *link.ReplyMeta, _ []byte) error {
			if ty == lost {
				return errors.New("gone")
			}
			w.sent <- message{Type: ty}
			return nil
		})
		w.ready("id")
		if a := w.raw(streamHead+"1\r\nx\r\n0\r\n\r\n", false); !strings.HasPrefix(a, "HTTP/1.1 500 ") {
			t.Errorf("%#x: %q", lost, a)
		}
	}
}

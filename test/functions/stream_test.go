package functions_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/node"
)

// streamingHandler does what its event says.
const streamingHandler = `
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let finished = 0;
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  const put = async (chunk) => { if (!stream.write(chunk)) await new Promise((resolve) => stream.once('drain', resolve)); };
  stream.setContentType('text/plain');
  await put('first');
  switch (event.do) {
    case 'pause': await later(1000); break;
    case 'large': for (let i = 0; i < event.mb; i++) await put(Buffer.alloc(1 << 20, i)); break;
    case 'throw': await later(5); throw new RangeError('on purpose');
    case 'exit': await later(5); process.exit(3);
    case 'hang': await later(60000); break;
    case 'memory': await later(5); for (const hold = [];;) hold.push(Buffer.alloc(8 << 20, 1));
    case 'prelude': stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201 }); break;
    case 'count': await put(String(finished)); break;
  }
  console.log('done');
  finished++;
  stream.end('last');
});
exports.plain = async (event) => ({ plain: 'x'.repeat(event.n) });
`

// stream opens a streamed invocation.
func stream(t *testing.T, s *thawtest.Server, name, event string) *client.Stream {
	t.Helper()
	out, err := s.InvokeStream(t.Context(), client.InvokeInput{Function: name, Payload: []byte(event), LogTail: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.Close() })
	return out
}

// all reads a whole answer.
func all(t *testing.T, s *thawtest.Server, name, event string) ([]byte, *client.StreamEnd) {
	t.Helper()
	out := stream(t, s, name, event)
	b, err := io.ReadAll(out)
	if err != nil {
		t.Fatalf("after %d bytes: %v", len(b), err)
	}
	return b, out.End()
}

// first reads "first" and returns what comes after it and how long that took.
func first(t *testing.T, out *client.Stream) (rest []byte, took time.Duration) {
	t.Helper()
	b := make([]byte, 5)
	if _, err := io.ReadFull(out, b); err != nil || string(b) != "first" {
		t.Fatalf("%q, %v", b, err)
	}
	begin := time.Now()
	rest, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	return rest, time.Since(begin)
}

func TestStreamNode(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, func(c *node.Config) { c.StreamRate = 0 })
	deploy := func(t *testing.T, handler string) string {
		return s.Deploy(t, thawtest.Function{Runtime: thawtest.Node(t), Handler: "index." + handler, Files: thawtest.Files{"index.js": streamingHandler}, Timeout: 3})
	}
	t.Run("first byte before the end", func(t *testing.T) {
		t.Parallel()
		out := stream(t, s, deploy(t, "handler"), `{"do":"pause"}`)
		rest, took := first(t, out)
		if string(rest) != "last" || took < 300*time.Millisecond || out.ExecutedVersion != "$LATEST" {
			t.Errorf("%q after %s", rest, took)
		}
		if end := out.End(); end.ErrorCode != "" || !strings.Contains(string(end.LogTail), "\tINFO\tdone") || !strings.Contains(string(end.LogTail), "REPORT RequestId: "+out.RequestID) {
			t.Errorf("%+v", end)
		}
	})
	t.Run("large", func(t *testing.T) {
		t.Parallel()
		name := deploy(t, "handler")
		b, end := all(t, s, name, `{"do":"large","mb":25}`)
		want := []byte("first")
		for i := range 25 {
			want = append(want, bytes.Repeat([]byte{byte(i)}, 1<<20)...)
		}
		if !bytes.Equal(b, append(want, "last"...)) || end.ErrorCode != "" {
			t.Errorf("%d bytes, want %d; %+v", len(b), len(want)+4, end)
		}
		if f := s.Fails(t, name, `{"do":"large","mb":25}`); f.Type != "Function.ResponseSizeTooLarge" {
			t.Errorf("invoked for a whole answer: %s", f.Raw)
		}
	})
	t.Run("failures", func(t *testing.T) {
		t.Parallel()
		name := deploy(t, "handler")
		for do, want := range map[string]struct{ code, details, log string }{
			"throw": {"RangeError", "on purpose", "Status: error\tError Type: RangeError"},
			"exit":  {"Runtime.ExitError", "exit status 3", "Status: error\tError Type: Runtime.ExitError"},
			"hang":  {"Sandbox.Timedout", timedOut(s, 3), "Status: timeout"},
		} {
			b, end := all(t, s, name, `{"do":"`+do+`"}`)
			if string(b) != "first" || end.ErrorCode != want.code || !strings.Contains(string(end.ErrorDetails), want.details) || !strings.Contains(string(end.LogTail), want.log) {
				t.Errorf("%s: %q, %s %s\n%s", do, b, end.ErrorCode, end.ErrorDetails, end.LogTail)
			}
		}
		if f := s.Fails(t, name, `{"do":"throw"}`); f.Type != "RangeError" {
			t.Errorf("invoked for a whole answer: %s", f.Raw)
		}
	})
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		name := s.Deploy(t, thawtest.Function{
			Runtime: thawtest.Node(t), Handler: "index.handler", Files: thawtest.Files{"index.js": streamingHandler}, MemoryMB: 192, Timeout: 60,
		})
		b, end := all(t, s, name, `{"do":"memory"}`)
		if string(b) != "first" || end.ErrorCode != "Runtime.OutOfMemory" || !strings.Contains(string(end.LogTail), "Error Type: Runtime.OutOfMemory") {
			t.Errorf("%q, %s %s\n%s", b, end.ErrorCode, end.ErrorDetails, end.LogTail)
		}
	})
	t.Run("a caller that leaves", func(t *testing.T) {
		t.Parallel()
		name := deploy(t, "handler")
		out := stream(t, s, name, `{"do":"large","mb":12}`)
		if _, err := io.ReadFull(out, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
		_ = out.Close()
		// It counts until it ends; the next one finds its environment, where it came to its end.
		for range time.Tick(time.Millisecond) {
			if len(s.Invocations()) == 0 {
				break
			}
		}
		if b, _ := all(t, s, name, `{"do":"count"}`); string(b) != "first1last" {
			t.Errorf("got %q", b)
		}
	})
	t.Run("not streamed", func(t *testing.T) {
		t.Parallel()
		name := deploy(t, "plain")
		b, end := all(t, s, name, `{"n":3000000}`)
		if string(b) != `{"plain":"`+strings.Repeat("x", 3000000)+`"}` || end.ErrorCode != "" {
			t.Errorf("%d bytes, %+v", len(b), end)
		}
		if b, end = all(t, s, name, `null`); len(b) != 0 || end.ErrorCode != "TypeError" {
			t.Errorf("%q, %+v", b, end)
		}
	})
	t.Run("invoked for a whole answer", func(t *testing.T) {
		t.Parallel()
		name := deploy(t, "handler")
		if out := s.Call(t, name, `{}`); string(out.Payload) != "firstlast" || out.FunctionError != "" {
			t.Errorf("%s %s", out.FunctionError, out.Payload)
		}
		if f := s.Fails(t, name, `{"do":"prelude"}`); f.Type != "Runtime.InvalidStreamingOperation" { // after the first byte
			t.Errorf("%s", f.Raw)
		}
	})
}

// A custom runtime streams through the Runtime API.
func TestStreamProvided(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, func(c *node.Config) { c.StreamRate = 0 })
	name := s.Deploy(t, thawtest.Function{Runtime: "provided.al2023", Handler: "x", Timeout: 3,
		Files: thawtest.Files{"bootstrap*": goBootstrap(t, "testdata/streamfunction")}})
	rest, took := first(t, stream(t, s, name, `{"first":"first","pause_ms":1000}`))
	if len(rest) != 0 || took < 300*time.Millisecond {
		t.Errorf("%q after %s", rest, took)
	}
	const n = 25 << 20
	if b, end := all(t, s, name, `{"bytes":26214400}`); len(b) != n || end.ErrorCode != "" {
		t.Errorf("%d bytes, %+v", len(b), end)
	}
	b, end := all(t, s, name, `{"first":"half","fail":"on purpose"}`)
	if string(b) != "half" || end.ErrorCode == "" || !strings.Contains(string(end.ErrorDetails), "on purpose") {
		t.Errorf("%q, %s %s", b, end.ErrorCode, end.ErrorDetails)
	}
	if b, end := all(t, s, name, `{"first":"half","pause_ms":60000}`); string(b) != "half" || end.ErrorCode != "Sandbox.Timedout" {
		t.Errorf("%q, %+v", b, end)
	}
	if out := s.Call(t, name, `{"first":"\"whole\""}`); string(out.Payload) != `"whole"` {
		t.Errorf("%s", out.Payload)
	}
}

// Later bytes pass at the operator's rate.
func TestStreamRate(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Node(t), Handler: "index.handler", Files: thawtest.Files{"index.js": streamingHandler}, Timeout: 20})
	_, took := first(t, stream(t, s, name, `{"do":"large","mb":9}`))
	if took < 1400*time.Millisecond {
		t.Errorf("9 MiB came in %s, want 6 MiB at once and 2 MiB/s after that", took)
	}
}

func TestStreamRefused(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	_, err := s.InvokeStream(t.Context(), client.InvokeInput{Function: "none"})
	if e, ok := errors.AsType[*client.Error](err); !ok || e.Code != "ResourceNotFoundException" || e.Status != 404 {
		t.Errorf("got %v", err)
	}
}

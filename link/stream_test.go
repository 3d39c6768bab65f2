package link_test

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/link"
)

// received is a Receiver that remembers.
type received struct {
	contentType string
	opened      int
	parts       []string
	each        func(part string) // may be nil
}

func (r *received) Open(contentType string) {
	r.contentType = contentType
	r.opened++
}

func (r *received) Receive(p []byte) {
	r.parts = append(r.parts, string(p))
	if r.each != nil {
		r.each(string(p))
	}
}

func (r *received) text() string { return strings.Join(r.parts, "") }

// opens begins a streamed result for the event that comes next.
func (g *guest) opens(id string) {
	g.t.Helper()
	g.expect(g.dr, link.TypeInvoke, nil)
	g.must(g.dw.Message(link.TypeStream, 0, link.ReplyMeta{ID: id, ContentType: "text/x"}, nil))
}

// plays runs what the guest does and waits for it at the test's end.
func (g *guest) plays(f func()) {
	done := make(chan struct{})
	go func() { // ends with the guest's steps, which fail when the files are closed
		defer close(done)
		f()
	}()
	g.t.Cleanup(func() { <-done })
}

func TestStreamArrivesWhileItIsMade(t *testing.T) {
	t.Parallel()
	s, g := open(t)
	seen := make(chan struct{})
	g.plays(func() {
		g.opens("a")
		g.must(g.dw.Frame(link.TypePart, 0, []byte("first ")))
		<-seen // the runtime goes on only when the host has what it sent
		g.must(g.dw.Frame(link.TypePart, 0, []byte("second")))
		g.must(g.dw.Message(link.TypeResult, link.FlagIdle, link.ReplyMeta{ID: "a"}, nil))
	})
	to := &received{}
	to.each = func(part string) {
		if part == "first " {
			close(seen)
		}
	}
	r, err := s.Stream(event("a"), soon(), 100, to)
	if err != nil || to.text() != "first second" || to.contentType != "text/x" || to.opened != 1 {
		t.Fatalf("%v, %+v", err, to)
	}
	if r.Failed || !r.Idle || r.Streamed != 12 || r.ContentType != "text/x" || len(r.Payload) != 0 {
		t.Errorf("reply %+v", r)
	}
}

func TestStreamIsCollectedForWhoWantsAResult(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limit    int
		want     string
		tooLarge bool
	}{{12, "first second", false}, {11, "", true}} {
		s, g := open(t)
		g.plays(func() {
			g.opens("a")
			g.must(g.dw.Frame(link.TypePart, 0, []byte("first ")))
			g.must(g.dw.Frame(link.TypePart, 0, []byte("second")))
			g.must(g.dw.Message(link.TypeResult, 0, link.ReplyMeta{ID: "a"}, nil))
		})
		r, err := s.Invoke(event("a"), soon(), c.limit)
		if err != nil || string(r.Payload) != c.want || r.TooLarge != c.tooLarge || r.Streamed != 12 || r.Idle {
			t.Errorf("limit %d: %v, %+v", c.limit, err, r)
		}
	}
}

func TestStreamFailsMidway(t *testing.T) {
	t.Parallel()
	s, g := open(t)
	g.plays(func() {
		g.opens("a")
		g.must(g.dw.Frame(link.TypePart, 0, []byte("half")))
		g.must(g.dw.Message(link.TypeError, link.FlagIdle, link.ReplyMeta{ID: "a", ErrorType: "Mine"}, []byte(`{"e":1}`)))
	})
	to := &received{}
	r, err := s.Stream(event("a"), soon(), 100, to)
	if err != nil || !r.Failed || r.ErrorType != "Mine" || string(r.Payload) != `{"e":1}` || !r.Idle || to.text() != "half" {
		t.Errorf("%v, %+v, received %q", err, r, to.text())
	}
}

func TestManySmallPartsAreJoined(t *testing.T) {
	t.Parallel()
	s, g := open(t)
	const n = 1000
	g.plays(func() {
		g.expect(g.dr, link.TypeInvoke, nil)
		var wire bytes.Buffer
		w := link.NewWriter(&wire)
		g.must(w.Message(link.TypeStream, 0, link.ReplyMeta{ID: "a"}, nil))
		for range n {
			g.must(w.Frame(link.TypePart, 0, []byte("x")))
		}
		g.must(w.Message(link.TypeResult, 0, link.ReplyMeta{ID: "a"}, nil))
		_, err := g.data.Write(wire.Bytes())
		g.must(err)
	})
	to := &received{}
	if _, err := s.Stream(event("a"), soon(), 100, to); err != nil || to.text() != strings.Repeat("x", n) {
		t.Fatalf("%v, %d bytes", err, len(to.text()))
	}
	if len(to.parts) > n/10 {
		t.Errorf("%d bytes in %d parts", n, len(to.parts))
	}
}

// A runtime may end while its host still takes what it sent.
func TestStreamOutlivesItsRuntime(t *testing.T) {
	t.Parallel()
	s, g := open(t)
	g.must(s.Start(link.StartRequest{}))
	g.expect(g.cr, link.TypeStart, nil)
	g.plays(func() {
		g.opens("a")
		g.must(g.dw.Frame(link.TypePart, 0, make([]byte, 100<<10)))
		g.must(g.dw.Frame(link.TypePart, 0, []byte("end")))
		g.must(g.cw.JSON(link.TypeExited, link.ExitMeta{Run: 1, Code: 7}))
	})
	to := &received{}
	to.each = func(part string) {
		for s.Ended() == nil {
			runtime.Gosched()
		}
		<-time.After(50 * time.Millisecond) // a slow receiver: longer than the grace after an end
	}
	_, err := s.Stream(event("a"), soon(), 100, to)
	if exit, ok := errors.AsType[*link.ExitError](err); !ok || exit.Code != 7 || len(to.text()) != 100<<10+3 {
		t.Errorf("%v, received %d bytes", err, len(to.text()))
	}
}

func TestHostileStreams(t *testing.T) {
	t.Parallel()
	begin := link.ReplyMeta{ID: "a"}
	for what, c := range map[string]struct {
		sends func(w *link.Writer) error
		want  error
	}{
		"stream of another request": {func(w *link.Writer) error {
			return w.Message(link.TypeStream, 0, link.ReplyMeta{ID: "b"}, nil)
		}, link.ErrProtocol},
		"payload at its begin":  {func(w *link.Writer) error { return w.Message(link.TypeStream, 0, begin, []byte("x")) }, link.ErrProtocol},
		"begin without meta":    {func(w *link.Writer) error { return w.Frame(link.TypeStream, 0, nil) }, link.ErrProtocol},
		"begin with a flag":     {func(w *link.Writer) error { return w.Message(link.TypeStream, link.FlagIdle, begin, nil) }, link.ErrProtocol},
		"part without a begin":  {func(w *link.Writer) error { return w.Frame(link.TypePart, 0, []byte("x")) }, link.ErrProtocol},
		"empty part":            {after(begin, func(w *link.Writer) error { return w.Frame(link.TypePart, 0, nil) }), link.ErrProtocol},
		"part with a flag":      {after(begin, func(w *link.Writer) error { return w.Frame(link.TypePart, link.FlagIdle, []byte("x")) }), link.ErrProtocol},
		"two begins":            {after(begin, func(w *link.Writer) error { return w.Message(link.TypeStream, 0, begin, nil) }), link.ErrProtocol},
		"idle inside":           {after(begin, func(w *link.Writer) error { return w.Frame(link.TypeIdle, 0, nil) }), link.ErrProtocol},
		"payload at its end":    {after(begin, func(w *link.Writer) error { return w.Message(link.TypeResult, 0, begin, []byte("x")) }), link.ErrProtocol},
		"end of another":        {after(begin, func(w *link.Writer) error { return w.Message(link.TypeResult, 0, link.ReplyMeta{ID: "b"}, nil) }), link.ErrProtocol},
		"nothing after a while": {after(begin, func(*link.Writer) error { return nil }), link.ErrTimeout},
		"endless": {after(begin, func(w *link.Writer) error {
			part := make([]byte, link.MaxFrameBytes)
			for range link.MaxStreamBytes/len(part) + 1 {
				if err := w.Frame(link.TypePart, 0, part); err != nil {
					return err
				}
			}
			return nil
		}), link.ErrStreamTooLong},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s, g := open(t)
			g.plays(func() {
				g.expect(g.dr, link.TypeInvoke, nil)
				g.must(c.sends(g.dw))
			})
			deadline := soon()
			if errors.Is(c.want, link.ErrTimeout) {
				deadline = time.Now().Add(50 * time.Millisecond)
			}
			if _, err := s.Stream(event("a"), deadline, 100, &received{}); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// after sends the begin of a stream first.
func after(begin link.ReplyMeta, then func(*link.Writer) error) func(*link.Writer) error {
	return func(w *link.Writer) error {
		if err := w.Message(link.TypeStream, 0, begin, nil); err != nil {
			return err
		}
		return then(w)
	}
}

// FuzzStream has a sandbox send arbitrary bytes as its answer: whatever they are, no more reaches the receiver than was
// sent, in order of calls, and the end is a reply or an error that callers can tell apart.
func FuzzStream(f *testing.F) {
	wire := func(sends func(w *link.Writer)) string {
		var b bytes.Buffer
		sends(link.NewWriter(&b))
		return b.String()
	}
	meta := link.ReplyMeta{ID: "a"}
	f.Add(wire(func(w *link.Writer) {
		_ = w.Message(link.TypeStream, 0, meta, nil)
		_ = w.Frame(link.TypePart, 0, []byte("one"))
		_ = w.Frame(link.TypePart, 0, []byte("two"))
		_ = w.Message(link.TypeResult, link.FlagIdle, meta, nil)
	}))
	f.Add(wire(func(w *link.Writer) {
		_ = w.Message(link.TypeStream, 0, meta, nil)
		_ = w.Message(link.TypeError, 0, meta, []byte("{}"))
	}))
	f.Add(wire(func(w *link.Writer) {
		_ = w.Message(link.TypeStream, 0, meta, nil)
		_ = w.Frame(link.TypePart, 0, nil)
	}))
	f.Fuzz(func(t *testing.T, onData string) {
		if len(onData) > 16<<10 {
			return // more than a socket's buffer takes at once
		}
		s, g := open(t)
		done := make(chan struct{})
		go func() { // ends with its sockets
			defer close(done)
			_, _ = g.dr.Next()
			_, _ = g.data.WriteString(onData)
			_, _ = g.control.Close(), g.data.Close()
		}()
		to := &received{}
		r, err := s.Stream(event("a"), soon(), 1000, to)
		if err != nil && !errors.Is(err, link.ErrProtocol) && !errors.Is(err, link.ErrClosed) {
			t.Fatalf("got %v", err)
		}
		if to.opened > 1 || len(to.text()) > len(onData) || (to.opened == 0 && len(to.parts) > 0) {
			t.Fatalf("opened %d times, received %d of %d bytes", to.opened, len(to.text()), len(onData))
		}
		if err == nil && r.Streamed != int64(len(to.text())) {
			t.Fatalf("%d bytes received, reply %+v", len(to.text()), r)
		}
		<-done
	})
}

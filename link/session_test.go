package link_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"thaw.dev/thaw/link"
)

// guest plays the inside of a sandbox, one step at a time.
type guest struct {
	t             *testing.T
	control, data *os.File
	cr, dr        *link.Reader
	cw, dw        *link.Writer
}

func open(t *testing.T) (*link.Session, *guest) {
	t.Helper()
	hc, gc := pair(t)
	hd, gd := pair(t)
	g := &guest{t, gc, gd, link.NewReader(gc), link.NewReader(gd), link.NewWriter(gc), link.NewWriter(gd)}
	g.must(g.cw.JSON(link.TypeHello, link.HelloMeta{Version: link.Version}))
	s, err := link.Open(t.Context(), hc, hd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, g
}

func (g *guest) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Error(err)
	}
}

func (g *guest) expect(r *link.Reader, want link.Type, into any) {
	g.t.Helper()
	f, err := r.Next()
	if err != nil || f.Type != want {
		g.t.Errorf("guest got %#x, %v; want %#x", f.Type, err, want)
		return
	}
	if into != nil {
		g.must(json.Unmarshal(f.Body, into))
	}
}

func soon() time.Time { return time.Now().Add(10 * time.Second) }

func event(id string) *link.Event {
	return &link.Event{EventMeta: link.EventMeta{ID: id}, Payload: []byte(`{"n":1}`)}
}

func TestSessionWholeConversation(t *testing.T) {
	t.Parallel()
	s, g := open(t)
	go func() {
		var start link.StartRequest
		g.expect(g.cr, link.TypeStart, &start)
		var sp link.Specialisation
		g.expect(g.dr, link.TypeSpecialise, &sp)
		if start.Run != 1 || sp.Handler != "app.handler" {
			t.Errorf("run %d, handler %q", start.Run, sp.Handler)
		}
		g.must(g.dw.Frame(link.TypeReady, 0, nil))
		g.expect(g.dr, link.TypeInvoke, nil)
		g.must(g.dw.Message(link.TypeResult, link.FlagIdle, link.ReplyMeta{ID: "a"}, []byte("1")))
		g.expect(g.dr, link.TypeInvoke, nil)
		g.must(g.dw.Message(link.TypeError, 0, link.ReplyMeta{ID: "b", ErrorType: "E"}, []byte("2")))
		g.must(g.dw.Frame(link.TypeIdle, 0, nil))
	}()
	if err := s.Start(link.StartRequest{Kind: link.KindFrames}); err != nil {
		t.Fatal(err)
	}
	if err := s.Specialise(link.Specialisation{Handler: "app.handler"}, soon()); err != nil {
		t.Fatal(err)
	}
	if err := s.AwaitReady(soon()); err != nil {
		t.Fatal(err)
	}
	r, err := s.Invoke(event("a"), soon(), 100)
	if err != nil || string(r.Payload) != "1" || r.Failed || !r.Idle {
		t.Fatalf("first reply %+v, %v", r, err)
	}
	r, err = s.Invoke(event("b"), soon(), 100)
	if err != nil || string(r.Payload) != "2" || !r.Failed || r.Idle || r.ErrorType != "E" {
		t.Fatalf("second reply %+v, %v", r, err)
	}
	if err := s.AwaitIdle(soon()); err != nil {
		t.Fatal(err)
	}
}

func TestSessionNamesHowAnInvocationEnded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		guest func(g *guest)
		check func(err error) bool
	}{
		"exit": {
			func(g *guest) { g.must(g.cw.JSON(link.TypeExited, link.ExitMeta{Run: 1, Code: 3})) },
			func(err error) bool { e, ok := errors.AsType[*link.ExitError](err); return ok && e.Code == 3 },
		},
		"answer to another request": {
			func(g *guest) { g.must(g.dw.Message(link.TypeResult, 0, link.ReplyMeta{ID: "other"}, nil)) },
			func(err error) bool { return errors.Is(err, link.ErrProtocol) },
		},
		"garbage": {
			func(g *guest) { _, err := g.data.WriteString("Hello, world!\n"); g.must(err) },
			func(err error) bool { return errors.Is(err, link.ErrProtocol) },
		},
		"garbage on control": {
			func(g *guest) { _, err := g.control.WriteString("Hello, world!\n"); g.must(err) },
			func(err error) bool { return errors.Is(err, link.ErrProtocol) },
		},
		"frame that does not belong": {
			func(g *guest) { g.must(g.dw.Frame(link.TypeReady, 0, nil)) },
			func(err error) bool { return errors.Is(err, link.ErrProtocol) },
		},
		"sandbox gone": {
			func(g *guest) { _ = g.control.Close(); _ = g.data.Close() },
			func(err error) bool { return errors.Is(err, link.ErrClosed) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, g := open(t)
			if err := s.Start(link.StartRequest{}); err != nil {
				t.Fatal(err)
			}
			go func() {
				g.expect(g.cr, link.TypeStart, nil)
				g.expect(g.dr, link.TypeInvoke, nil)
				c.guest(g)
			}()
			if _, err := s.Invoke(event("a"), soon(), 100); !c.check(err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSessionAnswerSentBeforeExitStillCounts(t *testing.T) {
	t.Parallel()
	s, g := open(t)
	if err := s.Start(link.StartRequest{}); err != nil {
		t.Fatal(err)
	}
	go func() {
		g.expect(g.dr, link.TypeInvoke, nil)
		g.must(g.dw.Message(link.TypeResult, 0, link.ReplyMeta{ID: "a"}, []byte("done")))
		g.must(g.cw.JSON(link.TypeExited, link.ExitMeta{Run: 1, Code: 1}))
	}()
	r, err := s.Invoke(event("a"), soon(), 100)
	if err != nil || string(r.Payload) != "done" {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := s.AwaitIdle(soon()); err == nil {
		t.Error("AwaitIdle succeeded after the runtime ended")
	}
}

func TestSessionTimesOutAndIsResetInPlace(t *testing.T) {
	t.Parallel()
	s, g := open(t)
	if err := s.Start(link.StartRequest{}); err != nil {
		t.Fatal(err)
	}
	go func() {
		g.expect(g.cr, link.TypeStart, nil)
		g.expect(g.dr, link.TypeInvoke, nil)
		f, err := g.cr.Next() // the reset
		if err != nil || f.Type != link.TypeReset {
			t.Errorf("guest got %#x, %v; want a reset", f.Type, err)
			return
		}
		_, err = g.data.WriteString("half a fra") // what the killed runtime left
		g.must(err)
		g.must(g.cw.JSON(link.TypeExited, link.ExitMeta{Run: 1, Code: -1, Signal: "killed"}))
		g.must(g.dw.Frame(link.TypeSync, 0, f.Body))
		var again link.StartRequest
		g.expect(g.cr, link.TypeStart, &again)
		if again.Run <= 1 {
			t.Errorf("second run has number %d", again.Run)
		}
		g.must(g.dw.Frame(link.TypeReady, 0, nil))
	}()
	if _, err := s.Invoke(event("a"), time.Now().Add(time.Millisecond), 100); !errors.Is(err, link.ErrTimeout) {
		t.Fatalf("got %v, want ErrTimeout", err)
	}
	if err := s.Reset(soon()); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(link.StartRequest{}); err != nil {
		t.Fatal(err)
	}
	if err := s.AwaitReady(soon()); err != nil {
		t.Fatal(err)
	}
}

// Warm is said once at most, before Ready, and the host need not have waited for it.
func TestSessionWarm(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		idles     int
		await, ok bool
	}{
		"awaited":             {idles: 1, await: true, ok: true},
		"not awaited":         {idles: 1, ok: true},
		"not said":            {idles: 0, ok: true},
		"said twice":          {idles: 2},
		"said twice, awaited": {idles: 2, await: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, g := open(t)
			for range c.idles {
				g.must(g.dw.Frame(link.TypeIdle, 0, nil))
			}
			g.must(g.dw.Frame(link.TypeReady, 0, nil))
			if c.await {
				if err := s.AwaitWarm(soon()); err != nil {
					t.Fatal(err)
				}
			}
			err := s.AwaitReady(soon())
			if c.ok && err != nil || !c.ok && !errors.Is(err, link.ErrProtocol) {
				t.Errorf("got %v", err)
			}
		})
	}
	s, g := open(t)
	g.must(g.dw.Frame(link.TypeReady, 0, nil))
	if err := s.AwaitWarm(soon()); !errors.Is(err, link.ErrProtocol) {
		t.Errorf("ready without a function: %v", err)
	}
}

func TestSessionInitErrorCarriesThePayload(t *testing.T) {
	t.Parallel()
	s, g := open(t)
	g.must(g.dw.Message(link.TypeInitError, 0, link.ReplyMeta{ErrorType: "Runtime.X"}, []byte(`{"a":1}`)))
	err := s.AwaitReady(soon())
	e, ok := errors.AsType[*link.InitError](err)
	if !ok || e.ErrorType != "Runtime.X" || string(e.Payload) != `{"a":1}` {
		t.Fatalf("got %v", err)
	}
}

func TestOpenRefusesAnAgentOfAnotherVersion(t *testing.T) {
	t.Parallel()
	hc, gc := pair(t)
	hd, _ := pair(t)
	if err := link.NewWriter(gc).JSON(link.TypeHello, link.HelloMeta{Version: link.Version + 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := link.Open(t.Context(), hc, hd); !errors.Is(err, link.ErrProtocol) {
		t.Errorf("got %v", err)
	}
}

func TestOpenStopsWithItsContext(t *testing.T) {
	t.Parallel()
	hc, _ := pair(t)
	hd, _ := pair(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := link.Open(ctx, hc, hd); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

package link_test

import (
	"context"
	"errors"
	"os"
	"reflect"
	"testing"
	"time"

	"thaw.dev/thaw/link"
)

// restored plays a sandbox restored from a checkpoint, which says no hello.
func restored(t *testing.T) (control, data *os.File, g *guest) {
	t.Helper()
	hc, gc := pair(t)
	hd, gd := pair(t)
	return hc, hd, &guest{t, gc, gd, link.NewReader(gc), link.NewReader(gd), link.NewWriter(gc), link.NewWriter(gd)}
}

// pong answers one ping.
func (g *guest) pong() {
	g.t.Helper()
	f, err := g.cr.Next()
	if err != nil || f.Type != link.TypePing || len(f.Body) != link.NonceBytes {
		g.t.Errorf("guest got %#x of %d bytes, %v; want a ping", f.Type, len(f.Body), err)
		return
	}
	g.must(g.cw.Frame(link.TypePong, 0, f.Body))
}

func TestSnapshotIsPreparedAndARestoredCopyGoesOn(t *testing.T) {
	t.Parallel()
	s, g := open(t)
	go func() {
		g.expect(g.cr, link.TypeStart, nil)
		g.expect(g.dr, link.TypeSnapshot, nil)
		g.must(g.dw.Frame(link.TypeReady, 0, nil))
	}()
	if err := s.Start(link.StartRequest{}); err != nil {
		t.Fatal(err)
	}
	if err := s.PrepareSnapshot(soon()); err != nil {
		t.Fatal(err)
	}

	control, data, g := restored(t)
	go func() {
		g.pong()
		var r link.Restoration
		g.expect(g.dr, link.TypeRestored, &r)
		if r.Env["A"] != "b" || string(r.Entropy) != "0123456789abcdef0123456789abcdef" {
			t.Errorf("restoration %+v", r)
		}
		g.must(g.dw.Frame(link.TypeReady, 0, nil))
		g.expect(g.dr, link.TypeInvoke, nil)
		g.must(g.dw.Message(link.TypeResult, link.FlagIdle, link.ReplyMeta{ID: "a"}, []byte("1")))
		g.expect(g.dr, link.TypeInvoke, nil)
		g.must(g.cw.JSON(link.TypeExited, link.ExitMeta{Run: 1, Code: 3}))
	}()
	s, err := link.Reopen(t.Context(), control, data, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := link.Restoration{Env: map[string]string{"A": "b"}, Entropy: []byte("0123456789abcdef0123456789abcdef")}
	if err := s.Restored(r, soon()); err != nil {
		t.Fatal(err)
	}
	if reply, err := s.Invoke(event("a"), soon(), 100); err != nil || string(reply.Payload) != "1" {
		t.Fatalf("reply %+v, %v", reply, err)
	}
	_, err = s.Invoke(event("b"), soon(), 100)
	if e, ok := errors.AsType[*link.ExitError](err); !ok || e.Code != 3 {
		t.Errorf("got %v: the exit of run 1 is the current run's", err)
	}
}

// TestSnapshotStepsNameWhatWentWrong has both steps end in every way there is.
func TestSnapshotStepsNameWhatWentWrong(t *testing.T) {
	t.Parallel()
	steps := map[string]struct {
		order link.Type
		step  func(*link.Session, time.Time) error
	}{
		"prepare":  {link.TypeSnapshot, (*link.Session).PrepareSnapshot},
		"restored": {link.TypeRestored, func(s *link.Session, d time.Time) error { return s.Restored(link.Restoration{}, d) }},
	}
	for name, c := range map[string]struct {
		guest func(g *guest)
		check func(err error) bool
	}{
		"hook failed": {
			func(g *guest) {
				g.must(g.dw.Message(link.TypeInitError, 0, link.ReplyMeta{ErrorType: "Runtime.X"}, []byte(`{}`)))
			},
			func(err error) bool {
				e, ok := errors.AsType[*link.InitError](err)
				return ok && e.ErrorType == "Runtime.X" && string(e.Payload) == "{}"
			},
		},
		"exit": {
			func(g *guest) { g.must(g.cw.JSON(link.TypeExited, link.ExitMeta{Run: 1, Code: 3})) },
			func(err error) bool { e, ok := errors.AsType[*link.ExitError](err); return ok && e.Code == 3 },
		},
		"an answer to no event": {
			func(g *guest) { g.must(g.dw.Message(link.TypeResult, 0, link.ReplyMeta{}, nil)) },
			func(err error) bool { return errors.Is(err, link.ErrProtocol) },
		},
		"gone": {
			func(g *guest) { _ = g.control.Close(); _ = g.data.Close() },
			func(err error) bool { return errors.Is(err, link.ErrClosed) },
		},
	} {
		for what, st := range steps {
			t.Run(what+" "+name, func(t *testing.T) {
				t.Parallel()
				s, g := open(t)
				if err := s.Start(link.StartRequest{}); err != nil {
					t.Fatal(err)
				}
				go func() {
					g.expect(g.cr, link.TypeStart, nil)
					g.expect(g.dr, st.order, nil)
					c.guest(g)
				}()
				if err := st.step(s, soon()); !c.check(err) {
					t.Errorf("got %v", err)
				}
			})
		}
	}
	for what, st := range steps {
		s, _ := open(t)
		if err := st.step(s, time.Now().Add(time.Millisecond)); !errors.Is(err, link.ErrTimeout) {
			t.Errorf("%s: got %v, want ErrTimeout", what, err)
		}
	}
}

func TestReopenKnowsOfARuntimeThatEndedBefore(t *testing.T) {
	t.Parallel()
	control, data, g := restored(t)
	go func() {
		g.must(g.cw.JSON(link.TypeExited, link.ExitMeta{Run: 1, Code: -1, Signal: "killed"}))
		g.pong()
	}()
	s, err := link.Reopen(t.Context(), control, data, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if e, ok := errors.AsType[*link.ExitError](s.Restored(link.Restoration{}, soon())); !ok || e.Signal != "killed" {
		t.Errorf("got %v", e)
	}
}

func TestReopenRefusesWhatIsNoLivingAgent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		guest func(g *guest)
		want  error
	}{
		"another nonce": {func(g *guest) { g.must(g.cw.Frame(link.TypePong, 0, make([]byte, link.NonceBytes))) }, link.ErrProtocol},
		"hello":         {func(g *guest) { g.must(g.cw.JSON(link.TypeHello, link.HelloMeta{Version: link.Version})) }, link.ErrProtocol},
		"garbage":       {func(g *guest) { _, err := g.control.WriteString("Hello, world!\n"); g.must(err) }, link.ErrProtocol},
		"bad exit":      {func(g *guest) { g.must(g.cw.Frame(link.TypeExited, 0, []byte("{"))) }, link.ErrProtocol},
		"gone":          {func(g *guest) { _ = g.control.Close() }, link.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			control, data, g := restored(t)
			c.guest(g)
			if _, err := link.Reopen(t.Context(), control, data, nil); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestReopenStopsWithItsContext(t *testing.T) {
	t.Parallel()
	control, data, _ := restored(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := link.Reopen(ctx, control, data, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// FuzzSession has a sandbox send arbitrary bytes on both channels while the host goes through a restored copy's first
// steps: whatever they are, every step ends in nothing worse than an error.
func FuzzSession(f *testing.F) {
	const ready, idle = "\x50\x00\x00\x00\x00\x00\x00\x00", "\x54\x00\x00\x00\x00\x00\x00\x00"
	const initError = "\x51\x00\x00\x00\x1e\x00\x00\x00\x16\x00\x00\x00" + `{"error_type":"Fault"}` + `{}  `
	const exited = "\x41\x00\x00\x00\x12\x00\x00\x00" + `{"run":1,"code":3}`
	f.Add("", ready+ready)
	f.Add("", initError)
	f.Add(exited, ready)
	f.Add("", idle)
	f.Add("\x42\x00\x00\x00\x00\x00\x00\x00", ready+"\x51\x01\x00\x00\x00\x00\x00\x00")
	f.Fuzz(func(t *testing.T, onControl, onData string) {
		if len(onControl)+len(onData) > 16<<10 {
			return // more than a socket's buffer takes at once
		}
		control, data, g := restored(t)
		done := make(chan struct{})
		go func() { // ends with its sockets
			defer close(done)
			f, err := g.cr.Next()
			if err != nil {
				return
			}
			_ = g.cw.Frame(link.TypePong, 0, f.Body)
			_, _ = g.control.WriteString(onControl)
			_, _ = g.data.WriteString(onData)
			_ = g.control.Close()
			_ = g.data.Close()
		}()
		s, err := link.Reopen(t.Context(), control, data, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for _, err := range []error{s.PrepareSnapshot(soon()), s.Restored(link.Restoration{}, soon())} {
			if _, failed := errors.AsType[*link.InitError](err); err == nil || failed {
				continue
			}
			_, broke := errors.AsType[*link.ExtensionError](err)
			if _, ended := errors.AsType[*link.ExitError](err); !ended && !broke && !errors.Is(err, link.ErrProtocol) && !errors.Is(err, link.ErrClosed) {
				t.Fatalf("got %v", err)
			}
		}
		<-done
	})
}

// TestAdopt: a session goes on with extensions that another one saw register, and takes no state that makes no sense.
func TestAdopt(t *testing.T) {
	t.Parallel()
	open := func(state link.ExtensionState) (link.ExtensionState, error) {
		control, data, g := restored(t)
		go func() { // ends with its pong, or with the test's sockets
			if f, err := g.cr.Next(); err == nil {
				_ = g.cw.JSON(link.TypeListening, link.ExtensionMeta{Era: state.Era, Name: "a"}) // what goes on inside may be quicker
				_ = g.cw.Frame(link.TypePong, 0, f.Body)
			}
		}()
		s, err := link.Reopen(t.Context(), control, data, func(s *link.Session) error { return s.Adopt(state) })
		if err != nil {
			return link.ExtensionState{}, err
		}
		defer s.Close()
		if want := link.ExternalShutdown; s.ShutdownBudget() != want {
			t.Errorf("shutdown takes %v, want %v", s.ShutdownBudget(), want)
		}
		return s.ExtensionState(), nil
	}
	good := link.ExtensionState{Era: 2, Extensions: []link.Extension{{Name: "a", External: true, Events: []string{link.EventInvoke}}, {Name: "b"}},
		Subscriptions: []link.Subscription{{ID: 3, Name: "a", Types: []string{"platform"}}}}
	if got, err := open(good); err != nil || !reflect.DeepEqual(got, good) {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, bad := range map[string]link.ExtensionState{
		"too many":     {Extensions: make([]link.Extension, link.MaxExtensions+1)},
		"no name":      {Extensions: make([]link.Extension, 1)},
		"subscription": {Subscriptions: []link.Subscription{{ID: -1, Name: "a", Types: []string{"platform"}}}},
	} {
		if _, err := open(bad); !errors.Is(err, link.ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

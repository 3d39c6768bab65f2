package link_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"thaw.dev/thaw/link"
)

// ask plays the agent that asks the host, and returns the answer.
func (g *guest) ask(q link.AskMeta) link.AnswerMeta {
	g.t.Helper()
	var a link.AnswerMeta
	g.must(g.cw.JSON(link.TypeAsk, q))
	g.expect(g.cr, link.TypeAnswer, &a)
	if a.ID != q.ID {
		g.t.Errorf("answer to %d, asked %d", a.ID, q.ID)
	}
	return a
}

func (g *guest) says(ty link.Type, m link.ExtensionMeta) { g.must(g.cw.JSON(ty, m)) }

var about = link.Description{Function: "f", Version: "1", Handler: "a.b", Account: "0", Zone: "use1-az1", Token: "secret"}

// everybody may subscribe.
type everybody struct{}

func (everybody) Subscribe(link.Subscription) bool { return true }

// TestExtensionsConversation: an external and an internal extension, from their start to their end.
func TestExtensionsConversation(t *testing.T) {
	t.Parallel()
	s, g := open(t)
	s.Describe(about)
	s.Accept(everybody{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		var extend link.ExtendRequest
		g.expect(g.cr, link.TypeExtend, &extend)
		outer := &link.Extension{Name: "outer", External: true, Events: []string{"INVOKE", "SHUTDOWN"}}
		first := g.ask(link.AskMeta{ID: 7, Register: outer})
		if r := first.Registered; r == nil || len(r.Identifier) != 36 || r.Function != "f" || r.Version != "1" || r.Handler != "a.b" || r.Account != "0" {
			t.Errorf("registered: %+v", first)
		}
		g.says(link.TypeExtended, link.ExtensionMeta{})
		g.expect(g.cr, link.TypeStart, nil)
		second := g.ask(link.AskMeta{ID: 8, Register: &link.Extension{Name: "inner"}})
		if second.Registered == nil || second.Registered.Identifier == first.Registered.Identifier {
			t.Errorf("registered: %+v", second)
		}
		if again := g.ask(link.AskMeta{ID: 9, Register: outer}); again.Refusal != link.RefusalTaken {
			t.Errorf("registered again: %+v", again)
		}
		g.must(g.dw.Frame(link.TypeReady, 0, nil))
		for range 100 { // init goes on until both have asked for their first event
			sub := &link.Subscription{ID: 1, Name: "outer", Types: []string{"platform"}}
			if a := g.ask(link.AskMeta{ID: 11, Subscribe: sub}); a.Refusal != "" {
				t.Errorf("subscription while init goes on: %+v", a)
				break
			}
		}
		g.says(link.TypeListening, link.ExtensionMeta{Name: "outer"})
		g.says(link.TypeListening, link.ExtensionMeta{Name: "inner"})

		var ev link.EventMeta
		g.expect(g.cr, link.TypeHappening, &ev)
		if ev.ID != "a" {
			t.Errorf("told of %+v", ev)
		}
		g.expect(g.dr, link.TypeInvoke, nil)
		if late := g.ask(link.AskMeta{ID: 10, Register: &link.Extension{Name: "late"}}); late.Refusal != link.RefusalClosed {
			t.Errorf("registered late: %+v", late)
		}
		g.must(g.dw.Message(link.TypeResult, link.FlagIdle, link.ReplyMeta{ID: "a"}, []byte("1")))
	}()
	if err := s.Extend(link.ExtendRequest{}, soon()); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(link.StartRequest{Kind: link.KindHTTP}); err != nil {
		t.Fatal(err)
	}
	if err := s.AwaitReady(soon()); err != nil {
		t.Fatal(err)
	}
	if all := s.Extensions(); len(all) != 2 || all[0].Name != "outer" || all[1].External || s.ShutdownBudget() != link.ExternalShutdown {
		t.Errorf("extensions %+v", all)
	}
	r, err := s.Invoke(event("a"), soon(), 100)
	if err != nil || r.Idle {
		t.Fatalf("%+v, %v", r, err)
	}
	<-done
	if err := s.AwaitIdle(time.Now().Add(10 * time.Millisecond)); !errors.Is(err, link.ErrTimeout) {
		t.Errorf("idle although an extension is at work: %v", err)
	}
	g.says(link.TypeListening, link.ExtensionMeta{Name: "outer", After: "another"}) // of another invocation
	g.says(link.TypeListening, link.ExtensionMeta{Name: "nobody", After: "a"})
	if err := s.AwaitIdle(time.Now().Add(10 * time.Millisecond)); !errors.Is(err, link.ErrTimeout) {
		t.Errorf("idle although an extension is at work: %v", err)
	}
	g.says(link.TypeListening, link.ExtensionMeta{Name: "outer", After: "a"})
	if err := s.AwaitIdle(soon()); err != nil {
		t.Error(err)
	}

	go func() {
		var down link.ShutdownRequest
		g.expect(g.cr, link.TypeShutdown, &down)
		if down.Reason != link.ReasonTimeout || down.BudgetMS != 2000 || down.DeadlineMS < time.Now().UnixMilli() {
			t.Errorf("shutdown %+v", down)
		}
		g.says(link.TypeShutDown, link.ExtensionMeta{})
		nonce := g.nonce()
		g.must(g.cw.JSON(link.TypeBroken, link.BrokenMeta{Name: "outer", Type: link.ExtensionCrash})) // of the time before
		g.must(g.dw.Frame(link.TypeSync, 0, nonce))
	}()
	if err := s.Shutdown(link.ReasonTimeout); err != nil {
		t.Error(err)
	}
	if err := s.Reset(soon()); err != nil {
		t.Error(err)
	}
	g.ask(link.AskMeta{ID: 1, Era: 1, Token: &about.Token}) // everything before it has been heard
	if err := s.Ended(); err != nil || len(s.Extensions()) != 0 || s.ShutdownBudget() != 0 {
		t.Errorf("after a reset: %v, %+v", err, s.Extensions())
	}
	if err := s.Shutdown(link.ReasonSpindown); err != nil { // asks nobody
		t.Error(err)
	}
}

// nonce reads a Reset.
func (g *guest) nonce() []byte {
	g.t.Helper()
	f, err := g.cr.Next()
	if err != nil || f.Type != link.TypeReset {
		g.t.Errorf("guest got %#x, %v", f.Type, err)
	}
	return append([]byte(nil), f.Body...)
}

func TestExtensionBreaks(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]func(s *link.Session) error{
		"extend": func(s *link.Session) error { return s.Extend(link.ExtendRequest{}, soon()) },
		"ready":  func(s *link.Session) error { return s.AwaitReady(soon()) },
		"invoke": func(s *link.Session) error { _, err := s.Invoke(event("a"), soon(), 10); return err },
		"idle":   func(s *link.Session) error { return s.AwaitIdle(soon()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, g := open(t)
			g.must(g.cw.JSON(link.TypeBroken, link.BrokenMeta{Name: "e", Type: link.ExtensionExitError, Message: "Mine"}))
			err := wait(s)
			if e, ok := errors.AsType[*link.ExtensionError](err); !ok || *e != (link.ExtensionError{Name: "e", Type: link.ExtensionExitError, Message: "Mine"}) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("agent gone during shutdown", func(t *testing.T) {
		t.Parallel()
		s, g := open(t)
		s.Describe(about)
		if err := s.Start(link.StartRequest{Kind: link.KindHTTP}); err != nil {
			t.Fatal(err)
		}
		g.expect(g.cr, link.TypeStart, nil)
		g.ask(link.AskMeta{Register: &link.Extension{Name: "inner"}})
		go func() {
			g.expect(g.cr, link.TypeShutdown, nil)
			g.must(g.control.Close())
		}()
		if err := s.Shutdown(link.ReasonSpindown); !errors.Is(err, link.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}

func TestMetadataToken(t *testing.T) {
	t.Parallel()
	s, g := open(t)
	none, right, wrong := "", "secret", "secreT"
	if a := g.ask(link.AskMeta{ID: 1, Token: &none}); a.Refusal != link.RefusalToken {
		t.Errorf("before there is a function: %+v", a)
	}
	s.Describe(about)
	for _, token := range []*string{&none, &wrong} {
		if a := g.ask(link.AskMeta{ID: 2, Token: token}); a.Refusal != link.RefusalToken || a.Zone != "" {
			t.Errorf("%q: %+v", *token, a)
		}
	}
	if a := g.ask(link.AskMeta{ID: 3, Token: &right}); a.Refusal != "" || a.Zone != "use1-az1" {
		t.Errorf("got %+v", a)
	}
}

// TestTooManyExtensions: the host counts for itself.
func TestTooManyExtensions(t *testing.T) {
	t.Parallel()
	s, g := open(t)
	s.Describe(about)
	if err := s.Start(link.StartRequest{Kind: link.KindHTTP}); err != nil {
		t.Fatal(err)
	}
	g.expect(g.cr, link.TypeStart, nil)
	for i := range link.MaxExtensions {
		if a := g.ask(link.AskMeta{Register: &link.Extension{Name: fmt.Sprint(i)}}); a.Registered == nil {
			t.Errorf("number %d: %+v", i, a)
		}
	}
	if a := g.ask(link.AskMeta{Register: &link.Extension{Name: "more"}}); a.Refusal != link.RefusalTooMany {
		t.Errorf("one more: %+v", a)
	}
}

// TestHostileExtensionFrames: what no agent of ours says ends the conversation.
func TestHostileExtensionFrames(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(w *link.Writer) error{
		"no JSON":     func(w *link.Writer) error { return w.Frame(link.TypeAsk, 0, []byte("x")) },
		"no question": func(w *link.Writer) error { return w.JSON(link.TypeAsk, link.AskMeta{}) },
		"no name":     func(w *link.Writer) error { return w.JSON(link.TypeAsk, link.AskMeta{Register: &link.Extension{}}) },
		"line break": func(w *link.Writer) error {
			return w.JSON(link.TypeAsk, link.AskMeta{Register: &link.Extension{Name: "a\nb"}})
		},
		"unknown event": func(w *link.Writer) error {
			return w.JSON(link.TypeAsk, link.AskMeta{Register: &link.Extension{Name: "a", Events: []string{"X"}}})
		},
		"event twice": func(w *link.Writer) error {
			return w.JSON(link.TypeAsk, link.AskMeta{Register: &link.Extension{Name: "a", Events: []string{"INVOKE", "INVOKE"}}})
		},
		"unknown type":   func(w *link.Writer) error { return w.JSON(link.TypeBroken, link.BrokenMeta{Type: "X"}) },
		"broken JSON":    func(w *link.Writer) error { return w.Frame(link.TypeBroken, 0, []byte("{")) },
		"listening JSON": func(w *link.Writer) error { return w.Frame(link.TypeListening, 0, []byte("{")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, g := open(t)
			g.must(send(g.cw))
			if err := s.AwaitIdle(soon()); !errors.Is(err, link.ErrProtocol) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// FuzzAgent has a sandbox send arbitrary bytes on the control channel during init. Whatever they are, the host counts no
// more extensions than there may be, answers no question wrongly, and every wait ends.
func FuzzAgent(f *testing.F) {
	frame := func(ty link.Type, body string) string {
		return string([]byte{byte(ty), 0, 0, 0, byte(len(body)), 0, 0, 0}) + body
	}
	ask := frame(link.TypeAsk, `{"id":1,"register":{"name":"e","external":true,"events":["INVOKE"]}}`)
	f.Add(ask + frame(link.TypeListening, `{"name":"e"}`) + frame(link.TypeExtended, `{}`))
	f.Add(ask + ask + frame(link.TypeBroken, `{"name":"e","type":"Extension.Crash","message":"x"}`))
	f.Add(frame(link.TypeAsk, `{"id":2,"token":"secret"}`) + frame(link.TypeShutDown, `{}`))
	f.Fuzz(func(t *testing.T, in string) {
		if len(in) > 16<<10 {
			return // more than a socket's buffer takes at once
		}
		s, g := open(t)
		s.Describe(about)
		if err := s.Start(link.StartRequest{Kind: link.KindHTTP}); err != nil {
			t.Fatal(err)
		}
		answers := make(chan struct{})
		go func() { // ends with its socket
			defer close(answers)
			for {
				f, err := g.cr.Next()
				if err != nil {
					return
				}
				if f.Type == link.TypeShutdown {
					_ = g.cw.JSON(link.TypeShutDown, link.ExtensionMeta{})
					_ = g.control.Close()
				}
			}
		}()
		_, _ = g.control.WriteString(in)
		_ = g.dw.Frame(link.TypeReady, 0, nil)
		switch err := s.AwaitReady(time.Now().Add(20 * time.Millisecond)); {
		case err == nil, errors.Is(err, link.ErrTimeout), errors.Is(err, link.ErrProtocol), errors.Is(err, link.ErrClosed):
		default:
			_, exited := errors.AsType[*link.ExitError](err)
			if _, broke := errors.AsType[*link.ExtensionError](err); !exited && !broke {
				t.Errorf("got %v", err)
			}
		}
		if all := s.Extensions(); len(all) > link.MaxExtensions {
			t.Errorf("%d extensions", len(all))
		}
		_ = s.Shutdown(link.ReasonFailure)
		_ = g.control.Close()
		s.Close()
		<-answers
	})
}

package link_test

import (
	"errors"
	"testing"
	"time"

	"thaw.dev/thaw/link"
)

// taker takes subscriptions.
type taker []link.Subscription

func (k *taker) Subscribe(s link.Subscription) bool {
	*k = append(*k, s)
	return len(*k) == 1
}

// TestTelemetryConversation: a subscription, events and lines on their way, a flush.
func TestTelemetryConversation(t *testing.T) {
	t.Parallel()
	s, g := open(t)
	s.Describe(about)
	var taken taker
	printed := make(chan string, 1)
	s.Accept(&taken)
	s.Printed(func(line []byte) { printed <- string(line) })
	if err := s.Start(link.StartRequest{Kind: link.KindHTTP}); err != nil {
		t.Fatal(err)
	}
	g.expect(g.cr, link.TypeStart, nil)
	sub := &link.Subscription{ID: 3, Name: "ext", Types: []string{"platform"}}
	if a := g.ask(link.AskMeta{ID: 1, Subscribe: sub}); a.Refusal != link.RefusalClosed || len(taken) > 0 {
		t.Errorf("an extension that has not registered: %+v, %v", a, taken)
	}
	g.ask(link.AskMeta{ID: 2, Register: &link.Extension{Name: "ext"}})
	for i, want := range []link.Refusal{"", link.RefusalClosed} {
		if a := g.ask(link.AskMeta{ID: 3, Subscribe: sub}); a.Refusal != want || len(taken) != i+1 || taken[i].ID != 3 {
			t.Errorf("%+v, taken %v", a, taken)
		}
	}
	g.must(g.cw.Frame(link.TypeOutput, 0, []byte("a line")))
	if got := <-printed; got != "a line" {
		t.Errorf("printed %q", got)
	}
	large := make([]byte, 2*link.ChunkBytes)
	sent := make(chan error, 1)
	go func() { sent <- s.Forward([]int{3}, large) }()
	f, err := g.cr.Next()
	if err != nil || f.Type != link.TypeTelemetry {
		t.Fatalf("%+v, %v", f, err)
	}
	meta, first, _ := link.SplitMeta(f.Body)
	if text := string(meta); text != `{"to":[3]}` {
		t.Errorf("meta %s", text)
	}
	if event, _, _, err := g.cr.Payload(f, first, 1<<20); err != nil || len(event) != len(large) {
		t.Errorf("%d bytes, %v", len(event), err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	flushed := make(chan error, 1)
	go func() { flushed <- s.Flush(soon()) }()
	var flush link.FlushMeta
	g.expect(g.cr, link.TypeFlush, &flush)
	g.must(g.cw.JSON(link.TypeFlushed, flush))
	if err := <-flushed; err != nil {
		t.Error(err)
	}
	if err := s.Flush(time.Now().Add(10 * time.Millisecond)); !errors.Is(err, link.ErrTimeout) {
		t.Errorf("a flush without an answer: %v", err)
	}
}

// TestTelemetryIsChecked: what no agent of ours says ends the session.
func TestTelemetryIsChecked(t *testing.T) {
	t.Parallel()
	for what, say := range map[string]func(*guest) error{
		"id": func(g *guest) error {
			return g.cw.JSON(link.TypeAsk, link.AskMeta{Subscribe: &link.Subscription{ID: 10, Name: "e", Types: []string{"platform"}}})
		},
		"name": func(g *guest) error {
			return g.cw.JSON(link.TypeAsk, link.AskMeta{Subscribe: &link.Subscription{Name: "a\nb", Types: []string{"platform"}}})
		},
		"types": func(g *guest) error {
			return g.cw.JSON(link.TypeAsk, link.AskMeta{Subscribe: &link.Subscription{Name: "e", Types: []string{"all"}}})
		},
		"flush":  func(g *guest) error { return g.cw.Frame(link.TypeFlushed, 0, []byte("x")) },
		"output": func(g *guest) error { return g.cw.Frame(link.TypeOutput, link.FlagMore, []byte("x")) },
	} {
		s, g := open(t)
		g.must(say(g))
		if err := s.AwaitReady(soon()); !errors.Is(err, link.ErrProtocol) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

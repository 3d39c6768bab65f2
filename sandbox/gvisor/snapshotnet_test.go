package gvisor_test

import (
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/egress"
	"thaw.dev/thaw/internal/outside"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/gvisor"
	"thaw.dev/thaw/sandbox/sandboxtest"
	"thaw.dev/thaw/sandbox/sandboxtest/guest/wire"
)

// ports gives sandboxes the real network.
type ports struct{ *egress.Network }

func (p ports) Connect(id string) (sandbox.Device, error) {
	port, err := p.Open(id)
	if err != nil {
		return sandbox.Device{}, err
	}
	l := port.Link()
	return sandbox.Device{
		File: port.File(), Address: l.Address, Gateway: l.Gateway, MAC: l.MAC, MTU: l.MTU, Close: port.Close,
	}, nil
}

// TestRestoredNetwork checkpoints a guest with an open connection. The guest goes on with it; for the restored ones it
// is broken, and new connections, datagrams and names work, in several at once.
func TestRestoredNetwork(t *testing.T) {
	testenv.NeedsRoot(t)
	world := outside.Get(t)
	listener, addr := world.ListenTCP(t)
	go func() { // ends with the listener
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { // ends with the connection
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	packets, resolver := world.ListenUDP(t)
	go answerDatagrams(packets)

	network := egress.New(egress.Options{Resolvers: []netip.AddrPort{resolver}})
	e := sandbox.Guard(newEngine(t, func(o *gvisor.Options) { o.Network = ports{network} }))
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if err := network.Close(); err != nil {
			t.Error(err)
		}
	}()
	spec := sandbox.Spec{
		ID: "original", Root: sandboxtest.RootImage(t), Args: []string{sandboxtest.GuestPath}, Egress: true,
		Limits: sandbox.Limits{MemoryBytes: 128 << 20},
	}
	create := func(id string) sandbox.Sandbox {
		spec.ID = id
		s, err := e.Create(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	talk := func(text string) wire.Request { return wire.Request{Op: wire.Talk, Path: addr.String(), Text: text} }

	original := create("original")
	if err := original.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	g := sandboxtest.Meet(t, original)
	if got := g.Must(talk("one")).Text; got != "one" {
		t.Fatalf("the connection returned %q", got)
	}
	dir := t.TempDir()
	if err := original.Checkpoint(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if got := g.Do(talk("two")); got.Text != "two" {
		t.Errorf("after the checkpoint the original's connection returned %+v", got)
	}

	guests := map[string]*sandboxtest.Guest{}
	for _, id := range []string{"clone-a", "clone-b"} {
		s := create(id)
		if err := s.Restore(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		guests[id] = sandboxtest.Rejoin(t, s)
	}
	for id, c := range guests {
		began := time.Now()
		if got := c.Do(talk("old connection")); got.Err == "" {
			t.Errorf("%s: the old connection returned %+v", id, got)
		}
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("%s: noticed only after %s that the old connection is broken", id, d)
		}
		if got := c.Do(talk("new connection " + id)); got.Text != "new connection "+id {
			t.Errorf("%s: a new connection returned %+v", id, got)
		}
		if got := c.Do(wire.Request{Op: wire.Ask, Path: resolver.String(), Text: "hello"}); got.Text != "hello" {
			t.Errorf("%s: a datagram returned %+v", id, got)
		}
		query := "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04thaw\x03dev\x00\x00\x01\x00\x01"
		got := c.Do(wire.Request{Op: wire.Ask, Path: egress.Nameserver + ":53", Text: query})
		if got.Err != "" || !strings.HasPrefix(got.Text, "\x12\x34") {
			t.Errorf("%s: the name server answered %+v", id, got)
		}
	}
}

// answerDatagrams returns datagrams to where they come from; what looks like a DNS query becomes an answer.
func answerDatagrams(c *net.UDPConn) {
	b := make([]byte, 64<<10)
	for {
		n, from, err := c.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		if n > 12 {
			b[2] |= 0x80
		}
		_, _ = c.WriteToUDPAddrPort(b[:n], from)
	}
}

package egress_test

import (
	"bytes"
	"net"
	"testing"
	"time"

	"thaw.dev/thaw/egress"
	"thaw.dev/thaw/internal/outside"
)

// echoUDP answers datagrams until c is closed, and sends the sender of each to from.
func echoUDP(c *net.UDPConn, from chan<- string) {
	buf := make([]byte, 64<<10)
	for {
		n, addr, err := c.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		from <- addr.String()
		_, _ = c.WriteToUDPAddrPort(buf[:n], addr)
	}
}

func TestUDPEcho(t *testing.T) {
	server, addr := outside.Get(t).ListenUDP(t)
	from := make(chan string, 16)
	go echoUDP(server, from)
	port, g := open(t, egress.Options{})
	conn := g.mustDialUDP(t, addr)
	for _, size := range []int{0, 1, 1472, egress.MTU - 28} {
		sent := bytes.Repeat([]byte{'x'}, size)
		if _, err := conn.Write(sent); err != nil {
			t.Fatalf("write %d bytes: %v", size, err)
		}
		got := make([]byte, size+1)
		n, err := conn.Read(got)
		if err != nil || !bytes.Equal(got[:n], sent) {
			t.Fatalf("echo of %d bytes: got %d, %v", size, n, err)
		}
	}
	first := <-from
	for range 3 {
		if again := <-from; again != first {
			t.Errorf("one flow came from %s and from %s", first, again)
		}
	}
	if s := port.Stats(); s.Flows != 1 || s.OpenFlows != 1 {
		t.Errorf("stats %+v, want one flow", s)
	}
}

func TestUDPFlowIsForgottenWhenIdle(t *testing.T) {
	server, addr := outside.Get(t).ListenUDP(t)
	from := make(chan string, 16)
	go echoUDP(server, from)
	port, g := open(t, egress.Options{Limits: egress.Limits{UDPIdle: 20 * time.Millisecond}})
	conn := g.mustDialUDP(t, addr)
	echoOnce := func() {
		t.Helper()
		if _, err := conn.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	echoOnce()
	eventually(t, "the flow is forgotten", func() bool { return port.Stats().OpenFlows == 0 })
	echoOnce()
	if s := port.Stats(); s.Flows != 2 {
		t.Errorf("stats %+v, want two flows", s)
	}
}

// TestUDPFlowLimit opens one flow more than there may be: the oldest ends, the newest works.
func TestUDPFlowLimit(t *testing.T) {
	server, addr := outside.Get(t).ListenUDP(t)
	from := make(chan string, 16)
	go echoUDP(server, from)
	const limit = 3
	port, g := open(t, egress.Options{Limits: egress.Limits{UDPFlows: limit}})
	for range limit + 2 {
		conn := g.mustDialUDP(t, addr)
		if _, err := conn.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "old flows have ended", func() bool { return port.Stats().OpenFlows == limit })
	if s := port.Stats(); s.Flows != limit+2 {
		t.Errorf("stats %+v, want %d flows", s, limit+2)
	}
}

func TestRefusedUDPIsUnreachable(t *testing.T) {
	port, g := open(t, egress.Options{HostAddresses: hostIs("203.0.113.7/24")})
	conn := g.mustDialUDP(t, mustAddrPort("203.0.113.7:53"))
	g.wantUnreachable(t, conn)
	if s := port.Stats(); s.Refused != 1 || s.Flows != 0 {
		t.Errorf("stats %+v, want one refused", s)
	}
}

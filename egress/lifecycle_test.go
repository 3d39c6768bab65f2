package egress_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"testing"

	"thaw.dev/thaw/egress"
	"thaw.dev/thaw/internal/outside"
)

func TestOpenTwice(t *testing.T) {
	network := egress.New(egress.Options{})
	defer network.Close()
	first, err := network.Open("a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := network.Open("a"); err == nil {
		t.Fatal("a second port of the same sandbox was opened")
	}
	if err := errors.Join(first.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := first.File().Write([]byte{0}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write to the guest end of a closed port: %v, want that it is closed", err)
	}
	if _, err := network.Open("a"); err != nil {
		t.Errorf("open after close: %v", err)
	}
}

func TestNetworkClose(t *testing.T) {
	network := egress.New(egress.Options{})
	port, err := network.Open("a")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(network.Close(), network.Close(), port.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := network.Open("b"); !errors.Is(err, egress.ErrClosed) {
		t.Errorf("open after close: %v, want ErrClosed", err)
	}
}

func TestLink(t *testing.T) {
	network := egress.New(egress.Options{})
	defer network.Close()
	a, errA := network.Open("a")
	b, errB := network.Open("b")
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	la, lb := a.Link(), b.Link()
	if la.Address != netip.MustParsePrefix("10.255.255.2/30") || la.Gateway != netip.MustParseAddr("10.255.255.1") || la.MTU != egress.MTU {
		t.Errorf("link %+v", la)
	}
	if la.Address != lb.Address || la.MAC.String() != lb.MAC.String() || la.GatewayMAC.String() != lb.GatewayMAC.String() {
		t.Errorf("sandboxes differ: %+v, %+v", la, lb)
	}
	if la.MAC.String() == la.GatewayMAC.String() || a.ID() != "a" {
		t.Errorf("link %+v of %s", la, a.ID())
	}
	la.MAC[0] = 0xff
	if a.Link().MAC[0] == 0xff {
		t.Error("a caller can change the link of others")
	}
}

// TestIdlePortsAreCheap opens many ports that nobody uses.
func TestIdlePortsAreCheap(t *testing.T) {
	network := egress.New(egress.Options{})
	defer network.Close()
	const n = 50
	before := runtime.NumGoroutine()
	for i := range n {
		if _, err := network.Open(string(rune('A' + i))); err != nil {
			t.Fatal(err)
		}
	}
	if grown := runtime.NumGoroutine() - before; grown > n {
		t.Errorf("%d unused ports have %d goroutines, want one each", n, grown)
	}
}

// TestHostIsRefused proves the policy at work: a server on this host's own address cannot be reached, with nothing
// injected, while the neighbour on the same network can.
func TestHostIsRefused(t *testing.T) {
	o := outside.Get(t)
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: o.Host.AsSlice()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go serveTCP(l, echo)
	port, g := open(t, egress.Options{})
	_, err = g.dialTCP(l.Addr().(*net.TCPAddr).AddrPort())
	wantConnectionRefused(t, err)
	if s := port.Stats(); s.Refused != 1 || s.Failed != 0 {
		t.Errorf("stats %+v, want one refused", s)
	}
	neighbour, addr := o.ListenTCP(t)
	go serveTCP(neighbour, echo)
	g.mustDialTCP(t, addr)

	named := egress.Policy{Allow: []netip.Prefix{netip.PrefixFrom(o.Host, 32)}}
	_, g = open(t, egress.Options{Policy: named})
	g.mustDialTCP(t, l.Addr().(*net.TCPAddr).AddrPort())
}

// TestEndOfSandboxEndsConnections closes the sandbox's end only.
func TestEndOfSandboxEndsConnections(t *testing.T) {
	l, addr := outside.Get(t).ListenTCP(t)
	ended := make(chan error, 1)
	go serveTCP(l, func(c *net.TCPConn) {
		_, _ = c.Write([]byte("x"))
		_, err := io.Copy(io.Discard, c)
		ended <- err
	})
	port, g := open(t, egress.Options{})
	conn := g.mustDialTCP(t, addr)
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	g.close()
	<-ended
	eventually(t, "the connection is forgotten", func() bool { return port.Stats().OpenTCP == 0 })
}

// TestCloseEndsEverything closes a port in the middle of everything that can take long.
func TestCloseEndsEverything(t *testing.T) {
	o := outside.Get(t)
	before := runtime.NumGoroutine()
	resolver, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}) // never answers
	if err != nil {
		t.Fatal(err)
	}
	defer resolver.Close()
	port, g := open(t, egress.Options{Resolvers: []netip.AddrPort{resolver.LocalAddr().(*net.UDPAddr).AddrPort()}})

	idle, idleAddr := o.ListenTCP(t)
	var servers sync.WaitGroup
	serve := func(l *net.TCPListener, handle func(*net.TCPConn)) {
		servers.Go(func() {
			c, err := l.AcceptTCP()
			if err != nil {
				return
			}
			defer c.Close()
			handle(c)
		})
	}
	serve(idle, func(c *net.TCPConn) { _, _ = c.Read(make([]byte, 1)) })
	g.mustDialTCP(t, idleAddr)

	download, downloadAddr := o.ListenTCP(t)
	serve(download, func(c *net.TCPConn) { // fills every buffer on the way, for nobody reads
		for piece := make([]byte, 1<<20); ; {
			if _, err := c.Write(piece); err != nil {
				return
			}
		}
	})
	g.mustDialTCP(t, downloadAddr)

	upload, uploadAddr := o.ListenTCP(t)
	stop := make(chan struct{})
	serve(upload, func(*net.TCPConn) { <-stop }) // does not read
	up := g.mustDialTCP(t, uploadAddr)
	uploading := make(chan struct{})
	go func() {
		defer close(uploading)
		for piece := make([]byte, 1<<20); ; {
			if _, err := up.Write(piece); err != nil {
				return
			}
		}
	}()

	udpServer, udpAddr := o.ListenUDP(t)
	udp := g.mustDialUDP(t, udpAddr)
	_, _ = udp.Write([]byte("x"))
	if _, _, err := udpServer.ReadFrom(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}

	dns := g.mustDialUDP(t, nameserver)
	_, _ = dns.Write(query(1))
	if _, _, err := resolver.ReadFrom(make([]byte, 512)); err != nil {
		t.Fatal(err)
	}

	dialling := make(chan struct{})
	unanswered := fullListener(t, o)
	go func() {
		defer close(dialling)
		if c, err := g.dialTCP(unanswered); err == nil {
			_ = c.Close()
		}
	}()
	eventually(t, "all of it is under way", func() bool {
		s := port.Stats()
		return s.OpenTCP == 4 && s.Connections == 3 && s.OpenFlows == 1 && s.DNSQueries == 1
	})

	if err := port.Close(); err != nil {
		t.Fatal(err)
	}
	if s := port.Stats(); s.OpenTCP != 0 || s.OpenFlows != 0 {
		t.Errorf("stats %+v after close, want nothing open", s)
	}
	close(stop)
	servers.Wait()
	g.close()
	<-uploading
	<-dialling
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}

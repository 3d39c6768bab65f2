package egress_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"thaw.dev/thaw/egress"
	"thaw.dev/thaw/internal/outside"
)

func TestTCPEcho(t *testing.T) {
	l, addr := outside.Get(t).ListenTCP(t)
	go serveTCP(l, echo)
	port, g := open(t, egress.Options{})
	conn := g.mustDialTCP(t, addr)
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello" {
		t.Fatalf("echo = %q, %v", got, err)
	}
	if s := port.Stats(); s.Connections != 1 || s.OpenTCP != 1 || s.SentBytes == 0 || s.ReceivedBytes == 0 {
		t.Errorf("stats of one open connection: %+v", s)
	}
}

// serveTCP accepts until l is closed and ends what it accepted before it returns.
func serveTCP(l *net.TCPListener, handle func(*net.TCPConn)) {
	for {
		conn, err := l.AcceptTCP()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(patience))
			handle(conn)
		}()
	}
}

func echo(c *net.TCPConn) { _, _ = io.Copy(c, c) }

// TestHalfClose sends much, ends that direction, and gets an answer that depends on all of it, as long as itself.
func TestHalfClose(t *testing.T) {
	l, addr := outside.Get(t).ListenTCP(t)
	go serveTCP(l, func(c *net.TCPConn) {
		all, err := io.ReadAll(c)
		if err != nil {
			return
		}
		sum := sha256.Sum256(all)
		_, _ = c.Write(append(sum[:], all...))
	})
	port, g := open(t, egress.Options{})
	conn := g.mustDialTCP(t, addr)
	sent := make([]byte, 24<<20)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(sent)
	if _, err := conn.Write(sent); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(sent)
	if !bytes.Equal(got, append(sum[:], sent...)) {
		t.Fatalf("got %d bytes back that are not the %d expected", len(got), len(sent)+len(sum))
	}
	_ = conn.Close()
	eventually(t, "the connection is forgotten", func() bool { return port.Stats().OpenTCP == 0 })
}

// TestServerClosesFirst has the far side end its direction while the sandbox goes on sending.
func TestServerClosesFirst(t *testing.T) {
	l, addr := outside.Get(t).ListenTCP(t)
	received := make(chan []byte, 1)
	go serveTCP(l, func(c *net.TCPConn) {
		_, _ = c.Write([]byte("bye"))
		_ = c.CloseWrite()
		all, _ := io.ReadAll(c)
		received <- all
	})
	_, g := open(t, egress.Options{})
	conn := g.mustDialTCP(t, addr)
	if got, err := io.ReadAll(conn); err != nil || string(got) != "bye" {
		t.Fatalf("read %q, %v", got, err)
	}
	if _, err := conn.Write([]byte("still here")); err != nil {
		t.Fatal(err)
	}
	_ = conn.CloseWrite()
	if got := <-received; string(got) != "still here" {
		t.Fatalf("server read %q", got)
	}
}

func TestServerResetReachesSandbox(t *testing.T) {
	l, addr := outside.Get(t).ListenTCP(t)
	go serveTCP(l, func(c *net.TCPConn) {
		_, _ = c.Read(make([]byte, 1))
		_ = c.SetLinger(0) // closing resets
	})
	port, g := open(t, egress.Options{})
	conn := g.mustDialTCP(t, addr)
	_, _ = conn.Write([]byte("x"))
	if _, err := conn.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Fatalf("read after reset: %v, want an error that is not the end of the stream", err)
	}
	eventually(t, "the connection is forgotten", func() bool { return port.Stats().OpenTCP == 0 })
}

func TestSandboxResetReachesServer(t *testing.T) {
	l, addr := outside.Get(t).ListenTCP(t)
	result := make(chan error, 1)
	go serveTCP(l, func(c *net.TCPConn) {
		_, _ = c.Write(make([]byte, 1))
		_, err := io.Copy(io.Discard, c)
		result <- err
	})
	_, g := open(t, egress.Options{})
	conn := g.mustDialTCP(t, addr)
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	for _, e := range g.stack.RegisteredEndpoints() {
		e.Abort()
	}
	if err := <-result; err == nil {
		t.Fatal("the server saw an orderly end, want a reset")
	}
}

func TestNobodyListensThere(t *testing.T) {
	l, addr := outside.Get(t).ListenTCP(t)
	_ = l.Close()
	port, g := open(t, egress.Options{})
	_, err := g.dialTCP(addr)
	wantConnectionRefused(t, err)
	if s := port.Stats(); s.Failed != 1 || s.Refused != 0 {
		t.Errorf("stats %+v, want one failed and none refused", s)
	}
}

// TestDialTimeout uses a listener whose queue is full: its kernel leaves further attempts unanswered.
func TestDialTimeout(t *testing.T) {
	addr := fullListener(t, outside.Get(t))
	_, g := open(t, egress.Options{Limits: egress.Limits{DialTimeout: 50 * time.Millisecond}})
	_, err := g.dialTCP(addr)
	wantConnectionRefused(t, err)
}

func TestTCPConnectionLimit(t *testing.T) {
	l, addr := outside.Get(t).ListenTCP(t)
	go serveTCP(l, echo)
	const limit = 3
	port, g := open(t, egress.Options{Limits: egress.Limits{TCPConnections: limit}})
	first := g.mustDialTCP(t, addr)
	for range limit - 1 {
		g.mustDialTCP(t, addr)
	}
	_, err := g.dialTCP(addr)
	wantConnectionRefused(t, err)
	if s := port.Stats(); s.Limited != 1 || s.OpenTCP != limit {
		t.Errorf("stats %+v, want one limited and %d open", s, limit)
	}
	_ = first.Close()
	eventually(t, "there is room again", func() bool { return port.Stats().OpenTCP == limit-1 })
	g.mustDialTCP(t, addr)
}

// TestSocketLimitIsShared has one sandbox use up what there is for all.
func TestSocketLimitIsShared(t *testing.T) {
	l, addr := outside.Get(t).ListenTCP(t)
	go serveTCP(l, echo)
	network := egress.New(egress.Options{Limits: egress.Limits{Sockets: 2}})
	defer network.Close()
	var guests []*guest
	for _, id := range []string{"a", "b"} {
		port, err := network.Open(id)
		if err != nil {
			t.Fatal(err)
		}
		guests = append(guests, newGuest(t, port))
	}
	guests[0].mustDialTCP(t, addr)
	guests[0].mustDialTCP(t, addr)
	_, err := guests[1].dialTCP(addr)
	wantConnectionRefused(t, err)
}

package egress_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thaw.dev/thaw/egress"
)

var nameserver = netip.AddrPortFrom(netip.MustParseAddr(egress.Nameserver), 53)

// query is a question for the A record of example.test.
func query(id uint16) []byte {
	q := binary.BigEndian.AppendUint16(nil, id)
	q = append(q, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0)
	q = append(q, "\x07example\x04test\x00\x00\x01\x00\x01"...)
	return q
}

// answerTo is the query marked as answer, with a mark of who answered.
func answerTo(query []byte, mark string) []byte {
	a := append(bytes.Clone(query), mark...)
	a[2] |= 0x80
	return a
}

// fakeResolver answers on a loopback address over UDP and TCP until the test ends.
func fakeResolver(t *testing.T, mark string) netip.AddrPort {
	t.Helper()
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr).AddrPort()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(); _ = c.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			wrong := answerTo(buf[:n], "forged")
			wrong[0]++ // an answer to another question, to be ignored
			_, _ = c.WriteToUDPAddrPort(wrong, from)
			_, _ = c.WriteToUDPAddrPort(answerTo(buf[:n], mark), from)
		}
	}()
	go serveTCP(l, func(c *net.TCPConn) {
		var length [2]byte
		if _, err := io.ReadFull(c, length[:]); err != nil {
			return
		}
		q := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(c, q); err != nil {
			return
		}
		a := answerTo(q, mark)
		_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...))
	})
	return addr
}

// silent is an address of loopback at which nobody listens.
func silent(t *testing.T) netip.AddrPort {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// lookUp asks over UDP and returns the answer.
func lookUp(t *testing.T, g *guest, q []byte) []byte {
	t.Helper()
	conn := g.mustDialUDP(t, nameserver)
	if _, err := conn.Write(q); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 4096)
	n, err := conn.Read(answer)
	if err != nil {
		t.Fatal(err)
	}
	return answer[:n]
}

func TestDNSOverUDP(t *testing.T) {
	resolver := fakeResolver(t, "one")
	port, g := open(t, egress.Options{Resolvers: []netip.AddrPort{resolver}})
	for id := range uint16(3) {
		if got, want := lookUp(t, g, query(id)), answerTo(query(id), "one"); !bytes.Equal(got, want) {
			t.Fatalf("answer %q, want %q", got, want)
		}
	}
	if s := port.Stats(); s.DNSQueries != 3 || s.Refused != 0 || s.Flows != 0 {
		t.Errorf("stats %+v, want three queries and nothing else", s)
	}
}

func TestDNSOverTCP(t *testing.T) {
	resolver := fakeResolver(t, "one")
	_, g := open(t, egress.Options{Resolvers: []netip.AddrPort{silent(t), resolver}})
	conn := g.mustDialTCP(t, nameserver)
	q := query(7)
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(q))), q...)); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if want := answerTo(q, "one"); len(got) < 2 || !bytes.Equal(got[2:], want) {
		t.Fatalf("answer %q, want %q", got, want)
	}
}

func TestDNSAsksTheNextResolver(t *testing.T) {
	resolver := fakeResolver(t, "two")
	_, g := open(t, egress.Options{Resolvers: []netip.AddrPort{silent(t), resolver}})
	if got, want := lookUp(t, g, query(1)), answerTo(query(1), "two"); !bytes.Equal(got, want) {
		t.Fatalf("answer %q, want %q", got, want)
	}
}

func TestDNSServerFailure(t *testing.T) {
	port, g := open(t, egress.Options{Resolvers: []netip.AddrPort{silent(t)}})
	q := query(9)
	want := bytes.Clone(q)
	want[2], want[3] = 0x81, 0x82 // response, recursion desired and available, server failure
	if got := lookUp(t, g, q); !bytes.Equal(got, want) {
		t.Fatalf("answer %q, want %q", got, want)
	}
	if s := port.Stats(); s.Failed != 1 {
		t.Errorf("stats %+v, want one failed", s)
	}
}

// TestDNSJunkIsDropped sends what is no query before a query; only the query is answered.
func TestDNSJunkIsDropped(t *testing.T) {
	resolver := fakeResolver(t, "one")
	port, g := open(t, egress.Options{Resolvers: []netip.AddrPort{resolver}})
	conn := g.mustDialUDP(t, nameserver)
	junk := [][]byte{{}, []byte("short"), answerTo(query(1), ""), append(query(2), make([]byte, 5000)...)}
	for _, b := range append(junk, query(3)) {
		if _, err := conn.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, 4096)
	n, err := conn.Read(got)
	if err != nil || !bytes.Equal(got[:n], answerTo(query(3), "one")) {
		t.Fatalf("answer %q, %v", got[:n], err)
	}
	if s := port.Stats(); s.DNSQueries != 1 || s.Dropped != int64(len(junk)) {
		t.Errorf("stats %+v, want one query and %d dropped", s, len(junk))
	}
}

func TestGatewayRefusesEverythingElse(t *testing.T) {
	port, g := open(t, egress.Options{})
	for _, to := range []string{egress.Gateway + ":80", egress.Gateway + ":54"} {
		_, err := g.dialTCP(mustAddrPort(to))
		wantConnectionRefused(t, err)
	}
	conn := g.mustDialUDP(t, mustAddrPort(egress.Gateway+":123"))
	g.wantUnreachable(t, conn)
	if s := port.Stats(); s.Refused != 3 {
		t.Errorf("stats %+v, want three refused", s)
	}
}

func TestResolvConfIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	write := func(content string) {
		t.Helper()
		fresh := path + ".new"
		if err := os.WriteFile(fresh, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(fresh, path); err != nil {
			t.Fatal(err)
		}
	}
	network := egress.New(egress.Options{ResolvConf: path})
	check := func(what string, want ...string) {
		t.Helper()
		var got []string
		for _, r := range egress.ResolversOf(network) {
			got = append(got, r.String())
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: resolvers %v, want %v", what, got, want)
		}
	}
	check("no file", "127.0.0.1:53")
	write("# none\nsearch example.test\n")
	check("no name server", "127.0.0.1:53")
	write("nameserver 192.0.2.1\nnameserver nonsense\nnameserver fe80::1%eth0 # comment\n;nameserver 192.0.2.9\n")
	check("two", "192.0.2.1:53", "[fe80::1%eth0]:53")
	write("nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n")
	check("more than count", "192.0.2.1:53", "192.0.2.2:53", "192.0.2.3:53")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	check("file gone", "192.0.2.1:53", "192.0.2.2:53", "192.0.2.3:53")
}

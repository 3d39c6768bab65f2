package egress_test

import (
	"io"
	"net"
	"net/netip"
	"testing"

	"thaw.dev/thaw/egress"
)

// TestService: a service gets the connections to its address alone, with the sandbox's id, and both directions end as they
// do elsewhere.
func TestService(t *testing.T) {
	addr := netip.MustParseAddrPort("169.254.100.2:80")
	ids := make(chan string, 1)
	ended := make(chan error, 1)
	_, g := open(t, egress.Options{Services: map[netip.AddrPort]egress.Service{addr: func(sandbox string, c *net.UnixConn) {
		ids <- sandbox
		go func() { // ends with the connection
			_, err := io.Copy(c, c)
			_ = c.Close()
			ended <- err
		}()
	}}})
	conn := g.mustDialTCP(t, addr)
	sent := make([]byte, 3<<20)
	for i := range sent {
		sent[i] = byte(i % 251)
	}
	go func() { // ends when all is sent, or the connection breaks
		_, _ = conn.Write(sent)
		_ = conn.CloseWrite()
	}()
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != string(sent) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the service's end: %v", err)
	}
	if id := <-ids; id == "" {
		t.Error("the service does not know the sandbox")
	}
	for _, other := range []string{"169.254.100.2:81", "169.254.100.3:80"} {
		if c, err := g.dialTCP(netip.MustParseAddrPort(other)); err == nil {
			_ = c.Close()
			t.Errorf("%s can be reached", other)
		}
	}
}

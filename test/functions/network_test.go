package functions_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"

	"thaw.dev/thaw/internal/outside"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/node"
)

// TestFunctionsReachTheOutside lets a function resolve a name and talk TCP and UDP to the address it got.
func TestFunctionsReachTheOutside(t *testing.T) {
	t.Parallel()
	world := outside.Get(t)
	tcp, tcpAddr := world.ListenTCP(t)
	go func() { // ends when the test closes the listener
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(c, c)
			_ = c.Close()
		}
	}()
	udp, udpAddr := world.ListenUDP(t)
	go echo(udp, func(p []byte) []byte { return p })
	dns, dnsAddr := world.ListenUDP(t)
	go echo(dns, func(query []byte) []byte { return answer(query, world.Addr.As4()) })

	s := thawtest.Start(t, func(c *node.Config) { c.Resolvers = []string{dnsAddr.String()} })
	name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Files: thawtest.Files{"app.py": `
import socket
def handler(e, c):
    address = socket.gethostbyname("somewhere.test")
    tcp = socket.create_connection((address, e["tcp"]), timeout=5)
    tcp.sendall(b"over tcp")
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.settimeout(5)
    udp.sendto(b"over udp", (address, e["udp"]))
    return [address, tcp.recv(100).decode(), udp.recv(100).decode()]
`}})
	var got []string
	s.Result(t, name, fmt.Sprintf(`{"tcp":%d,"udp":%d}`, tcpAddr.Port(), udpAddr.Port()), &got)
	if want := fmt.Sprint([]string{world.Addr.String(), "over tcp", "over udp"}); fmt.Sprint(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// echo answers datagrams until the socket is closed.
func echo(c *net.UDPConn, answer func([]byte) []byte) {
	buf := make([]byte, 2048)
	for {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		_, _ = c.WriteToUDPAddrPort(answer(buf[:n]), from)
	}
}

// answer is the DNS message that answers a query with one IPv4 address, or with none if it asks for something else.
func answer(query []byte, addr [4]byte) []byte {
	end := 12
	for end < len(query) && query[end] != 0 {
		end += int(query[end]) + 1
	}
	end += 5 // the root label, type and class
	if end > len(query) {
		return nil
	}
	out := append([]byte(nil), query[:end]...)
	out[2], out[3] = 0x81, 0x80 // a recursive answer without error
	binary.BigEndian.PutUint16(out[6:], 0)
	binary.BigEndian.PutUint32(out[8:], 0)
	if query[end-3] == 1 { // type A
		binary.BigEndian.PutUint16(out[6:], 1)
		out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4)
		out = append(out, addr[:]...)
	}
	return out
}

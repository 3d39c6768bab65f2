package egress_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/fdbased"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"

	"thaw.dev/thaw/egress"
)

// patience bounds every wait of these tests; it is reached only when something is broken.
const patience = 20 * time.Second

// guest plays a sandbox: the stack and the device that gVisor's kernel would use, at the guest end of a port.
type guest struct {
	stack  *stack.Stack
	device stack.LinkEndpoint
	fd     int
}

// newGuest takes over the port's guest end as an engine does.
func newGuest(tb testing.TB, port *egress.Port) *guest {
	tb.Helper()
	fd, err := unix.FcntlInt(port.File().Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	if err := port.File().Close(); err != nil {
		tb.Fatal(err)
	}
	link := port.Link()
	device, err := fdbased.New(&fdbased.Options{
		FDs: []int{fd}, MTU: uint32(link.MTU), EthernetHeader: true, Address: tcpip.LinkAddress(link.MAC),
		PacketDispatchMode:   fdbased.Readv, // RecvMMsg, which gVisor's kernel uses, does not notice the end of the link
		ProcessorsPerChannel: 1,
	})
	if err != nil {
		tb.Fatal(err)
	}
	g := &guest{fd: fd, device: device, stack: stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, arp.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol, icmp.NewProtocol4},
	})}
	if err := g.stack.CreateNIC(1, device); err != nil {
		tb.Fatal(err)
	}
	address := tcpip.ProtocolAddress{Protocol: ipv4.ProtocolNumber, AddressWithPrefix: tcpip.AddressWithPrefix{
		Address: tcpip.AddrFrom4(link.Address.Addr().As4()), PrefixLen: link.Address.Bits(),
	}}
	if err := g.stack.AddProtocolAddress(1, address, stack.AddressProperties{}); err != nil {
		tb.Fatal(err)
	}
	g.stack.SetRouteTable([]tcpip.Route{
		{Destination: address.AddressWithPrefix.Subnet(), NIC: 1},
		{Destination: header.IPv4EmptySubnet, NIC: 1, Gateway: tcpip.AddrFrom4(link.Gateway.As4())},
	})
	tb.Cleanup(g.close)
	return g
}

// close ends the sandbox's kernel: its device goes away with everything.
func (g *guest) close() {
	if g.fd < 0 {
		return
	}
	_ = unix.Shutdown(g.fd, unix.SHUT_RDWR)
	g.device.Attach(nil) // here, since Destroy waits for the device with a lock that the device takes
	g.stack.Destroy()
	_ = unix.Close(g.fd)
	g.fd = -1
}

func full(to netip.AddrPort) tcpip.FullAddress {
	return tcpip.FullAddress{NIC: 1, Addr: tcpip.AddrFrom4(to.Addr().As4()), Port: to.Port()}
}

func (g *guest) dialTCP(to netip.AddrPort) (*gonet.TCPConn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := gonet.DialContextTCP(ctx, g.stack, full(to), ipv4.ProtocolNumber)
	if err == nil {
		err = conn.SetDeadline(time.Now().Add(patience))
	}
	return conn, err
}

func (g *guest) mustDialTCP(tb testing.TB, to netip.AddrPort) *gonet.TCPConn {
	tb.Helper()
	conn, err := g.dialTCP(to)
	if err != nil {
		tb.Fatalf("dial %s from the sandbox: %v", to, err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (g *guest) mustDialUDP(tb testing.TB, to netip.AddrPort) *gonet.UDPConn {
	tb.Helper()
	remote := full(to)
	conn, err := gonet.DialUDP(g.stack, nil, &remote, ipv4.ProtocolNumber)
	if err != nil {
		tb.Fatalf("dial %s over UDP from the sandbox: %v", to, err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		tb.Fatal(err)
	}
	return conn
}

// open makes a network with one port and a guest at it.
func open(tb testing.TB, opts egress.Options) (*egress.Port, *guest) {
	tb.Helper()
	network := egress.New(opts)
	tb.Cleanup(func() { _ = network.Close() })
	port, err := network.Open("sandbox-1")
	if err != nil {
		tb.Fatal(err)
	}
	return port, newGuest(tb, port)
}

// wantUnreachable sends a datagram on conn and wants the answer that nobody is there.
func (g *guest) wantUnreachable(tb testing.TB, conn *gonet.UDPConn) {
	tb.Helper()
	answers := g.stack.Stats().ICMP.V4.PacketsReceived.DstUnreachable
	before := answers.Value()
	if _, err := conn.Write([]byte("x")); err != nil {
		tb.Fatal(err)
	}
	// The connection's reader is not woken by the answer, but sees it when it looks.
	eventually(tb, "the datagram is answered by port unreachable", func() bool { return answers.Value() == before+1 })
	if _, err := conn.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "refused") {
		tb.Fatalf("read: %v, want that nobody is there", err)
	}
}

package egress_test

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"thaw.dev/thaw/egress"
)

// rawGuest plays a sandbox whose kernel an attacker has taken over: it sends any frame it likes.
type rawGuest struct {
	file *os.File
	link egress.LinkConfig
}

func newRawGuest(tb testing.TB, port *egress.Port) *rawGuest {
	tb.Helper()
	fd, err := unix.FcntlInt(port.File().Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	_ = port.File().Close()
	if err := unix.SetNonblock(fd, true); err != nil {
		tb.Fatal(err)
	}
	g := &rawGuest{file: os.NewFile(uintptr(fd), "guest"), link: port.Link()}
	tb.Cleanup(func() { _ = g.file.Close() })
	return g
}

func openRaw(tb testing.TB, opts egress.Options) (*egress.Port, *rawGuest) {
	tb.Helper()
	network := egress.New(opts)
	tb.Cleanup(func() { _ = network.Close() })
	port, err := network.Open("sandbox-1")
	if err != nil {
		tb.Fatal(err)
	}
	return port, newRawGuest(tb, port)
}

func (g *rawGuest) send(tb testing.TB, frame []byte) {
	tb.Helper()
	_ = g.file.SetWriteDeadline(time.Now().Add(patience))
	if _, err := g.file.Write(frame); err != nil {
		tb.Fatal(err)
	}
}

// receive returns the next frame that accept accepts.
func (g *rawGuest) receive(tb testing.TB, accept func(frame []byte) bool) []byte {
	tb.Helper()
	buf := make([]byte, 64<<10)
	_ = g.file.SetReadDeadline(time.Now().Add(patience))
	for {
		n, err := g.file.Read(buf)
		if err != nil {
			tb.Fatal(err)
		}
		if accept(buf[:n]) {
			return buf[:n]
		}
	}
}

// packet is an IPv4 packet to be sent; zero members are those of an honest sandbox.
type packet struct {
	from, to  netip.Addr
	toMAC     net.HardwareAddr
	protocol  tcpip.TransportProtocolNumber
	options   []byte
	fragment  uint16 // flags and offset as on the wire
	transport []byte
}

func (g *rawGuest) frame(p packet) []byte {
	if !p.from.IsValid() {
		p.from = g.link.Address.Addr()
	}
	if p.toMAC == nil {
		p.toMAC = g.link.GatewayMAC
	}
	f := append(append(append([]byte{}, p.toMAC...), g.link.MAC...), 0x08, 0x00)
	ip := make([]byte, header.IPv4MinimumSize+len(p.options))
	copy(ip[header.IPv4MinimumSize:], p.options)
	header.IPv4(ip).Encode(&header.IPv4Fields{
		TotalLength: uint16(len(ip) + len(p.transport)), TTL: 64, Protocol: uint8(p.protocol),
		SrcAddr: tcpip.AddrFrom4(p.from.As4()), DstAddr: tcpip.AddrFrom4(p.to.As4()),
	})
	ip[0] = 0x40 | byte(len(ip)/4)
	binary.BigEndian.PutUint16(ip[6:], p.fragment)
	header.IPv4(ip).SetChecksum(0)
	header.IPv4(ip).SetChecksum(^header.IPv4(ip).CalculateChecksum())
	return append(append(f, ip...), p.transport...)
}

func (g *rawGuest) tcp(to netip.AddrPort, fromPort uint16, flags header.TCPFlags) []byte {
	segment := make(header.TCP, header.TCPMinimumSize)
	segment.Encode(&header.TCPFields{
		SrcPort: fromPort, DstPort: to.Port(), SeqNum: 1000, DataOffset: header.TCPMinimumSize, Flags: flags, WindowSize: 65535,
	})
	sum := header.PseudoHeaderChecksum(header.TCPProtocolNumber, tcpip.AddrFrom4(g.link.Address.Addr().As4()),
		tcpip.AddrFrom4(to.Addr().As4()), uint16(len(segment)))
	segment.SetChecksum(^segment.CalculateChecksum(sum))
	return segment
}

// syn is a frame that asks for a TCP connection.
func (g *rawGuest) syn(to netip.AddrPort, fromPort uint16) []byte {
	return g.frame(packet{to: to.Addr(), protocol: header.TCPProtocolNumber, transport: g.tcp(to, fromPort, header.TCPFlagSyn)})
}

func echoRequest(sequence uint16) []byte {
	echo := make(header.ICMPv4, header.ICMPv4MinimumSize)
	echo.SetType(header.ICMPv4Echo)
	echo.SetSequence(sequence)
	echo.SetChecksum(^checksum.Checksum(echo, 0))
	return echo
}

// ping makes sure that the port still works: it waits for the gateway's answer to a new echo request.
func (g *rawGuest) ping(tb testing.TB, sequence uint16) {
	tb.Helper()
	g.send(tb, g.frame(packet{to: g.link.Gateway, protocol: header.ICMPv4ProtocolNumber, transport: echoRequest(sequence)}))
	g.receive(tb, func(frame []byte) bool {
		if len(frame) < header.EthernetMinimumSize+header.IPv4MinimumSize+header.ICMPv4MinimumSize {
			return false
		}
		ip := header.IPv4(frame[header.EthernetMinimumSize:])
		icmp := header.ICMPv4(ip[header.IPv4MinimumSize:])
		return ip.TransportProtocol() == header.ICMPv4ProtocolNumber && icmp.Type() == header.ICMPv4EchoReply &&
			icmp.Sequence() == sequence
	})
}

func (g *rawGuest) arp(operation uint16, target netip.Addr) []byte {
	f := append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, g.link.MAC...)
	f = append(f, 0x08, 0x06, 0, 1, 8, 0, 6, 4, byte(operation>>8), byte(operation))
	f = append(append(f, g.link.MAC...), g.link.Address.Addr().AsSlice()...)
	return append(append(f, make([]byte, 6)...), target.AsSlice()...)
}

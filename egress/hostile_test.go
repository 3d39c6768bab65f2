package egress_test

import (
	"bytes"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"testing"

	"gvisor.dev/gvisor/pkg/tcpip/header"

	"thaw.dev/thaw/egress"
	"thaw.dev/thaw/internal/outside"
)

// TestForbiddenFrames sends one frame of every kind that must not reach the stack.
func TestForbiddenFrames(t *testing.T) {
	outside := netip.MustParseAddrPort("198.51.100.7:80")
	port, g := openRaw(t, egress.Options{HostAddresses: hostIs("192.0.2.1/24")})
	segment := g.tcp(outside, 4000, header.TCPFlagSyn)
	good := packet{to: outside.Addr(), protocol: header.TCPProtocolNumber, transport: segment}
	if !egress.Classify(g.frame(good)) {
		t.Fatal("the frame that all others are made from is forbidden itself")
	}
	with := func(change func(*packet)) []byte {
		p := good
		change(&p)
		return g.frame(p)
	}
	raw := func(change func(frame []byte) []byte) []byte { return change(g.frame(good)) }
	frames := map[string][]byte{
		"no ethernet header":      {1, 2, 3},
		"only an ethernet header": raw(func(f []byte) []byte { return f[:14] }),
		"cut IPv4 header":         raw(func(f []byte) []byte { return f[:30] }),
		"cut TCP header":          raw(func(f []byte) []byte { return f[:len(f)-1] }),
		"longer than the link":    raw(func(f []byte) []byte { return append(f, make([]byte, egress.MTU)...) }),
		"IPv6":                    raw(func(f []byte) []byte { f[12], f[13] = 0x86, 0xdd; return f }),
		"VLAN":                    raw(func(f []byte) []byte { f[12], f[13] = 0x81, 0x00; return f }),
		"version 6 as IPv4":       raw(func(f []byte) []byte { f[14] = 0x65; return f }),
		"short header length":     raw(func(f []byte) []byte { f[14] = 0x44; return f }),
		"total length of nothing": raw(func(f []byte) []byte { f[16], f[17] = 0, 0; return f }),
		"total length beyond":     raw(func(f []byte) []byte { f[16] = 0xff; return f }),
		"another machine's frame": with(func(p *packet) { p.toMAC = net.HardwareAddr{2, 0, 0, 0, 0, 9} }),
		"broadcast frame":         with(func(p *packet) { p.toMAC = net.HardwareAddr{255, 255, 255, 255, 255, 255} }),
		"forged source":           with(func(p *packet) { p.from = netip.MustParseAddr("10.9.9.9") }),
		"gateway as source":       with(func(p *packet) { p.from = g.link.Gateway }),
		"loopback as source":      with(func(p *packet) { p.from = netip.MustParseAddr("127.0.0.1") }),
		"source routing":          with(func(p *packet) { p.options = []byte{131, 7, 4, 10, 0, 0, 1, 0} }),
		"first fragment":          with(func(p *packet) { p.fragment = 0x2000 }),
		"later fragment":          with(func(p *packet) { p.fragment = 0x0001 }),
		"multicast":               with(func(p *packet) { p.to = netip.MustParseAddr("224.0.0.251") }),
		"broadcast":               with(func(p *packet) { p.to = netip.MustParseAddr("255.255.255.255") }),
		"IGMP":                    with(func(p *packet) { p.protocol = 2 }),
		"SCTP":                    with(func(p *packet) { p.protocol = 132 }),
		"IPv4 in IPv4":            with(func(p *packet) { p.protocol = 4 }),
		"ping of somebody else":   with(func(p *packet) { p.protocol, p.transport = header.ICMPv4ProtocolNumber, echoRequest(1) }),
		"ICMP redirect to gateway": with(func(p *packet) {
			p.to, p.protocol, p.transport = g.link.Gateway, header.ICMPv4ProtocolNumber, []byte{5, 0, 0, 0, 1, 2, 3, 4}
		}),
		"UDP without header": with(func(p *packet) { p.protocol, p.transport = header.UDPProtocolNumber, []byte{0, 1, 0, 53} }),
	}
	for name, frame := range frames {
		if egress.Classify(frame) {
			t.Errorf("%s: would reach the stack", name)
		}
		g.send(t, frame)
	}
	g.ping(t, 1)
	if s := port.Stats(); s.Dropped != int64(len(frames)) || s.SentFrames != 1 || s.Refused+s.Failed+s.OpenTCP != 0 {
		t.Errorf("stats %+v, want %d dropped and one accepted frame", s, len(frames))
	}
}

func TestARP(t *testing.T) {
	port, g := openRaw(t, egress.Options{})
	g.send(t, g.arp(1, netip.MustParseAddr("10.255.255.3"))) // who is somebody else?
	g.send(t, g.arp(2, g.link.Gateway))                      // an answer nobody asked for
	g.send(t, g.arp(1, g.link.Gateway)[:40])                 // cut
	g.send(t, g.arp(1, g.link.Gateway))
	got := g.receive(t, func([]byte) bool { return true })
	want := append(append([]byte{}, g.link.MAC...), g.link.GatewayMAC...)
	want = append(want, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 2)
	want = append(append(want, g.link.GatewayMAC...), g.link.Gateway.AsSlice()...)
	want = append(append(want, g.link.MAC...), g.link.Address.Addr().AsSlice()...)
	if !bytes.Equal(got, want) {
		t.Errorf("answer\n%x, want\n%x", got, want)
	}
	g.ping(t, 5) // its answer would come after others
	eventually(t, "two answers were counted", func() bool { return port.Stats().ReceivedFrames == 2 })
	if s := port.Stats(); s.SentFrames != 2 || s.Dropped != 3 {
		t.Errorf("stats %+v, want one answered and three dropped", s)
	}
}

// TestGarbage sends random frames, and honest ones with random damage.
func TestGarbage(t *testing.T) {
	_, g := openRaw(t, egress.Options{HostAddresses: unknown}) // every destination is refused, whatever damage makes of it
	to := netip.MustParseAddrPort("198.51.100.7:80")
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 20_000 {
		frame := g.syn(to, uint16(i))
		if i%2 == 0 {
			frame = make([]byte, random.IntN(2000))
			for j := range frame {
				frame[j] = byte(random.Uint32())
			}
			if len(frame) == 0 {
				continue // an empty message is the end of the link
			}
		}
		for range random.IntN(4) {
			frame[random.IntN(len(frame))] ^= byte(1 << random.IntN(8))
		}
		g.send(t, frame)
	}
	g.ping(t, 2)
}

// TestSYNFlood asks for far more connections than there may be, to a server that answers, and never goes on with any.
func TestSYNFlood(t *testing.T) {
	l, addr := outside.Get(t).ListenTCP(t)
	go serveTCP(l, echo)
	const limit = 8
	port, g := openRaw(t, egress.Options{Limits: egress.Limits{TCPConnections: limit, FlowsPerSecond: 100_000}})
	for i := range 5_000 {
		g.send(t, g.syn(addr, uint16(1024+i)))
		if n := runtime.NumGoroutine(); n > 500 {
			t.Fatalf("%d goroutines after %d attempts, limit %d", n, i+1, limit)
		}
	}
	g.ping(t, 3)
	eventually(t, "the flood is worked off", func() bool { return port.Stats().OpenTCP == limit })
	if err := port.Close(); err != nil { // must not wait for handshakes
		t.Fatal(err)
	}
	if s := port.Stats(); s.OpenTCP != 0 || s.Connections != 0 {
		t.Errorf("stats %+v after close, want nothing open, nothing made", s)
	}
}

func TestFlowRateLimit(t *testing.T) {
	port, g := openRaw(t, egress.Options{HostAddresses: hostIs("192.0.2.1/24"), Limits: egress.Limits{FlowsPerSecond: 1}})
	to := netip.MustParseAddrPort("198.51.100.7:80")
	const n = 50
	for i := range n {
		g.send(t, g.syn(to, uint16(1024+i)))
	}
	g.ping(t, 4)
	if s := port.Stats(); s.Limited < n/2 || s.Limited >= n {
		t.Errorf("stats %+v, want nearly all of %d limited", s, n)
	}
}

// TestFloodWaitsInTheLink has a port that takes one frame per second, and closes it while it waits.
func TestFloodWaitsInTheLink(t *testing.T) {
	port, g := openRaw(t, egress.Options{Limits: egress.Limits{FramesPerSecond: 1}})
	for range 50 {
		g.send(t, g.arp(1, g.link.Gateway))
	}
	eventually(t, "the first frame is taken", func() bool { return port.Stats().SentFrames > 0 })
	if err := port.Close(); err != nil {
		t.Fatal(err)
	}
	if s := port.Stats(); s.SentFrames > 25 {
		t.Errorf("%d frames were taken at one per second", s.SentFrames)
	}
}

// TestSandboxThatDoesNotRead makes the stack answer more than the link can hold.
func TestSandboxThatDoesNotRead(t *testing.T) {
	port, g := openRaw(t, egress.Options{})
	frame := g.frame(packet{to: g.link.Gateway, protocol: header.ICMPv4ProtocolNumber, transport: append(echoRequest(0), make([]byte, 8000)...)})
	header.ICMPv4(frame[34:]).SetChecksum(0)
	header.ICMPv4(frame[34:]).SetChecksum(header.ICMPv4Checksum(frame[34:], 0))
	for port.Stats().Dropped == 0 {
		g.send(t, frame)
		if s := port.Stats(); s.ReceivedBytes > 64<<20 {
			t.Fatalf("the link took %d bytes", s.ReceivedBytes)
		}
	}
}

// FuzzFrame gives any frame to a port; it must survive, and only frames of a plain kind may be taken.
func FuzzFrame(f *testing.F) {
	network := egress.New(egress.Options{HostAddresses: unknown}) // every destination is refused
	f.Cleanup(func() { _ = network.Close() })
	port, err := network.Open("fuzz")
	if err != nil {
		f.Fatal(err)
	}
	g := newRawGuest(f, port)
	to := netip.MustParseAddrPort("198.51.100.7:80")
	f.Add(g.syn(to, 1))
	f.Add(g.frame(packet{to: to.Addr(), protocol: header.TCPProtocolNumber, transport: g.tcp(to, 1, header.TCPFlagAck)}))
	f.Add(g.frame(packet{to: g.link.Gateway, protocol: header.UDPProtocolNumber, transport: append([]byte{1, 1, 0, 53, 0, 20, 0, 0}, query(1)...)}))
	f.Add(g.frame(packet{to: g.link.Gateway, protocol: header.ICMPv4ProtocolNumber, transport: echoRequest(7)}))
	f.Add(g.arp(1, g.link.Gateway))
	f.Add(g.syn(to, 1)[:33])
	sequence := uint16(0)
	f.Fuzz(func(t *testing.T, frame []byte) {
		if len(frame) == 0 || len(frame) > 100_000 {
			return
		}
		taken := egress.Classify(frame)
		if taken && (len(frame) < 14+20+8 || frame[14] != 0x45 || !bytes.Equal(frame[26:30], g.link.Address.Addr().AsSlice())) {
			t.Fatalf("taken: %x", frame)
		}
		before := port.Stats()
		g.send(t, frame)
		sequence++
		g.ping(t, sequence)
		after := port.Stats()
		if dropped := after.SentFrames-before.SentFrames < 2; taken && dropped {
			t.Fatalf("dropped: %x", frame)
		}
		if after.OpenTCP+after.OpenFlows != 0 {
			t.Fatalf("opened something: %x", frame)
		}
	})
}

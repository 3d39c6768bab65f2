package egress

import (
	"context"
	"net"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// handleTCP sees every TCP packet from the sandbox that belongs to no connection. False makes the stack answer with a
// reset. It runs in the port's goroutine and decides what it can before anything is spent on a connection.
func (s *netstack) handleTCP(id stack.TransportEndpointID, pkt *stack.PacketBuffer) bool {
	flags := header.TCP(pkt.TransportHeader().Slice()).Flags()
	if flags&(header.TCPFlagSyn|header.TCPFlagAck) != header.TCPFlagSyn {
		return false
	}
	to := destination(id)
	if !isRelay(to) && s.port.net.services[to] == nil && s.refused(to, "tcp") {
		return false
	}
	if !s.port.mayStart() {
		return true // dropped: the sandbox sends it again
	}
	return s.tcp.HandlePacket(id, pkt)
}

// forwardTCP makes the connection the sandbox asks for and carries it until it ends. The sandbox's handshake is
// answered only after the outer connection is there, so it sees a refusal as a refusal.
func (s *netstack) forwardTCP(r *tcp.ForwarderRequest) {
	if !s.enter() {
		r.Complete(false)
		return
	}
	defer s.leave()
	p := s.port
	number := p.counters.openTCP.Add(1)
	defer p.counters.openTCP.Add(-1)
	if number > int64(p.net.limits.TCPConnections) || !p.net.takeSocket() {
		p.counters.limited.Add(1)
		r.Complete(true)
		return
	}
	defer p.net.giveSocket()

	to := destination(r.ID())
	outer, err := s.dial(to)
	if err != nil {
		p.counters.failed.Add(1)
		p.log.Debug("connection failed", "destination", to, "error", err)
		r.Complete(true)
		return
	}
	c := &connection{outer: outer}
	inner, tcpErr := r.CreateEndpoint(&c.events)
	r.Complete(tcpErr != nil)
	if tcpErr != nil {
		p.counters.failed.Add(1)
		_ = outer.Close()
		return
	}
	c.inner = inner
	p.counters.connections.Add(1)
	size := bufferSize(number)
	inner.SocketOptions().SetReceiveBufferSize(size, true)
	inner.SocketOptions().SetSendBufferSize(size, true)
	c.carry(p.ctx)
}

// dial connects to a destination the policy allows, or, if to is the relay, to a resolver of the host, or to a service.
func (s *netstack) dial(to netip.AddrPort) (outerConn, error) {
	if service := s.port.net.services[to]; service != nil {
		return service.connect(s.port.id)
	}
	ctx, cancel := context.WithTimeout(s.port.ctx, s.port.net.limits.DialTimeout)
	defer cancel()
	if isRelay(to) {
		return s.port.net.resolvers.dialTCP(ctx)
	}
	return dialTCP(ctx, "tcp4", to)
}

func dialTCP(ctx context.Context, network string, to netip.AddrPort) (*net.TCPConn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, to.String())
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

const (
	maxTCPBuffer = 256 << 10 // bytes; several times what the link holds between two wake-ups
	minTCPBuffer = 2 * MTU   // bytes; below, packets of full size would stall
	tcpBudget    = 8 << 20   // bytes; see bufferSize
)

// bufferSize is the size in bytes of each of the two buffers of a connection, the number-th that is open. The first
// ones get what throughput needs, later ones a share of a budget, so that the buffers of n connections take about
// tcpBudget·(1+ln n) bytes instead of n times the largest size.
func bufferSize(number int64) int64 {
	return min(maxTCPBuffer, max(minTCPBuffer, tcpBudget/max(1, number)))
}

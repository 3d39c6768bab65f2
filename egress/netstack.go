package egress

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

const (
	nicID = 1

	// timeWait is how long the stack remembers a connection that ended. The link neither delays nor repeats packets,
	// so the minute that is usual elsewhere would only hold memory.
	timeWait = 100 * time.Millisecond
	// handshakeRetries is how often a SYN-ACK is repeated: 1, 2 and 4 seconds after one another. The sandbox is next
	// door; if it is frozen meanwhile its connection is reset when it goes on.
	handshakeRetries = 3
)

// netstack is the gateway of one sandbox: a TCP/IP stack that takes every address for its own, and what forwards the
// connections that end in it.
type netstack struct {
	port  *Port
	stack *stack.Stack
	tcp   *tcp.Forwarder
	udp   *udp.Forwarder
	dns   *dnsRelay
	flows flowTable

	mu      sync.Mutex
	closing bool
	wg      sync.WaitGroup // every goroutine of the netstack that uses stack; Add only under mu and before closing
}

func newNetstack(p *Port) (*netstack, error) {
	s := &netstack{
		port: p,
		stack: stack.New(stack.Options{
			NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
			TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol},
		}),
	}
	s.flows.init(p.net.limits.UDPFlows)
	if err := s.configure(); err != nil {
		s.stack.Destroy()
		return nil, err
	}
	s.tcp = tcp.NewForwarder(s.stack, maxTCPBuffer, p.net.limits.TCPConnections, s.forwardTCP)
	s.udp = udp.NewForwarder(s.stack, s.forwardUDP)
	s.stack.SetTransportProtocolHandler(tcp.ProtocolNumber, s.handleTCP)
	s.stack.SetTransportProtocolHandler(udp.ProtocolNumber, s.handleUDP)
	relay, err := newDNSRelay(s)
	if err != nil {
		s.stack.Destroy()
		return nil, err
	}
	s.dns = relay
	s.start(relay.run)
	return s, nil
}

func (s *netstack) configure() error {
	buffers := tcpip.TCPReceiveBufferSizeRangeOption{Min: tcp.MinBufferSize, Default: maxTCPBuffer, Max: maxTCPBuffer}
	sendBuffers := tcpip.TCPSendBufferSizeRangeOption(buffers)
	moderate := tcpip.TCPModerateReceiveBufferOption(false) // bufferSize decides
	wait := tcpip.TCPTimeWaitTimeoutOption(timeWait)
	retries := tcpip.TCPSynRetriesOption(handshakeRetries)
	for _, option := range []tcpip.SettableTransportProtocolOption{&buffers, &sendBuffers, &moderate, &wait, &retries} {
		if err := s.stack.SetTransportProtocolOption(tcp.ProtocolNumber, option); err != nil {
			return fmt.Errorf("set TCP option %T: %s", option, err)
		}
	}
	if err := s.stack.CreateNIC(nicID, s.port.link); err != nil {
		return fmt.Errorf("create device: %s", err)
	}
	gateway := tcpip.ProtocolAddress{
		Protocol:          ipv4.ProtocolNumber,
		AddressWithPrefix: tcpip.AddrFrom4(gatewayAddr.As4()).WithPrefix(),
	}
	if err := s.stack.AddProtocolAddress(nicID, gateway, stack.AddressProperties{}); err != nil {
		return fmt.Errorf("set address: %s", err)
	}
	// Take packets for every address, and answer from it.
	if err := s.stack.SetPromiscuousMode(nicID, true); err != nil {
		return fmt.Errorf("accept all addresses: %s", err)
	}
	if err := s.stack.SetSpoofing(nicID, true); err != nil {
		return fmt.Errorf("answer from all addresses: %s", err)
	}
	s.stack.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nicID}})
	return nil
}

// start runs f in a goroutine that close waits for. After close began it does nothing and returns false.
func (s *netstack) start(f func()) bool {
	if !s.enter() {
		return false
	}
	go func() {
		defer s.leave()
		f()
	}()
	return true
}

// enter counts the calling goroutine among those that close waits for, until leave; false after close began.
func (s *netstack) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.wg.Add(1)
	return true
}

func (s *netstack) leave() { s.wg.Done() }

// close ends all connections and waits until nothing of the stack runs. The port's context has ended and its link is
// closed by then, which is what ends whatever waits for the outside world.
func (s *netstack) close() {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.dns.close()
	left := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(left)
	}()
	// A connection whose handshake begins while the others are being aborted is aborted in the next round.
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for waiting := true; waiting; {
		for _, e := range s.stack.RegisteredEndpoints() {
			e.Abort()
		}
		select {
		case <-left:
			waiting = false
		case <-again.C:
		}
	}
	s.stack.Destroy()
}

// destination is the address and port that a sandbox wants to reach.
func destination(id stack.TransportEndpointID) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4(id.LocalAddress.As4()), id.LocalPort)
}

// isRelay reports whether to is the name server of sandboxes.
func isRelay(to netip.AddrPort) bool { return to.Addr() == gatewayAddr && to.Port() == dnsPort }

// refused reports whether the policy refuses to, and counts it.
func (s *netstack) refused(to netip.AddrPort, protocol string) bool {
	err := s.port.net.Check(to.Addr())
	if err == nil {
		return false
	}
	s.port.counters.refused.Add(1)
	s.port.log.Debug("destination refused", "protocol", protocol, "destination", to, "error", err)
	return true
}

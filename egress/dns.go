package egress

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

const (
	// maxDNSQuery is the longest query that is relayed, in bytes. Queries are a name of 255 bytes and a few options.
	maxDNSQuery = 4096
	// dnsTimeout is how long one resolver may take before the next one is asked.
	dnsTimeout = 3 * time.Second

	dnsHeader = 12 // bytes; RFC 1035, 4.1.1
)

// dnsRelay is the name server of one sandbox for UDP: it passes queries to the host's resolvers and their answers
// back, without looking into either beyond the header.
type dnsRelay struct {
	stack  *netstack
	inner  tcpip.Endpoint
	events waiter.Queue // of inner
	places chan struct{}
}

func newDNSRelay(s *netstack) (*dnsRelay, error) {
	r := &dnsRelay{stack: s, places: make(chan struct{}, s.port.net.limits.DNSQueries)}
	inner, err := s.stack.NewEndpoint(udp.ProtocolNumber, ipv4.ProtocolNumber, &r.events)
	if err != nil {
		return nil, fmt.Errorf("make name server endpoint: %s", err)
	}
	if err := inner.Bind(tcpip.FullAddress{NIC: nicID, Addr: tcpip.AddrFrom4(gatewayAddr.As4()), Port: dnsPort}); err != nil {
		inner.Close()
		return nil, fmt.Errorf("bind name server endpoint: %s", err)
	}
	r.inner = inner
	return r, nil
}

func (r *dnsRelay) close() { r.inner.Close() }

// run takes queries until close.
func (r *dnsRelay) run() {
	entry, wake := waiter.NewChannelEntry(readable)
	r.events.EventRegister(&entry)
	defer r.events.EventUnregister(&entry)
	budget := newBucket(r.stack.port.net.limits.FlowsPerSecond, r.stack.port.net.limits.FlowsPerSecond)
	for {
		query, from, err := r.next()
		switch err.(type) {
		case nil:
			if budget.take(time.Now()) == 0 {
				r.accept(query, from)
			} else {
				r.stack.port.counters.limited.Add(1)
			}
		case *tcpip.ErrWouldBlock:
			<-wake
		default:
			return
		}
	}
}

// next returns the next query and who sent it.
func (r *dnsRelay) next() ([]byte, tcpip.FullAddress, tcpip.Error) {
	buf := getChunk()
	defer putChunk(buf)
	w := tcpip.SliceWriter(buf[:])
	result, err := r.inner.Read(&w, tcpip.ReadOptions{NeedRemoteAddr: true})
	if err != nil {
		return nil, tcpip.FullAddress{}, err
	}
	return bytes.Clone(buf[:result.Count]), result.RemoteAddr, nil
}

// accept starts the relay of one query.
func (r *dnsRelay) accept(query []byte, from tcpip.FullAddress) {
	if !isQuery(query) {
		r.stack.port.counters.dropped.Add(1)
		return
	}
	p := r.stack.port
	select {
	case r.places <- struct{}{}:
	default:
		p.counters.limited.Add(1)
		return
	}
	if !p.net.takeSocket() {
		<-r.places
		p.counters.limited.Add(1)
		return
	}
	p.counters.dnsQueries.Add(1)
	release := func() {
		p.net.giveSocket()
		<-r.places
	}
	if !r.stack.start(func() { defer release(); r.relay(query, from) }) {
		release()
	}
}

// relay answers one query: with the first answer of a resolver, or "server failure" if none answers.
func (r *dnsRelay) relay(query []byte, from tcpip.FullAddress) {
	p := r.stack.port
	buf := getChunk()
	defer putChunk(buf)
	n, err := p.net.resolvers.exchange(p.ctx, query, buf[:])
	if p.ctx.Err() != nil {
		return
	}
	answer := buf[:n]
	if err != nil {
		p.counters.failed.Add(1)
		p.log.Debug("no resolver answered", "error", err)
		answer = serverFailure(query)
	}
	// An error means that the sandbox does not take the answer; it asks again.
	_, _ = r.inner.Write(bytes.NewReader(answer), tcpip.WriteOptions{To: &from})
}

// isQuery reports whether b has a whole header that says "question" and is not longer than any question.
func isQuery(b []byte) bool {
	return len(b) >= dnsHeader && len(b) <= maxDNSQuery && b[2]&0x80 == 0
}

// serverFailure is the answer that says that resolving failed, without saying anything about the name.
func serverFailure(query []byte) []byte {
	const response, opcodeAndRecursionDesired, recursionAvailable, serverFailed = 0x80, 0x79, 0x80, 2
	answer := bytes.Clone(query)
	answer[2] = response | query[2]&opcodeAndRecursionDesired
	answer[3] = recursionAvailable | serverFailed
	return answer
}

// exchange sends query to one resolver after the other until one answers, and returns the length of the answer in buf.
func (r *resolvers) exchange(ctx context.Context, query, buf []byte) (int, error) {
	errs := []error{}
	for _, server := range r.list() {
		n, err := ask(ctx, server, query, buf)
		if err == nil {
			return n, nil
		}
		errs = append(errs, fmt.Errorf("resolver %s: %w", server, err))
		if ctx.Err() != nil {
			break
		}
	}
	return 0, errors.Join(errs...)
}

// ask sends query to server from a port of its own and waits for the answer with the same number.
func ask(ctx context.Context, server netip.AddrPort, query, buf []byte) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, dnsTimeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", server.String())
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })() // wakes the read
	if _, err := conn.Write(query); err != nil {
		return 0, err
	}
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return 0, err
		}
		if n >= dnsHeader && bytes.Equal(buf[:2], query[:2]) && buf[2]&0x80 != 0 {
			return n, nil
		}
	}
}

// dialTCP connects to the first resolver that accepts.
func (r *resolvers) dialTCP(ctx context.Context) (*net.TCPConn, error) {
	errs := []error{}
	for _, server := range r.list() {
		one, cancel := context.WithTimeout(ctx, dnsTimeout)
		conn, err := dialTCP(one, "tcp", server)
		cancel()
		if err == nil {
			return conn, nil
		}
		errs = append(errs, fmt.Errorf("resolver %s: %w", server, err))
	}
	return nil, errors.Join(errs...)
}

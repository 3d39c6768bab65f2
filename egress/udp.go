package egress

import (
	"bytes"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// handleUDP sees every datagram from the sandbox that belongs to no flow. False makes the stack answer with "port
// unreachable". It runs in the port's goroutine.
func (s *netstack) handleUDP(id stack.TransportEndpointID, pkt *stack.PacketBuffer) bool {
	if s.refused(destination(id), "udp") {
		return false
	}
	if !s.port.mayStart() {
		return true // dropped
	}
	return s.udp.HandlePacket(id, pkt)
}

// forwardUDP makes a flow for the first datagram from one port of the sandbox to one destination.
func (s *netstack) forwardUDP(r *udp.ForwarderRequest) bool {
	p := s.port
	if !s.enter() {
		return true
	}
	s.flows.makeRoom()
	if !p.net.takeSocket() {
		p.counters.limited.Add(1)
		s.leave()
		return true
	}
	f := &flow{idle: p.net.limits.UDPIdle}
	if err := f.connect(r); err != nil {
		p.counters.failed.Add(1)
		p.net.giveSocket()
		s.leave()
		return false
	}
	p.counters.flows.Add(1)
	p.counters.openFlows.Add(1)
	s.flows.add(f)
	go func() { // close waits for it by leave, and ends it by aborting inner
		defer s.leave()
		f.carry()
		s.flows.remove(f)
		p.counters.openFlows.Add(-1)
		p.net.giveSocket()
	}()
	return true
}

// flow joins datagrams between one port of the sandbox and one destination with a connected socket of the host, which
// accepts answers of that destination only.
type flow struct {
	idle   time.Duration
	inner  tcpip.Endpoint
	events waiter.Queue // of inner
	outer  *net.UDPConn
	used   atomic.Int64 // Unix time in nanoseconds of the latest datagram
}

// connect makes both ends. After an error nothing is left.
func (f *flow) connect(r *udp.ForwarderRequest) error {
	f.touch()
	outer, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(destination(r.ID())))
	if err != nil {
		return err
	}
	inner, tcpErr := r.CreateEndpoint(&f.events)
	if tcpErr != nil {
		_ = outer.Close()
		return errInner
	}
	f.inner, f.outer = inner, outer
	return nil
}

func (f *flow) touch() { f.used.Store(time.Now().UnixNano()) }

// end makes carry return. It may be called at any time, more than once.
func (f *flow) end() {
	_ = f.outer.Close()
	f.inner.Abort()
}

// carry copies datagrams both ways until the flow was silent for long, or one side ends.
func (f *flow) carry() {
	inward := make(chan struct{})
	go func() { // ends before carry returns
		defer close(inward)
		f.copyInward()
		f.end()
	}()
	f.copyOutward()
	f.end()
	<-inward
}

func (f *flow) copyOutward() {
	entry, wake := waiter.NewChannelEntry(readable)
	f.events.EventRegister(&entry)
	defer f.events.EventUnregister(&entry)
	for {
		switch f.datagramOutward().(type) {
		case nil:
		case *tcpip.ErrWouldBlock:
			<-wake
		default:
			return
		}
	}
}

func (f *flow) datagramOutward() tcpip.Error {
	buf := getChunk()
	defer putChunk(buf)
	w := tcpip.SliceWriter(buf[:])
	result, err := f.inner.Read(&w, tcpip.ReadOptions{})
	if err != nil {
		return err
	}
	f.touch()
	if _, err := f.outer.Write(buf[:result.Count]); errors.Is(err, net.ErrClosed) {
		return &tcpip.ErrAborted{}
	}
	return nil // other errors lose a datagram, as networks do
}

func (f *flow) copyInward() {
	raw, err := f.outer.SyscallConn()
	if err != nil {
		return
	}
	for {
		idleSince := time.Unix(0, f.used.Load())
		if err := f.outer.SetReadDeadline(idleSince.Add(f.idle)); err != nil {
			return
		}
		buf, n, err := readChunk(raw)
		if errors.Is(err, os.ErrDeadlineExceeded) && time.Since(time.Unix(0, f.used.Load())) < f.idle {
			continue // a datagram went out meanwhile
		}
		if err != nil {
			return
		}
		f.touch()
		_, tcpErr := f.inner.Write(bytes.NewReader(buf[:n]), tcpip.WriteOptions{})
		putChunk(buf)
		if _, closed := tcpErr.(*tcpip.ErrClosedForSend); closed {
			return
		}
	}
}

// flowTable holds the flows of a sandbox, at most limit.
type flowTable struct {
	limit int
	mu    sync.Mutex
	all   map[*flow]struct{}
}

func (t *flowTable) init(limit int) {
	t.limit = limit
	t.all = make(map[*flow]struct{})
}

func (t *flowTable) add(f *flow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all[f] = struct{}{}
}

func (t *flowTable) remove(f *flow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, f)
}

// makeRoom ends the flow that was silent for longest if the table is full. Only the port's goroutine adds flows, so
// there is room afterwards.
func (t *flowTable) makeRoom() {
	t.mu.Lock()
	var oldest *flow
	if len(t.all) >= t.limit {
		for f := range t.all {
			if oldest == nil || f.used.Load() < oldest.used.Load() {
				oldest = f
			}
		}
		delete(t.all, oldest)
	}
	t.mu.Unlock()
	if oldest != nil {
		oldest.end()
	}
}

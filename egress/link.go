package egress

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// link is the stack's network device: our end of the socket pair. gVisor's own device for this (fdbased) keeps an
// operating system thread blocked in poll per device; this one waits in Go's poller.
type link struct {
	file     *os.File
	raw      syscall.RawConn
	counters *counters

	mu         sync.RWMutex
	dispatcher stack.NetworkDispatcher // where frames go; nil while there is no stack
}

var _ stack.LinkEndpoint = (*link)(nil)

// newLink takes over file, also when it fails.
func newLink(file *os.File, c *counters) (*link, error) {
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("use socket: %w", err)
	}
	return &link{file: file, raw: raw, counters: c}, nil
}

// close ends reads and writes, also those that wait.
func (l *link) close() { _ = l.file.Close() }

// deliver hands a frame that classify accepted as IPv4 to the stack.
func (l *link) deliver(frame []byte) {
	l.mu.RLock()
	d := l.dispatcher
	l.mu.RUnlock()
	if d == nil {
		return
	}
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{
		Payload: buffer.MakeWithData(frame[header.EthernetMinimumSize:]),
	})
	defer pkt.DecRef()
	d.DeliverNetworkPacket(header.IPv4ProtocolNumber, pkt)
}

// write sends one frame if the sandbox has room for it, and drops it otherwise: a sandbox that is frozen or does not
// read must not hold up the stack.
func (l *link) write(frame [][]byte) bool {
	n, err := 0, error(nil)
	waitErr := l.raw.Write(func(fd uintptr) bool {
		n, err = unix.SendmsgBuffers(int(fd), frame, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		return true
	})
	if waitErr != nil || err != nil {
		l.counters.dropped.Add(1)
		return false
	}
	l.counters.received(n)
	return true
}

// WritePackets implements stack.LinkWriter.
func (l *link) WritePackets(pkts stack.PacketBufferList) (int, tcpip.Error) {
	for i, pkt := range pkts.AsSlice() {
		if !l.write(pkt.AsSlices()) {
			return i, &tcpip.ErrNoBufferSpace{}
		}
	}
	return pkts.Len(), nil
}

// Attach implements stack.NetworkLinkEndpoint.
func (l *link) Attach(d stack.NetworkDispatcher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dispatcher = d
}

// IsAttached implements stack.NetworkLinkEndpoint.
func (l *link) IsAttached() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.dispatcher != nil
}

// AddHeader implements stack.NetworkLinkEndpoint.
func (l *link) AddHeader(pkt *stack.PacketBuffer) {
	encodeEthernet(pkt.LinkHeader().Push(header.EthernetMinimumSize), pkt.NetworkProtocolNumber)
}

// Capabilities implements stack.NetworkLinkEndpoint. What arrives was copied within memory: checking sums would find
// only those that a sandbox got wrong at its own cost.
func (l *link) Capabilities() stack.LinkEndpointCapabilities {
	return stack.CapabilityRXChecksumOffload
}

// MTU implements stack.NetworkLinkEndpoint.
func (l *link) MTU() uint32 { return MTU }

// MaxHeaderLength implements stack.NetworkLinkEndpoint.
func (l *link) MaxHeaderLength() uint16 { return header.EthernetMinimumSize }

// LinkAddress implements stack.NetworkLinkEndpoint.
func (l *link) LinkAddress() tcpip.LinkAddress { return tcpip.LinkAddress(gatewayMAC[:]) }

// ARPHardwareType implements stack.NetworkLinkEndpoint.
func (l *link) ARPHardwareType() header.ARPHardwareType { return header.ARPHardwareEther }

// ParseHeader implements stack.NetworkLinkEndpoint; deliver has removed the header already.
func (l *link) ParseHeader(*stack.PacketBuffer) bool { return true }

// SetMTU implements stack.NetworkLinkEndpoint; the MTU is fixed.
func (l *link) SetMTU(uint32) {}

// SetLinkAddress implements stack.NetworkLinkEndpoint; the address is fixed.
func (l *link) SetLinkAddress(tcpip.LinkAddress) {}

// SetOnCloseAction implements stack.NetworkLinkEndpoint; the port closes the link.
func (l *link) SetOnCloseAction(func()) {}

// Close implements stack.NetworkLinkEndpoint; the port closes the link.
func (l *link) Close() {}

// Wait implements stack.NetworkLinkEndpoint; the link has no goroutine.
func (l *link) Wait() {}

// encodeEthernet writes the header of a frame to the sandbox.
func encodeEthernet(b []byte, protocol tcpip.NetworkProtocolNumber) {
	copy(b[0:6], guestMAC[:])
	copy(b[6:12], gatewayMAC[:])
	binary.BigEndian.PutUint16(b[12:14], uint16(protocol))
}

// tcpipProtocol reads the type of a frame with a complete header.
func tcpipProtocol(frame []byte) tcpip.NetworkProtocolNumber {
	return tcpip.NetworkProtocolNumber(binary.BigEndian.Uint16(frame[12:14]))
}

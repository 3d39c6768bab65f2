package sandbox

import (
	"net"
	"net/netip"
	"os"
)

// Network gives sandboxes their network devices. It is the host's side of Spec.Egress, the same for every engine.
type Network interface {
	// Connect makes a device for the sandbox called id. The engine closes the device's File once the sandbox has it,
	// and calls Close when the sandbox is gone.
	Connect(id string) (Device, error)
}

// Device is a sandbox's end of a link that carries one Ethernet frame per packet.
type Device struct {
	File    *os.File // a SOCK_SEQPACKET socket
	Address netip.Prefix
	Gateway netip.Addr
	MAC     net.HardwareAddr
	MTU     int          // bytes, without the Ethernet header
	Close   func() error // ends the host's side
}

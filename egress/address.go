package egress

import (
	"net"
	"net/netip"
)

// The addresses inside every sandbox. They are the same everywhere, so that a runtime image can contain them.
const (
	// GuestAddress is the sandbox's own IPv4 address.
	GuestAddress = "10.255.255.2"
	// Gateway is the address of our end, the sandbox's default route. It answers ping and, on port 53, DNS.
	Gateway = "10.255.255.1"
	// Nameserver is what the resolv.conf of a runtime image names.
	Nameserver = Gateway
	// PrefixBits is the length of the network prefix that GuestAddress and Gateway share.
	PrefixBits = 30
)

// MTU is the largest IPv4 packet on the link, in bytes. The link is memory, so it is far larger than on Ethernet: the
// cost of a packet hardly depends on its size.
const MTU = 16384

const (
	ethernetHeader = 14
	maxFrame       = ethernetHeader + MTU
	dnsPort        = 53
)

var (
	guestAddr   = netip.MustParseAddr(GuestAddress)
	gatewayAddr = netip.MustParseAddr(Gateway)
	linkPrefix  = netip.PrefixFrom(gatewayAddr, PrefixBits).Masked()

	// Locally administered unicast addresses (IEEE 802, second bit of the first octet).
	guestMAC   = [6]byte{0x02, 0, 0, 0, 0, 0x02}
	gatewayMAC = [6]byte{0x02, 0, 0, 0, 0, 0x01}
)

// LinkConfig is how a sandbox must set up its end of a port. It is the same for all ports.
type LinkConfig struct {
	// Address is the sandbox's address with the length of its network prefix.
	Address netip.Prefix
	// Gateway is the next hop of the sandbox's default route.
	Gateway netip.Addr
	// MAC is the sandbox's hardware address. Frames to it carry this destination.
	MAC net.HardwareAddr
	// GatewayMAC is the gateway's hardware address. It may be a permanent neighbour entry; ARP gives it as well.
	GatewayMAC net.HardwareAddr
	// MTU is the largest IPv4 packet in bytes, without the Ethernet header. Checksums of packets from the gateway are
	// valid but need no check; those of packets to it are not checked.
	MTU int
}

func linkConfig() LinkConfig {
	guest, gateway := guestMAC, gatewayMAC
	return LinkConfig{
		Address:    netip.PrefixFrom(guestAddr, PrefixBits),
		Gateway:    gatewayAddr,
		MAC:        guest[:],
		GatewayMAC: gateway[:],
		MTU:        MTU,
	}
}

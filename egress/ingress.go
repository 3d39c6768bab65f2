package egress

import (
	"encoding/binary"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip/header"
)

type frameKind int

const (
	frameBad  frameKind = iota // not for us, or not allowed
	frameARP                   // an ARP packet
	frameIPv4                  // an IPv4 packet for the stack
)

// classify decides what becomes of a frame a sandbox sent. Only frames with these properties reach the stack: addressed
// to the gateway; IPv4 from the sandbox's own address, so that no answer goes to a forged one; to one host, not to
// many; no options, which could ask for source routing; not a fragment, since the stack would have to keep fragments
// and the link carries packets of any sensible size; TCP, UDP, or an echo request to the gateway, since other ICMP
// could only disturb the stack's connections.
func classify(frame []byte) frameKind {
	if len(frame) < header.EthernetMinimumSize || len(frame) > maxFrame {
		return frameBad
	}
	destination := [6]byte(frame[0:6])
	packet := frame[header.EthernetMinimumSize:]
	switch tcpipProtocol(frame) {
	case header.ARPProtocolNumber:
		if destination == gatewayMAC || destination == [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff} {
			return frameARP
		}
	case header.IPv4ProtocolNumber:
		if destination == gatewayMAC && allowedPacket(packet) {
			return frameIPv4
		}
	}
	return frameBad
}

func allowedPacket(packet []byte) bool {
	if len(packet) < header.IPv4MinimumSize || packet[0] != 0x45 { // version 4, five words of header
		return false
	}
	total := int(binary.BigEndian.Uint16(packet[2:4]))
	if total < header.IPv4MinimumSize || total > len(packet) {
		return false
	}
	const moreFragmentsAndOffset = 0x3fff
	if binary.BigEndian.Uint16(packet[6:8])&moreFragmentsAndOffset != 0 {
		return false
	}
	if netip.AddrFrom4([4]byte(packet[12:16])) != guestAddr {
		return false
	}
	to := netip.AddrFrom4([4]byte(packet[16:20]))
	if to.IsMulticast() || to == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return false
	}
	payload := packet[header.IPv4MinimumSize:total]
	switch packet[9] {
	case uint8(header.TCPProtocolNumber):
		return len(payload) >= header.TCPMinimumSize
	case uint8(header.UDPProtocolNumber):
		return len(payload) >= header.UDPMinimumSize
	case uint8(header.ICMPv4ProtocolNumber):
		return to == gatewayAddr && len(payload) >= header.ICMPv4MinimumSize &&
			header.ICMPv4Type(payload[0]) == header.ICMPv4Echo
	}
	return false
}

// arpReply answers the question who has the gateway's address; nil for every other ARP packet. There is no neighbour
// table on our side that answers could fill: frames to the sandbox always carry its one hardware address.
func arpReply(frame []byte) []byte {
	ask := header.ARP(frame[header.EthernetMinimumSize:])
	if !ask.IsValid() || ask.Op() != header.ARPRequest || [4]byte(ask.ProtocolAddressTarget()) != gatewayAddr.As4() {
		return nil
	}
	reply := make([]byte, header.EthernetMinimumSize+header.ARPSize)
	encodeEthernet(reply, header.ARPProtocolNumber)
	answer := header.ARP(reply[header.EthernetMinimumSize:])
	answer.SetIPv4OverEthernet()
	answer.SetOp(header.ARPReply)
	copy(answer.HardwareAddressSender(), gatewayMAC[:])
	copy(answer.ProtocolAddressSender(), ask.ProtocolAddressTarget())
	copy(answer.HardwareAddressTarget(), ask.HardwareAddressSender())
	copy(answer.ProtocolAddressTarget(), ask.ProtocolAddressSender())
	return reply
}

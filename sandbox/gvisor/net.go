package gvisor

import (
	"fmt"
	"net"
	"net/netip"
	"os"

	"gvisor.dev/gvisor/pkg/urpc"
	"gvisor.dev/gvisor/runsc/boot"
	"gvisor.dev/gvisor/runsc/config"

	"thaw.dev/thaw/sandbox"
)

// linkArgs describes what the sandbox's network stack gets: loopback always, the device if there is one.
func linkArgs(d *sandbox.Device) (*boot.CreateLinksAndRoutesArgs, error) {
	args := &boot.CreateLinksAndRoutesArgs{LoopbackLinks: []boot.LoopbackLink{boot.DefaultLoopbackLink}}
	if d == nil {
		return args, nil
	}
	if !d.Address.Addr().Is4() || !d.Gateway.Is4() {
		return nil, fmt.Errorf("device has no IPv4 address and gateway: %s, %s", d.Address, d.Gateway)
	}
	const name = "eth0"
	subnet := d.Address.Masked()
	args.FilePayload = urpc.FilePayload{Files: []*os.File{d.File}}
	args.FDBasedLinks = []boot.FDBasedLink{{
		Name:        name,
		MTU:         d.MTU,
		Addresses:   []boot.IPWithPrefix{{Address: d.Address.Addr().AsSlice(), PrefixLen: d.Address.Bits()}},
		Routes:      []boot.Route{{Destination: ipNet(subnet)}},
		LinkAddress: d.MAC,
		QDisc:       config.QDiscFIFO,
		NumChannels: 1,
		// The host's side is a network stack in our own process: nothing between can damage a packet.
		RXChecksumOffload: true,
	}}
	args.Defaultv4Gateway = boot.DefaultRoute{Name: name, Route: boot.Route{
		Destination: ipNet(netip.PrefixFrom(netip.IPv4Unspecified(), 0)),
		Gateway:     d.Gateway.AsSlice(),
	}}
	return args, nil
}

func ipNet(p netip.Prefix) net.IPNet {
	return net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

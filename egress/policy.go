package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Policy is the operator's part of what sandboxes may reach. Without any rule everything is allowed that the built-in
// rules do not refuse, private networks included.
//
// Refused for good are loopback, 0.0.0.0/8, multicast, 240.0.0.0/4, broadcast addresses of the host's networks, the link
// itself and whatever is not IPv4. Refused unless Allow names them are link-local addresses, the metadata services of
// clouds and the host's own addresses.
type Policy struct {
	// Deny lists networks to refuse. Only IPv4 prefixes have a meaning.
	Deny []netip.Prefix
	// Allow lists exceptions from Deny. An exception from a built-in rule must lie within the refused range: 10.0.0.0/8
	// does not open the host's address 10.0.0.5, 10.0.0.5/32 does; 0.0.0.0/0 does not open 169.254.1.1, 169.254.1.0/24
	// does.
	Allow []netip.Prefix
}

// ErrRefused is wrapped by the errors of Network.Check.
var ErrRefused = errors.New("refused by the egress policy")

type rule struct {
	prefix netip.Prefix
	name   string
}

// never cannot be allowed by anybody. Loopback inside a sandbox is the sandbox itself.
var never = []rule{
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified address"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback address"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved or broadcast address"},
	{linkPrefix, "address of the sandbox link"},
}

// unlessNamed can be allowed by a prefix inside. The single addresses are metadata services outside of 169.254.0.0/16:
// Alibaba Cloud ("ECS instance metadata"), Azure ("What is IP address 168.63.129.16") and Oracle Cloud (iSCSI and the
// former metadata endpoint).
var unlessNamed = []rule{
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local address"},
	{netip.MustParsePrefix("100.100.100.200/32"), "metadata service"},
	{netip.MustParsePrefix("168.63.129.16/32"), "metadata service"},
	{netip.MustParsePrefix("192.0.0.192/32"), "metadata service"},
}

// check returns nil if a sandbox may reach addr on a host that has the addresses own, else an error that wraps
// ErrRefused.
func (p *Policy) check(addr netip.Addr, own *ownAddresses) error {
	if !addr.Is4() {
		return refuse("not an IPv4 address")
	}
	for _, r := range never {
		if r.prefix.Contains(addr) {
			return refuse(r.name)
		}
	}
	if own == nil {
		return refuse("the host's addresses are unknown")
	}
	if own.broadcast[addr] {
		return refuse("broadcast address")
	}
	for _, r := range unlessNamed {
		if r.prefix.Contains(addr) && !p.names(addr, r.prefix.Bits()) {
			return refuse(r.name)
		}
	}
	if own.unicast[addr] && !p.names(addr, addr.BitLen()) {
		return refuse("address of the host")
	}
	contains := func(prefix netip.Prefix) bool { return prefix.Contains(addr) }
	if slices.ContainsFunc(p.Deny, contains) && !slices.ContainsFunc(p.Allow, contains) {
		return refuse("denied network")
	}
	return nil
}

// names reports whether an allowed prefix of at least bits bits contains addr.
func (p *Policy) names(addr netip.Addr, bits int) bool {
	return slices.ContainsFunc(p.Allow, func(prefix netip.Prefix) bool {
		return prefix.Bits() >= bits && prefix.Contains(addr)
	})
}

func refuse(reason string) error { return fmt.Errorf("%w: %s", ErrRefused, reason) }

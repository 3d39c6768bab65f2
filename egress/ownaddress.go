package egress

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// ownAddressesAge is how old the list of the host's addresses may be: so long a sandbox can reach an address that was
// just added to the host.
const ownAddressesAge = 2 * time.Second

// ownAddresses are the host's addresses at one moment.
type ownAddresses struct {
	unicast   map[netip.Addr]bool
	broadcast map[netip.Addr]bool // of the networks the host is in
}

// ownAddressCache reads the host's addresses again when they are old.
type ownAddressCache struct {
	list    func() ([]netip.Prefix, error)
	log     *slog.Logger
	latest  atomic.Pointer[reading]
	reading atomic.Bool // one caller reads while the others use what there is
}

// reading is one attempt to read the addresses; own are those of the last that succeeded, nil if none did.
type reading struct {
	at  time.Time
	own *ownAddresses
}

// load returns the addresses, or nil if they could never be read.
func (c *ownAddressCache) load() *ownAddresses {
	last := c.latest.Load()
	if last != nil {
		if time.Since(last.at) < ownAddressesAge || !c.reading.CompareAndSwap(false, true) {
			return last.own
		}
		defer c.reading.Store(false)
	}
	next := &reading{at: time.Now()}
	prefixes, err := c.list()
	switch {
	case err == nil:
		next.own = newOwnAddresses(prefixes)
	case last != nil:
		next.own = last.own
	}
	if err != nil {
		c.log.Warn("cannot read the host's addresses", "error", err)
	}
	c.latest.Store(next)
	return next.own
}

func newOwnAddresses(prefixes []netip.Prefix) *ownAddresses {
	own := &ownAddresses{unicast: make(map[netip.Addr]bool), broadcast: make(map[netip.Addr]bool)}
	for _, p := range prefixes {
		addr := p.Addr().Unmap()
		if !addr.Is4() {
			continue
		}
		own.unicast[addr] = true
		if bits := p.Bits(); bits >= 0 && bits < 31 && !addr.IsLoopback() { // RFC 3021: no broadcast address in a /31
			own.broadcast[lastAddress(addr, bits)] = true
		}
	}
	return own
}

// lastAddress is the highest IPv4 address of addr's network.
func lastAddress(addr netip.Addr, bits int) netip.Addr {
	a := addr.As4()
	for i := bits; i < 32; i++ {
		a[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(a)
}

// interfaceAddresses lists the addresses of all of the host's interfaces.
func interfaceAddresses() ([]netip.Prefix, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list interface addresses: %w", err)
	}
	var prefixes []netip.Prefix
	for _, a := range addrs {
		ipNet, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		addr, ok := netip.AddrFromSlice(ipNet.IP)
		if !ok {
			continue
		}
		ones, _ := ipNet.Mask.Size()
		prefixes = append(prefixes, netip.PrefixFrom(addr.Unmap(), ones))
	}
	return prefixes, nil
}

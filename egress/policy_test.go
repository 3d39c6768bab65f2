package egress_test

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"thaw.dev/thaw/egress"
)

func mustAddrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func prefixes(list ...string) []netip.Prefix {
	var p []netip.Prefix
	for _, s := range list {
		p = append(p, netip.MustParsePrefix(s))
	}
	return p
}

// hostIs makes a host with these addresses.
func hostIs(list ...string) func() ([]netip.Prefix, error) {
	return func() ([]netip.Prefix, error) { return prefixes(list...), nil }
}

// unknown makes a host whose addresses cannot be read.
func unknown() ([]netip.Prefix, error) { return nil, errors.New("no memory") }

func TestPolicy(t *testing.T) {
	t.Parallel()
	host := hostIs("127.0.0.1/8", "10.1.2.3/24", "10.1.2.4/24", "203.0.113.9/32", "198.51.100.1/31", "fe80::1/64")
	operator := egress.Policy{
		Deny:  prefixes("10.0.0.0/8", "192.168.0.0/16", "8.8.8.8/32"),
		Allow: prefixes("10.5.0.0/16", "10.1.2.4/32", "10.1.2.0/24", "169.254.7.0/24", "0.0.0.0/1", "127.0.0.1/32", "192.168.1.0/24"),
	}
	tests := []struct {
		addr     string
		builtin  string // reason without an operator's policy, empty if allowed
		operated string // with it
	}{
		{"93.184.216.34", "", ""},
		{"9.255.255.255", "", ""},
		{"10.0.0.1", "", ""}, // denied by 10/8, excepted by 0/1
		{"192.168.2.2", "", "denied network"},
		{"192.168.1.2", "", ""},
		{"172.16.0.1", "", ""},
		{"100.64.0.1", "", ""},
		{"8.8.8.8", "", ""},
		{"10.5.1.1", "", ""},

		{"0.0.0.0", "unspecified address", "unspecified address"},
		{"0.1.2.3", "unspecified address", "unspecified address"},
		{"127.0.0.1", "loopback address", "loopback address"},
		{"127.255.255.255", "loopback address", "loopback address"},
		{"126.255.255.255", "", ""},
		{"128.0.0.0", "", ""},
		{"224.0.0.1", "multicast address", "multicast address"},
		{"239.255.255.255", "multicast address", "multicast address"},
		{"240.0.0.1", "reserved or broadcast address", "reserved or broadcast address"},
		{"255.255.255.255", "reserved or broadcast address", "reserved or broadcast address"},
		{egress.Gateway, "address of the sandbox link", "address of the sandbox link"},
		{egress.GuestAddress, "address of the sandbox link", "address of the sandbox link"},
		{"10.255.255.4", "", ""},

		{"169.254.0.0", "link-local address", "link-local address"},
		{"169.254.169.254", "link-local address", "link-local address"},
		{"169.254.7.1", "link-local address", ""}, // named
		{"100.100.100.200", "metadata service", "metadata service"},
		{"168.63.129.16", "metadata service", "metadata service"},
		{"192.0.0.192", "metadata service", "metadata service"},

		{"10.1.2.3", "address of the host", "address of the host"}, // 10.1.2.0/24 does not name it
		{"10.1.2.4", "address of the host", ""},                    // named
		{"203.0.113.9", "address of the host", "address of the host"},
		{"198.51.100.1", "address of the host", "address of the host"},
		{"198.51.100.0", "", ""}, // the peer in a /31
		{"10.1.2.5", "", ""},     // a neighbour
		{"10.1.2.255", "broadcast address", "broadcast address"},

		{"::1", "not an IPv4 address", "not an IPv4 address"},
		{"2001:db8::1", "not an IPv4 address", "not an IPv4 address"},
		{"::ffff:93.184.216.34", "not an IPv4 address", "not an IPv4 address"},
	}
	builtin := egress.New(egress.Options{HostAddresses: host})
	operated := egress.New(egress.Options{HostAddresses: host, Policy: operator})
	for _, test := range tests {
		addr := netip.MustParseAddr(test.addr)
		checkVerdict(t, "built-in "+test.addr, builtin.Check(addr), test.builtin)
		checkVerdict(t, "operated "+test.addr, operated.Check(addr), test.operated)
	}
	checkVerdict(t, "zero address", builtin.Check(netip.Addr{}), "not an IPv4 address")
}

func checkVerdict(t *testing.T, what string, err error, reason string) {
	t.Helper()
	switch {
	case reason == "" && err != nil:
		t.Errorf("%s: %v, want it allowed", what, err)
	case reason != "" && (!errors.Is(err, egress.ErrRefused) || !strings.HasSuffix(err.Error(), ": "+reason)):
		t.Errorf("%s: %v, want it refused as %q", what, err, reason)
	}
}

// TestOwnAddressesOfThisHost uses the real list of interfaces.
func TestOwnAddressesOfThisHost(t *testing.T) {
	t.Parallel()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	network := egress.New(egress.Options{})
	for _, a := range addrs {
		addr, _ := netip.AddrFromSlice(a.(*net.IPNet).IP)
		if network.Check(addr.Unmap()) == nil {
			t.Errorf("this host's %s is allowed", addr)
		}
	}
}

// TestOwnAddressesChange adds an address to the host, and later makes reading fail.
func TestOwnAddressesChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var list []netip.Prefix
		err := errors.New("no memory")
		reads := 0
		network := egress.New(egress.Options{HostAddresses: func() ([]netip.Prefix, error) { reads++; return list, err }})
		addr := netip.MustParseAddr("203.0.113.5")
		verdict := func(when, reason string, wantReads int) {
			t.Helper()
			checkVerdict(t, when, network.Check(addr), reason)
			if reads != wantReads {
				t.Errorf("%s: the list was read %d times, want %d", when, reads, wantReads)
			}
		}
		verdict("never read", "the host's addresses are unknown", 1)
		err = nil
		verdict("failed just now", "the host's addresses are unknown", 1)
		time.Sleep(2 * time.Second)
		verdict("read", "", 2)
		list = prefixes("203.0.113.5/24")
		verdict("added just now", "", 2)
		time.Sleep(2 * time.Second)
		verdict("added", "address of the host", 3)
		err = errors.New("no memory")
		time.Sleep(2 * time.Second)
		verdict("cannot be read any more", "address of the host", 4)
	})
}

// FuzzPolicy compares the verdict with rules written down in another way.
func FuzzPolicy(f *testing.F) {
	for _, a := range []string{"8.8.8.8", "127.0.0.1", "169.254.169.254", "10.1.2.3", "10.1.2.255", "255.255.255.255", "::1", "::ffff:127.0.0.1"} {
		f.Add(netip.MustParseAddr(a).AsSlice(), byte(8))
	}
	host := hostIs("10.1.2.3/24", "127.0.0.1/8")
	f.Fuzz(func(t *testing.T, raw []byte, bits byte) {
		addr, ok := netip.AddrFromSlice(raw)
		if !ok {
			return
		}
		allow := netip.PrefixFrom(addr, int(bits)%(addr.BitLen()+1))
		for _, policy := range []egress.Policy{{}, {Allow: []netip.Prefix{allow}}, {Deny: []netip.Prefix{allow}}} {
			network := egress.New(egress.Options{HostAddresses: host, Policy: policy})
			if network.Check(addr) != nil {
				if policy.Deny == nil && addr.Is4() && isPlain(addr.As4()) {
					t.Errorf("%s refused under %+v", addr, policy)
				}
				continue
			}
			switch {
			case !addr.Is4():
				t.Errorf("%s allowed", addr)
			case policy.Deny != nil:
				t.Errorf("%s allowed although denied", addr)
			case addr.IsLoopback() || addr.IsMulticast() || addr.As4()[0] == 0 || addr.As4()[0] >= 240:
				t.Errorf("%s allowed under %+v", addr, policy)
			case addr.IsLinkLocalUnicast() && (policy.Allow == nil || allow.Bits() < 16):
				t.Errorf("%s allowed under %+v", addr, policy)
			case addr.As4() == [4]byte{10, 1, 2, 3} && (policy.Allow == nil || allow.Bits() < 32):
				t.Errorf("%s allowed under %+v", addr, policy)
			}
		}
	})
}

// isPlain reports whether nothing is special about an address that these tests know of.
func isPlain(a [4]byte) bool {
	switch a[0] {
	case 0, 10, 127, 168, 169, 100, 192:
		return false
	}
	return a[0] < 224
}

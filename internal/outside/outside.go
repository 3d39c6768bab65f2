// Package outside makes, for tests, a world that sandboxes may reach: a network namespace on a veth pair. Everything else
// on a test machine is the host's own address, which egress refuses.
package outside

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"thaw.dev/thaw/internal/testenv"
)

// World is a network namespace that hangs on a veth pair whose other end belongs to this host. It ends with the process.
type World struct {
	Host netip.Addr // this host's end
	Addr netip.Addr // the world's end

	space netns.NsHandle
}

var theOutside = sync.OnceValues(makeOutside)

// Get returns this process's world. It needs root.
func Get(tb testing.TB) *World {
	tb.Helper()
	testenv.NeedsRoot(tb)
	o, err := theOutside()
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

func makeOutside() (*World, error) {
	// From 198.18.0.0/15 (RFC 2544, for tests), different in every process.
	pid := os.Getpid()
	network := [4]byte{198, 18, byte(pid >> 6), byte(pid&63) << 2}
	o := &World{}
	network[3]++
	o.Host = netip.AddrFrom4(network)
	network[3]++
	o.Addr = netip.AddrFrom4(network)

	var err error
	inOwnNamespace(func() { o.space, err = netns.New() })
	if err != nil {
		return nil, fmt.Errorf("make network namespace: %w", err)
	}
	name := fmt.Sprintf("egt%d", pid)
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: name + "p", PeerNamespace: netlink.NsFd(int(o.space))}
	if err := netlink.LinkAdd(veth); err != nil {
		return nil, fmt.Errorf("make veth pair: %w", err)
	}
	if err := setUp(name, o.Host); err != nil {
		return nil, fmt.Errorf("set up the host's end: %w", err)
	}
	o.Do(func() { err = setUp(name+"p", o.Addr) })
	if err != nil {
		return nil, fmt.Errorf("set up the world's end: %w", err)
	}
	return o, awaitCarrier(name)
}

// awaitCarrier returns when the kernel has noticed that both ends are up: it drops packets before.
func awaitCarrier(name string) error {
	changes, done := make(chan netlink.LinkUpdate), make(chan struct{})
	if err := netlink.LinkSubscribeWithOptions(changes, done, netlink.LinkSubscribeOptions{ListExisting: true}); err != nil {
		return fmt.Errorf("watch the veth pair: %w", err)
	}
	defer func() {
		close(done)
		for range changes { // the subscription may be sending, and ends only after that
		}
	}()
	for change := range changes {
		if attrs := change.Attrs(); attrs.Name == name && attrs.OperState == netlink.OperUp {
			return nil
		}
	}
	return errors.New("the veth pair cannot be watched any more")
}

func setUp(name string, addr netip.Addr) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	ipNet := &net.IPNet{IP: addr.AsSlice(), Mask: net.CIDRMask(30, 32)}
	if err := netlink.AddrAdd(link, &netlink.Addr{IPNet: ipNet}); err != nil {
		return err
	}
	return netlink.LinkSetUp(link)
}

// Do runs f in the namespace.
func (w *World) Do(f func()) {
	inOwnNamespace(func() {
		if err := netns.Set(w.space); err != nil {
			panic(err)
		}
		f()
	})
}

// inOwnNamespace calls f, which may change its thread's network namespace, and changes it back. It must not leave that
// to the thread's end: a thread may have started sandboxes before, and they end with it.
func inOwnNamespace(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := netns.Get()
	if err != nil {
		panic(err)
	}
	defer func() {
		if err := netns.Set(before); err != nil {
			panic(err)
		}
		_ = before.Close()
	}()
	f()
}

// ListenTCP listens in the world, until the test ends.
func (w *World) ListenTCP(tb testing.TB) (*net.TCPListener, netip.AddrPort) {
	tb.Helper()
	var l *net.TCPListener
	var err error
	w.Do(func() { l, err = net.ListenTCP("tcp4", &net.TCPAddr{IP: w.Addr.AsSlice()}) })
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.Close() })
	return l, l.Addr().(*net.TCPAddr).AddrPort()
}

// ListenUDP receives datagrams in the world, until the test ends.
func (w *World) ListenUDP(tb testing.TB) (*net.UDPConn, netip.AddrPort) {
	tb.Helper()
	var c *net.UDPConn
	var err error
	w.Do(func() { c, err = net.ListenUDP("udp4", &net.UDPAddr{IP: w.Addr.AsSlice()}) })
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	return c, c.LocalAddr().(*net.UDPAddr).AddrPort()
}

package egress_test

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
	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/testenv"
)

// outsideWorld is a network namespace that stands for the world that sandboxes may reach: it hangs on a veth pair whose
// other end belongs to this host. It ends with the process.
type outsideWorld struct {
	space netns.NsHandle
	host  netip.Addr // this host's end
	addr  netip.Addr // the world's end
}

var theOutside = sync.OnceValues(makeOutside)

func outside(tb testing.TB) *outsideWorld {
	tb.Helper()
	testenv.NeedsRoot(tb)
	o, err := theOutside()
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

func makeOutside() (*outsideWorld, error) {
	// From 198.18.0.0/15 (RFC 2544, for tests), different in every process.
	pid := os.Getpid()
	network := [4]byte{198, 18, byte(pid >> 6), byte(pid&63) << 2}
	o := &outsideWorld{}
	network[3]++
	o.host = netip.AddrFrom4(network)
	network[3]++
	o.addr = netip.AddrFrom4(network)

	type result struct {
		space netns.NsHandle
		err   error
	}
	made := make(chan result)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine: it is in the namespace
		space, err := netns.New()
		made <- result{space, err}
	}()
	r := <-made
	if r.err != nil {
		return nil, fmt.Errorf("make network namespace: %w", r.err)
	}
	o.space = r.space
	name := fmt.Sprintf("egt%d", pid)
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: name + "p", PeerNamespace: netlink.NsFd(int(o.space))}
	if err := netlink.LinkAdd(veth); err != nil {
		return nil, fmt.Errorf("make veth pair: %w", err)
	}
	if err := setUp(name, o.host); err != nil {
		return nil, fmt.Errorf("set up the host's end: %w", err)
	}
	var err error
	o.do(func() { err = setUp(name+"p", o.addr) })
	if err != nil {
		return nil, fmt.Errorf("set up the world's end: %w", err)
	}
	return o, awaitCarrier(name)
}

// awaitCarrier returns when the kernel has noticed that both ends are up: it drops packets before.
func awaitCarrier(name string) error {
	changes, done := make(chan netlink.LinkUpdate), make(chan struct{})
	defer close(done)
	if err := netlink.LinkSubscribeWithOptions(changes, done, netlink.LinkSubscribeOptions{ListExisting: true}); err != nil {
		return fmt.Errorf("watch the veth pair: %w", err)
	}
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

// do runs f in the namespace.
func (o *outsideWorld) do(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // see makeOutside
		if err := netns.Set(o.space); err != nil {
			panic(err)
		}
		f()
	}()
	<-done
}

func (o *outsideWorld) listenTCP(tb testing.TB) (*net.TCPListener, netip.AddrPort) {
	tb.Helper()
	var l *net.TCPListener
	var err error
	o.do(func() { l, err = net.ListenTCP("tcp4", &net.TCPAddr{IP: o.addr.AsSlice()}) })
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.Close() })
	return l, l.Addr().(*net.TCPAddr).AddrPort()
}

func (o *outsideWorld) listenUDP(tb testing.TB) (*net.UDPConn, netip.AddrPort) {
	tb.Helper()
	var c *net.UDPConn
	var err error
	o.do(func() { c, err = net.ListenUDP("udp4", &net.UDPAddr{IP: o.addr.AsSlice()}) })
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	return c, c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// fullListener listens, accepts nothing, and has a full queue: its kernel leaves further attempts unanswered.
func (o *outsideWorld) fullListener(tb testing.TB) netip.AddrPort {
	tb.Helper()
	socket := func() (int, error) { return unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0) }
	var fd int
	var err error
	o.do(func() { fd, err = socket() })
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: o.addr.As4()}); err != nil {
		tb.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		tb.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		tb.Fatal(err)
	}
	first, err := socket() // a queue of length 0 has room for one
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = unix.Close(first) })
	if err := unix.Connect(first, name); err != nil {
		tb.Fatal(err)
	}
	return netip.AddrPortFrom(o.addr, uint16(name.(*unix.SockaddrInet4).Port))
}

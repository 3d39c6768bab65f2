package supervisor

import (
	"fmt"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TapName is the device that Firecracker opens.
const TapName = "tap0"

// The other devices of the machine's network namespace.
const (
	bridgeName = "br0"
	wireName   = "wire0"
)

// connect makes the network of the machine's namespace: Firecracker's tap device and another whose descriptor is the
// daemon's, joined by a bridge. A guest sends segments larger than the wire takes, and without checksums, if its device
// allows that, as Firecracker's does; on the way through the bridge the kernel cuts and completes them, because the
// second device offers neither. Nobody in the namespace has an address, so nothing but the bridge takes frames.
func connect(uid, mtu int) (*os.File, error) {
	if err := os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("turn IPv6 off: %w", err)
	}
	tap, err := makeTap(TapName)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tap.Close() }()
	// Firecracker has no capability: the device must be its user's, and be there when it comes.
	if err := unix.IoctlSetInt(int(tap.Fd()), unix.TUNSETOWNER, uid); err != nil {
		return nil, fmt.Errorf("give %s to uid %d: %w", TapName, uid, err)
	}
	if err := unix.IoctlSetInt(int(tap.Fd()), unix.TUNSETPERSIST, 1); err != nil {
		return nil, fmt.Errorf("keep %s: %w", TapName, err)
	}
	wire, err := makeTap(wireName)
	if err != nil {
		return nil, err
	}
	if err := bridge(mtu, TapName, wireName); err != nil {
		_ = wire.Close()
		return nil, err
	}
	return wire, nil
}

// forwardPatience is how long a port of the bridge may take to forward. The kernel's link watch, which sees to it, waits
// for others who change devices.
const forwardPatience = 5 * time.Second

// awaitForwarding returns when the bridge forwards from Firecracker's device and to it: once the kernel has noticed that
// the device was opened, which is some time after that returned. Frames that come before are lost.
func awaitForwarding() error {
	for deadline := time.Now().Add(forwardPatience); ; time.Sleep(time.Millisecond) {
		link, err := netlink.LinkByName(TapName)
		if err != nil {
			return fmt.Errorf("find %s: %w", TapName, err)
		}
		state := link.Attrs().OperState
		switch {
		case state == netlink.OperUp, state == netlink.OperUnknown: // unknown: its closing was not noticed either
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("%s is %s after %s", TapName, state, forwardPatience)
		}
	}
}

// makeTap makes a tap device; the descriptor does not block.
func makeTap(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	ifr, err := unix.NewIfreq(name)
	if err == nil {
		flags := uint16(unix.IFF_TAP | unix.IFF_NO_PI)
		if name == TapName {
			flags |= unix.IFF_VNET_HDR // what Firecracker will ask for; the kernel refuses a change
		}
		ifr.SetUint16(flags)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("make %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// bridge joins ports and sets all of them up. It listens to no multicast: else it would send queries itself.
func bridge(mtu int, ports ...string) error {
	attrs, off := netlink.NewLinkAttrs(), false
	attrs.Name = bridgeName
	b := &netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &off}
	if err := netlink.LinkAdd(b); err != nil {
		return fmt.Errorf("make a bridge, which needs the kernel's module bridge: %w", err)
	}
	for _, name := range ports {
		port, err := netlink.LinkByName(name)
		if err != nil {
			return fmt.Errorf("find %s: %w", name, err)
		}
		if err := netlink.LinkSetMTU(port, mtu); err != nil {
			return fmt.Errorf("mtu of %s: %w", name, err)
		}
		if err := netlink.LinkSetMaster(port, b); err != nil {
			return fmt.Errorf("bridge %s: %w", name, err)
		}
		if err := netlink.LinkSetUp(port); err != nil {
			return fmt.Errorf("set %s up: %w", name, err)
		}
	}
	if err := netlink.LinkSetUp(b); err != nil {
		return fmt.Errorf("set %s up: %w", bridgeName, err)
	}
	return nil
}

package microvm

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm/guest"
)

// bootMAC is the address of the network device of a machine that only boots, with nobody at the other end. Each sandbox's
// guest gets the addresses of its own device in Setup or Refresh.
var bootMAC = net.HardwareAddr{2, 0, 0, 0, 0, 1}

// deadNetwork returns both ends of such a device.
func deadNetwork() (device, other *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make network device: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "network"), os.NewFile(uintptr(fds[1]), "network's other end"), nil
}

// networkOf is what the guest has to know of its device.
func networkOf(d *sandbox.Device) *guest.Network {
	if d == nil {
		return nil
	}
	return &guest.Network{Address: d.Address, Gateway: d.Gateway, MAC: d.MAC, MTU: d.MTU}
}

package pid1

import (
	"bytes"
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/microvm/guest/wire"
)

// loopback is the index of lo in every network namespace.
const loopback = 1

// network is the machine's network device.
type network struct {
	index int          // of eth0; 0: there is none
	now   wire.Network // what it is set to
}

// newNetwork starts loopback and finds the device.
func newNetwork() (*network, error) {
	n := &network{}
	if err := route(unix.RTM_NEWLINK, 0, linkMessage(loopback, true)); err != nil {
		return nil, fail("start loopback", err)
	}
	switch text, err := get("/sys/class/net/eth0/ifindex"); {
	case errors.Is(err, unix.ENOENT):
	case err != nil:
		return nil, err
	default:
		n.index = int(number(text))
		return n, n.speakIPv6(false)
	}
	return n, nil
}

// speakIPv6 says whether the device may. As long as it has no such address it would only tell everybody one that it made
// up.
func (n *network) speakIPv6(on bool) error {
	text := "1"
	if on {
		text = "0"
	}
	return put("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", text)
}

// set gives the device its addresses, in place of those it had.
func (n *network) set(w wire.Network) error {
	if len(w.Address) == 0 {
		if n.index != 0 {
			return errors.New("no addresses for the network device")
		}
		return nil
	}
	if n.index == 0 {
		return errors.New("addresses, but no network device")
	}
	bits := uint32(8 * len(w.Address))
	if bits != 32 && bits != 128 || len(w.Gateway) != len(w.Address) || w.Bits > bits || len(w.MAC) != 6 {
		return errors.New("impossible addresses")
	}
	if len(n.now.Address) > 0 && !same(n.now, w) {
		if err := route(unix.RTM_DELADDR, 0, n.address(n.now)); err != nil {
			return fail("remove address", err)
		}
	}
	if !bytes.Equal(n.now.MAC, w.MAC) || n.now.MTU != w.MTU {
		link := attribute(linkMessage(n.index, false), unix.IFLA_ADDRESS, w.MAC)
		link = attribute(link, unix.IFLA_MTU, binary.NativeEndian.AppendUint32(nil, w.MTU))
		if err := route(unix.RTM_NEWLINK, 0, link); err != nil {
			return fail("set network device", err)
		}
	}
	if same(n.now, w) {
		return nil
	}
	if err := n.speakIPv6(len(w.Address) == 16); err != nil {
		return err
	}
	if err := route(unix.RTM_NEWLINK, 0, linkMessage(n.index, true)); err != nil {
		return fail("start network device", err)
	}
	if err := route(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, n.address(w)); err != nil {
		return fail("set address", err)
	}
	if err := route(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, n.defaultRoute(w)); err != nil {
		return fail("set route", err)
	}
	// w is in the buffer of requests.
	w.Address, w.Gateway, w.MAC = bytes.Clone(w.Address), bytes.Clone(w.Gateway), bytes.Clone(w.MAC)
	n.now = w
	return nil
}

// same says whether addresses and gateway are the same.
func same(a, b wire.Network) bool {
	return bytes.Equal(a.Address, b.Address) && bytes.Equal(a.Gateway, b.Gateway) && a.Bits == b.Bits
}

func family(addr []byte) byte {
	if len(addr) == 16 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// linkMessage is struct ifinfomsg; with up it starts the device.
func linkMessage(index int, up bool) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	if up {
		binary.NativeEndian.PutUint32(b[8:], unix.IFF_UP)
		binary.NativeEndian.PutUint32(b[12:], unix.IFF_UP)
	}
	return b
}

// address is struct ifaddrmsg. An IPv6 address is used at once: nobody else is on the link.
func (n *network) address(w wire.Network) []byte {
	b := []byte{family(w.Address), byte(w.Bits), 0, 0}
	if len(w.Address) == 16 {
		b[2] = unix.IFA_F_NODAD
	}
	b = binary.NativeEndian.AppendUint32(b, uint32(n.index))
	b = attribute(b, unix.IFA_LOCAL, w.Address)
	return attribute(b, unix.IFA_ADDRESS, w.Address)
}

// defaultRoute is struct rtmsg.
func (n *network) defaultRoute(w wire.Network) []byte {
	b := []byte{family(w.Gateway), 0, 0, 0, unix.RT_TABLE_MAIN, unix.RTPROT_STATIC, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNICAST, 0, 0, 0, 0}
	b = attribute(b, unix.RTA_GATEWAY, w.Gateway)
	return attribute(b, unix.RTA_OIF, binary.NativeEndian.AppendUint32(nil, uint32(n.index)))
}

// attribute appends a struct rtattr.
func attribute(b []byte, kind uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofRtAttr+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, value...)
	for len(b)%unix.RTA_ALIGNTO != 0 {
		b = append(b, 0)
	}
	return b
}

// route sends one request of rtnetlink(7) and waits for its acknowledgement.
func route(kind uint16, flags uint16, body []byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	b := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	b = append(b, make([]byte, 8)...) // sequence number, port
	b = append(b, body...)
	if err := unix.Sendto(fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4<<10)
	n, err := unix.Read(fd, answer)
	if err != nil {
		return err
	}
	if n < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(answer[4:]) != unix.NLMSG_ERROR {
		return errors.New("strange answer of rtnetlink")
	}
	if errno := -int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); errno != 0 {
		return unix.Errno(errno)
	}
	return nil
}

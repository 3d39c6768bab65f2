package egress_test

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/outside"
)

// fullListener listens, accepts nothing, and has a full queue: its kernel leaves further attempts unanswered.
func fullListener(tb testing.TB, o *outside.World) netip.AddrPort {
	tb.Helper()
	socket := func() (int, error) { return unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0) }
	var fd int
	var err error
	o.Do(func() { fd, err = socket() })
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: o.Addr.As4()}); err != nil {
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
	return netip.AddrPortFrom(o.Addr, uint16(name.(*unix.SockaddrInet4).Port))
}

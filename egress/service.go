package egress

import (
	"cmp"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Service takes the connections that sandboxes make to one of Options.Services. It owns conn and must not block. sandbox is
// the id of the port that it came from, which the sandbox cannot choose; everything that comes over conn is hostile.
type Service func(sandbox string, conn *net.UnixConn)

// connect makes a connection within this process, gives the service one end and returns the other.
func (s Service) connect(sandbox string) (outerConn, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("connect to service: %w", err)
	}
	ours, err := unixConn(fds[0])
	theirs, other := unixConn(fds[1])
	if err == nil && other == nil {
		s(sandbox, theirs)
		return ours, nil
	}
	if err == nil {
		_ = ours.Close()
	}
	if other == nil {
		_ = theirs.Close()
	}
	return nil, fmt.Errorf("connect to service: %w", cmp.Or(err, other))
}

// unixConn takes over fd, also when it fails.
func unixConn(fd int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), "service")
	defer func() { _ = f.Close() }() // FileConn has a copy
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return c.(*net.UnixConn), nil
}

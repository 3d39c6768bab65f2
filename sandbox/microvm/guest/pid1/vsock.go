package pid1

import (
	"errors"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// socket is a channel over vsock: a port the machine listens on, because listeners survive a restore and connections do
// not. The newest connection is the channel. What was in flight when one broke is lost, as with every engine.
type socket struct {
	listener int

	mu   sync.Mutex
	have *sync.Cond // conn changed
	// conn is the connection, -1: none. Guarded by mu.
	conn int
	// accepted is called with every new connection, before it is used; may be nil.
	accepted func()
}

func listen(port uint32) (*socket, error) {
	fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fail("vsock", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrVM{CID: unix.VMADDR_CID_ANY, Port: port}); err != nil {
		return nil, fail("vsock port "+itoa(int(port)), err)
	}
	return newSocket(fd), fail("listen", unix.Listen(fd, 4))
}

func newSocket(listener int) *socket {
	s := &socket{listener: listener, conn: -1}
	s.have = sync.NewCond(&s.mu)
	return s
}

// Read reads from the connection, and waits for the next one when it ends.
func (s *socket) Read(b []byte) (int, error) {
	for {
		fd, err := s.current()
		if err != nil {
			return 0, err
		}
		n, err := unix.Read(fd, b)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil || n == 0:
			s.drop(fd)
		default:
			return n, nil
		}
	}
}

// current is the connection; without one it waits for the host to connect. Only Read calls it.
func (s *socket) current() (int, error) {
	s.mu.Lock()
	fd := s.conn
	s.mu.Unlock()
	for fd < 0 {
		c, _, err := unix.Accept4(s.listener, unix.SOCK_CLOEXEC)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EBADF) {
			return -1, fail("accept", err)
		}
		if err != nil {
			time.Sleep(hungUp)
			continue
		}
		fd = c
		s.mu.Lock()
		s.conn = fd
		s.have.Broadcast()
		s.mu.Unlock()
		if s.accepted != nil {
			s.accepted()
		}
	}
	return fd, nil
}

func (s *socket) drop(fd int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == fd {
		s.conn = -1
		_ = unix.Close(fd)
	}
}

// Write writes b to the connection, or what is left of it to nobody if that breaks.
func (s *socket) Write(b []byte) (int, error) {
	s.mu.Lock()
	for s.conn < 0 {
		s.have.Wait()
	}
	fd := s.conn
	s.mu.Unlock()
	_, err := writeAll(fd, b)
	if err != nil { // the reader notices, too, and closes it
		_ = unix.Shutdown(fd, unix.SHUT_RDWR)
	}
	return len(b), nil
}

// Package stream reads and writes descriptors in the way that wakes the least: what comes in wakes one thread, on which all
// happens until the answer is out.
//
// Programs inside sandboxes use it. After a restore each of their instructions is new to the processor, under emulation even
// to the emulator, and Go's usual ways take many of them: a call that blocks loses its place in the scheduler and wakes two
// threads to get it back, and any call that the scheduler is told of wakes its watchdog. So here Go's poller waits, and the
// calls, which return at once, are made behind the scheduler's back.
package stream

import (
	"io"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// Stream is a descriptor of a socket, a pipe or a device that can be polled. One goroutine may read and one write; while
// one is in OnInput, others may take turns with ReadNow.
type Stream struct {
	file    *os.File // owns the descriptor
	conn    syscall.RawConn
	in, out transfer
	now     transfer // ReadNow's
	nothing bool     // what now found
	once    func(fd uintptr)
}

// New takes over fd and makes it non-blocking.
func New(fd int) (*Stream, error) {
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, os.NewSyscallError("set non-blocking", err)
	}
	s := &Stream{file: os.NewFile(uintptr(fd), "stream")}
	conn, err := s.file.SyscallConn()
	if err != nil {
		return nil, err
	}
	s.conn = conn
	s.in = transfer{call: syscall.SYS_READ}
	s.in.try = s.in.attempt
	s.now = transfer{call: syscall.SYS_READ}
	s.once = func(fd uintptr) { s.nothing = !s.now.attempt(fd) }
	s.out = transfer{call: syscall.SYS_WRITE}
	s.out.try = s.out.attempt
	return s, nil
}

// Read waits for bytes. It returns io.EOF when the other end is closed, and os.ErrDeadlineExceeded after Stop.
func (s *Stream) Read(b []byte) (int, error) {
	n, err := s.in.run(s.conn.Read, b)
	if n == 0 && err == nil && len(b) > 0 {
		err = io.EOF
	}
	return n, err
}

// ReadNow returns bytes that are there, 0 if there are none. It returns io.EOF when the other end is closed.
func (s *Stream) ReadNow(b []byte) (int, error) {
	s.now.b, s.now.n, s.now.err = b, 0, nil
	err := s.conn.Control(s.once)
	s.now.b = nil
	switch {
	case err != nil:
		return 0, err
	case s.now.n == 0 && s.now.err == nil && !s.nothing:
		return 0, io.EOF
	}
	return s.now.n, s.now.err
}

// OnInput calls f, and again whenever bytes or the end have come, until f says that it is done. f must have read all there is,
// with ReadNow, when it is not. It returns os.ErrDeadlineExceeded after Stop.
func (s *Stream) OnInput(f func() (done bool)) error {
	return s.conn.Read(func(uintptr) bool { return f() })
}

// Write writes all of b, waiting as long as it takes.
func (s *Stream) Write(b []byte) (int, error) {
	for done := 0; done < len(b); {
		n, err := s.out.run(s.conn.Write, b[done:])
		if err != nil {
			return done, err
		}
		done += n
	}
	return len(b), nil
}

// Stop ends a Read that waits, and all later ones.
func (s *Stream) Stop() { _ = s.file.SetReadDeadline(time.Unix(1, 0)) } // fails for a closed one only

// Close closes the descriptor.
func (s *Stream) Close() error { return s.file.Close() }

// transfer is a system call that is tried until it does something. Its members are its arguments and results: a function
// made for each call would be allocated.
type transfer struct {
	call uintptr
	try  func(fd uintptr) bool // attempt
	b    []byte
	n    int
	err  error
}

func (t *transfer) run(await func(func(uintptr) bool) error, b []byte) (int, error) {
	t.b, t.n, t.err = b, 0, nil
	err := await(t.try)
	t.b = nil
	if err != nil {
		return 0, err
	}
	return t.n, t.err
}

// attempt says whether the call did something.
func (t *transfer) attempt(fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall(t.call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(t.b))), uintptr(len(t.b)))
		switch errno {
		case 0:
			t.n = int(n)
			return true
		case syscall.EAGAIN:
			return false
		case syscall.EINTR:
		default:
			t.err = errno
			return true
		}
	}
}

package agent

import (
	"errors"
	"fmt"
	"io"
	"syscall"
	"unsafe"
)

// channel is one of the agent's descriptors, read and written by system calls that block their thread. That works
// whatever mode a runtime that shares the descriptor left it in, and whatever kind of file an engine provides; inside
// gVisor it is as fast as Go's poller.
type channel struct {
	fd   int
	stop int // a descriptor that becomes readable to end Read with errStopped; 0: none
}

var errStopped = errors.New("stopped")

// stopPipe returns a channel's stop and the descriptor whose closing makes it readable.
func stopPipe() (stopped, stop int, err error) {
	var p [2]int
	if err := syscall.Pipe2(p[:], syscall.O_CLOEXEC); err != nil {
		return 0, 0, fmt.Errorf("create pipe: %w", err)
	}
	return p[0], p[1], nil
}

// Read waits for input and reads what is there.
func (c channel) Read(p []byte) (int, error) {
	fds := [2]pollFD{{fd: int32(c.fd), events: pollIn}, {fd: int32(c.stop), events: pollIn}}
	watched := fds[:1]
	if c.stop != 0 {
		watched = fds[:]
	}
	for {
		if err := poll(watched, nil); err != nil {
			return 0, err
		}
		if fds[1].revents != 0 {
			return 0, errStopped
		}
		n, err := syscall.Read(c.fd, p)
		switch {
		case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// Write writes all of p, waiting as long as it takes.
func (c channel) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := syscall.Write(c.fd, p[done:])
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			if err := poll([]pollFD{{fd: int32(c.fd), events: pollOut}}, nil); err != nil {
				return done, err
			}
		case err != nil:
			return done, err
		default:
			done += n
		}
	}
	return done, nil
}

// drain drops the input that is there now.
func (c channel) drain() error {
	buf := make([]byte, 64<<10)
	for {
		fds := []pollFD{{fd: int32(c.fd), events: pollIn}}
		if err := poll(fds, &syscall.Timespec{}); err != nil {
			return err
		}
		if fds[0].revents == 0 {
			return nil
		}
		n, err := syscall.Read(c.fd, buf)
		switch {
		case errors.Is(err, syscall.EINTR), errors.Is(err, syscall.EAGAIN):
		case err != nil:
			return err
		case n == 0:
			return io.EOF
		}
	}
}

// pollFD is struct pollfd. Source: poll(2).
type pollFD struct {
	fd      int32
	events  int16
	revents int16
}

const (
	pollIn  = 0x1
	pollOut = 0x4
)

// poll waits until one of fds is ready; a nil timeout is none.
func poll(fds []pollFD, timeout *syscall.Timespec) error {
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&fds[0])), uintptr(len(fds)),
			uintptr(unsafe.Pointer(timeout)), 0, 0, 0)
		switch errno {
		case 0:
			return nil
		case syscall.EINTR:
		default:
			return errno
		}
	}
}

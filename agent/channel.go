package agent

import (
	"errors"
	"io"
	"syscall"
	"unsafe"
)

// channel is the data channel's descriptor as the agent uses it beside a runtime that may share it: by system calls that work
// whatever mode the runtime left it in.
type channel int

// Write writes all of p, waiting as long as it takes.
func (c channel) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := syscall.Write(int(c), p[done:])
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			if err := poll([]pollFD{{fd: int32(c), events: pollOut}}, nil); err != nil {
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
		fds := []pollFD{{fd: int32(c), events: pollIn}}
		if err := poll(fds, &syscall.Timespec{}); err != nil {
			return err
		}
		if fds[0].revents == 0 {
			return nil
		}
		n, err := syscall.Read(int(c), buf)
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

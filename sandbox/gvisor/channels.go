package gvisor

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox"
)

// channels are both ends of a sandbox's three byte channels.
type channels struct {
	host  sandbox.Link
	guest [3]*os.File // fd 0, 1, 2 of PID 1
}

func newChannels() (*channels, error) {
	c := &channels{}
	var err error
	if c.host.Control, c.guest[0], err = socketPair("control"); err == nil {
		if c.host.Data, c.guest[1], err = socketPair("data"); err == nil {
			c.host.Logs, c.guest[2], err = os.Pipe()
		}
	}
	if err != nil {
		_ = c.closeGuest()
		_ = c.closeHost()
		return nil, fmt.Errorf("make channels: %w", err)
	}
	return c, nil
}

// socketPair returns a non-blocking host end, which supports deadlines, and a blocking guest end.
func socketPair(name string) (host, guest *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		_, _ = unix.Close(fds[0]), unix.Close(fds[1])
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), name), os.NewFile(uintptr(fds[1]), name), nil
}

func (c *channels) closeGuest() error { return closeFiles(c.guest[:]...) }

func (c *channels) closeHost() error {
	return closeFiles(c.host.Control, c.host.Data, c.host.Logs)
}

// closeFiles closes what is there; closing twice is no error.
func closeFiles(files ...*os.File) error {
	var errs []error
	for _, f := range files {
		if f == nil {
			continue
		}
		if err := f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

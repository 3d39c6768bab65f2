package gvisor

import (
	"fmt"
	"os"

	"thaw.dev/thaw/internal/hostfile"
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
	if c.host.Control, c.guest[0], err = hostfile.SocketPair("control"); err == nil {
		if c.host.Data, c.guest[1], err = hostfile.SocketPair("data"); err == nil {
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

func (c *channels) closeGuest() error { return hostfile.Close(c.guest[:]...) }

func (c *channels) closeHost() error {
	return hostfile.Close(c.host.Control, c.host.Data, c.host.Logs)
}

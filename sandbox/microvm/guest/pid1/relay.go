package pid1

import (
	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/stream"
)

// relayBytes is how much a relay reads at once. A port hands out a page at most.
const relayBytes = 64 << 10

// relays pass bytes between the channels and the agent's sockets. The control channel needs none if it is a port: those
// live as long as the machine, and only the agent uses it. The data channel is a runtime's, which expects a socket.
type relays struct {
	agent   [3]int // the agent's descriptors 0, 1 and 2, to be closed once it has them
	drained chan struct{}
	out     int // how many values drained will get: one per direction out of the sandbox
}

// relay starts passing bytes: control and data both ways, logs out only. It takes over the channels. Its goroutines end
// when the agent's side of their socket is closed, and never for the host's.
func relay(ch [numChannels]far) (*relays, error) {
	r := &relays{drained: make(chan struct{}, 3)}
	for i, c := range [3]far{ch[channelControl], ch[channelData], ch[channelLogs]} {
		if p, ok := c.(port); ok && i == 0 {
			fd, err := p.Detach()
			if err != nil {
				return nil, fail("control channel", err)
			}
			r.agent[i] = fd
			continue
		}
		p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, fail("make sockets", err)
		}
		r.agent[i] = p[1]
		ours, err := stream.New(p[0])
		if err != nil {
			return nil, fail("make sockets", err)
		}
		if i < 2 {
			go inward(c, ours)
		}
		r.out++
		go func() {
			outward(ours, c)
			r.drained <- struct{}{}
		}()
	}
	return r, nil
}

// inward passes what the host says. When the agent is gone it drops it.
func inward(from far, to *stream.Stream) {
	b := make([]byte, relayBytes)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// outward passes what the sandbox says, until nobody holds the other end of its socket.
func outward(from *stream.Stream, to far) {
	b := make([]byte, relayBytes)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

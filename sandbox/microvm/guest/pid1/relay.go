package pid1

import (
	"sync"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/stream"
)

// relayBytes is how much a relay reads at once. A port hands out a page at most.
const relayBytes = 64 << 10

// relays pass bytes between the channels and the agent's sockets.
type relays struct {
	agent   [3]int        // the agent's descriptors 0, 1 and 2, to be closed once it has them
	drained chan struct{} // has room for what it will get: a value per direction out of the sandbox
}

// relay starts passing bytes: control and data both ways, logs out only. Its goroutines end when the agent's side of
// their socket is closed, and never for the host's.
func relay(ch [numChannels]far) (*relays, error) {
	r := &relays{drained: make(chan struct{}, 3)}
	var ours [3]*stream.Stream
	for i := range ours {
		p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, fail("make sockets", err)
		}
		r.agent[i] = p[1]
		if ours[i], err = stream.New(p[0]); err != nil {
			return nil, fail("make sockets", err)
		}
	}
	printed := &output{from: ours[2], to: ch[channelLogs]}
	for i, c := range [2]far{ch[channelControl], ch[channelData]} {
		go inward(c, ours[i])
		go func() {
			outward(ours[i], c, printed)
			r.drained <- struct{}{}
		}()
	}
	go func() {
		printed.run()
		r.drained <- struct{}{}
	}()
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

// outward passes what the sandbox says, until nobody holds the other end of its socket. What was printed before goes first.
func outward(from *stream.Stream, to far, printed *output) {
	b := make([]byte, relayBytes)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		printed.pass()
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// output is what the sandbox prints. The host takes what has come when an answer comes for all that was printed before it
// (see sandbox.Link), so whoever passes an answer passes the output that waits first.
type output struct {
	from *stream.Stream
	to   far

	mu sync.Mutex // held until what was read is written
	b  [relayBytes]byte
}

// outputReads bounds how much output one answer waits for: what a socket holds at most. Source: net.core.wmem_default.
const outputReads = (256 << 10) / relayBytes

// run passes output until nobody holds the other end of its socket.
func (o *output) run() {
	_ = o.from.OnInput(func() bool { // which fails when there will be no more
		for {
			if more, ended := o.pass(); ended || !more {
				return ended
			}
		}
	})
}

// pass passes what waits. There may be more, or there will never be any.
func (o *output) pass() (more, ended bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for range outputReads {
		n, err := o.from.ReadNow(o.b[:])
		if n == 0 && err == nil {
			return false, false
		}
		if err == nil {
			_, err = o.to.Write(o.b[:n])
		}
		if err != nil {
			return false, true
		}
	}
	return true, false
}

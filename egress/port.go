package egress

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// linkBufferBytes is how much either direction of a link may hold in the kernel, in bytes. Without CAP_NET_ADMIN the
// kernel grants what net.core.wmem_max allows, which costs throughput only.
const linkBufferBytes = 4 << 20

// Port is one sandbox's way out. Its methods may be called concurrently.
type Port struct {
	id       string
	net      *Network
	log      *slog.Logger
	guest    *os.File
	link     *link
	counters counters

	// ctx ends when the port is closed or the sandbox closed its end; every upstream connection hangs on it.
	ctx    context.Context //nolint:containedctx // the port owns this lifetime
	cancel context.CancelFunc
	// done is closed by run, the only goroutine the port starts by itself, after everything else has ended.
	done      chan struct{}
	closeOnce sync.Once

	// frames and flows belong to run.
	frames bucket
	flows  bucket
}

func newPort(n *Network, id string) (*Port, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make socket pair: %w", err)
	}
	for _, fd := range fds {
		// The result is no matter of correctness: see linkBufferBytes.
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, linkBufferBytes) != nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, linkBufferBytes)
		}
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		_ = unix.Close(fds[0])
		_ = unix.Close(fds[1])
		return nil, fmt.Errorf("make socket non-blocking: %w", err)
	}
	p := &Port{
		id:     id,
		net:    n,
		log:    n.log.With("sandbox", id),
		guest:  os.NewFile(uintptr(fds[1]), "egress-guest"),
		done:   make(chan struct{}),
		frames: newBucket(n.limits.FramesPerSecond, max(1, n.limits.FramesPerSecond/10)),
		flows:  newBucket(n.limits.FlowsPerSecond, n.limits.FlowsPerSecond),
	}
	p.link, err = newLink(os.NewFile(uintptr(fds[0]), "egress-host"), &p.counters)
	if err != nil {
		_ = p.guest.Close()
		return nil, err
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	go p.run()
	return p, nil
}

// ID is the sandbox's, as given to Open.
func (p *Port) ID() string { return p.id }

// File is the guest end: a SEQPACKET socket, one Ethernet frame per message. Who gives it to a sandbox closes it
// afterwards, so that the end of the sandbox is the end of its connections. Close closes it if nobody else did.
func (p *Port) File() *os.File { return p.guest }

// Link is how the sandbox must set up its end.
func (p *Port) Link() LinkConfig { return linkConfig() }

// Stats returns what went through the port so far; also after Close.
func (p *Port) Stats() Stats { return p.counters.snapshot() }

// Close ends all connections of the sandbox and releases the port. When it returns nothing of it is left. Idempotent.
// It belongs after the end of the sandbox: gVisor's network device polls without end when its link is closed.
func (p *Port) Close() error {
	p.closeOnce.Do(func() {
		p.cancel()
		p.link.close()
		_ = p.guest.Close() // an error means that it is closed already
	})
	<-p.done
	p.net.forget(p)
	return nil
}

// run takes frames from the sandbox until either end is closed. It makes the stack when a frame first needs it, and
// alone uses and ends it. Close waits for it.
func (p *Port) run() {
	defer close(p.done)
	var stack *netstack
	defer func() {
		p.cancel()
		p.link.close()
		if stack != nil {
			stack.close()
		}
	}()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		if wait := p.frames.take(time.Now()); wait > 0 {
			// A thousandth of a second at least, so that a flood costs few wake-ups.
			pause.Reset(max(wait, time.Millisecond))
			select {
			case <-pause.C:
			case <-p.ctx.Done():
				return
			}
			continue
		}
		buf, n, err := readChunk(p.link.raw)
		if err != nil || n == 0 {
			if err != nil && !errors.Is(err, os.ErrClosed) {
				p.log.Debug("sandbox link failed", "error", err)
			}
			return
		}
		stack, err = p.handle(stack, buf[:n])
		putChunk(buf)
		if err != nil {
			p.log.Warn("cannot make network stack", "error", err)
			return
		}
	}
}

// handle processes one frame from the sandbox and returns the stack, which it makes if there is none and one is needed.
func (p *Port) handle(s *netstack, frame []byte) (*netstack, error) {
	switch classify(frame) {
	case frameARP:
		reply := arpReply(frame)
		if reply == nil {
			p.counters.dropped.Add(1)
			break
		}
		p.counters.sent(len(frame))
		p.link.write([][]byte{reply})
	case frameIPv4:
		if s == nil {
			var err error
			if s, err = newNetstack(p); err != nil {
				return nil, err
			}
		}
		p.counters.sent(len(frame))
		p.link.deliver(frame)
	default:
		p.counters.dropped.Add(1)
	}
	return s, nil
}

// mayStart takes one from the budget of new connections and flows. Only run calls it.
func (p *Port) mayStart() bool {
	if p.flows.take(time.Now()) > 0 {
		p.counters.limited.Add(1)
		return false
	}
	return true
}

package guest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"thaw.dev/thaw/sandbox/microvm/guest/wire"
)

// entropyBytes is how much randomness a guest gets, at Setup and after every restore. The kernel's pool holds 32.
const entropyBytes = 64

// ErrClosed is returned by every method of a Conn after Close.
var ErrClosed = errors.New("manage channel is closed")

// ErrGuest wraps what a guest answered to a request that it could not fulfil. Its text is the guest's.
var ErrGuest = errors.New("guest")

// Conn is the host's side of the manage channel of one machine. Methods may be called concurrently; requests take their
// turn. After an error that is not an ErrGuest the channel is of no use any more, unless it is the context's.
type Conn struct {
	f    *os.File
	done chan struct{} // closed when the reader ends

	mu sync.Mutex // held for a request

	state sync.Mutex
	// The fields below are guarded by state.
	lastID   uint32
	pending  uint32 // the request under way, 0: none
	answer   chan wire.Frame
	oomKills int
	exit     *wire.Exited
	err      error // why the reader ended

	ready     chan struct{} // closed when greeting is set
	greeting  wire.Ready
	exited    chan struct{} // closed when exit is set
	readyOnce sync.Once
}

// NewConn takes over f, the host's end of a machine's manage port: a stream socket, non-blocking, with support for
// deadlines. It starts one goroutine, which ends by Close or when the guest hangs up or talks nonsense.
func NewConn(f *os.File) *Conn {
	c := &Conn{f: f, done: make(chan struct{}), ready: make(chan struct{}), exited: make(chan struct{}), answer: make(chan wire.Frame, 1)}
	go c.read()
	return c
}

// Close ends the channel and waits for its goroutine. Idempotent.
func (c *Conn) Close() error {
	c.fail(ErrClosed)
	err := c.f.Close()
	<-c.done
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	return err
}

// Ready waits until a guest that boots is ready for Setup. A guest that was restored does not say so again.
func (c *Conn) Ready(ctx context.Context) error {
	select {
	case <-c.ready:
	case <-c.done:
		return fmt.Errorf("guest's boot: %w", c.broken())
	case <-ctx.Done():
		return fmt.Errorf("guest's boot: %w", ctx.Err())
	}
	if c.greeting.Version != wire.Version {
		return fmt.Errorf("guest speaks version %d of the manage protocol, this program %d: rebuild the guest's files", c.greeting.Version, wire.Version)
	}
	return nil
}

// Boot is what the guest said of its boot. Valid once Ready has returned nil.
func (c *Conn) Boot() (kernel string, took time.Duration) {
	return c.greeting.Kernel, time.Duration(c.greeting.BootedMs) * time.Millisecond
}

// Setup makes a sandbox of a guest that is ready and starts the agent. Its refresh is part of it.
func (c *Conn) Setup(ctx context.Context, s Setup) error {
	r, err := s.Refresh.frame()
	if err != nil {
		return err
	}
	w := wire.Setup{Args: s.Args, Env: s.Env, Refresh: r}
	for _, m := range s.Mounts {
		w.Mounts = append(w.Mounts, wire.Mount{Drive: uint32(m.Drive), Target: m.Target})
	}
	return c.orderWithTime(ctx, "set up", wire.KindSetup, w.Append(nil))
}

// Mount mounts the image that is the content of a drive, read-only on the directory target, absolute in the sandbox.
func (c *Conn) Mount(ctx context.Context, drive int, target string) error {
	w := wire.Mount{Drive: uint32(drive), Target: target}
	return c.order(ctx, "mount", wire.KindMount, w.Append(nil))
}

// Limit replaces the limits.
func (c *Conn) Limit(ctx context.Context, l Limits) error {
	w := l.wire()
	return c.order(ctx, "limit", wire.KindLimit, w.Append(nil))
}

// Refresh gives a guest that was restored the time, randomness that no other has, its name, its addresses and its limits.
func (c *Conn) Refresh(ctx context.Context, r Refresh) error {
	w, err := r.frame()
	if err != nil {
		return err
	}
	return c.orderWithTime(ctx, "refresh", wire.KindRefresh, w.Append(nil))
}

// Quiesce stops everything but init, writes what the guest has not yet written to its disk and drops its caches. A machine
// is saved after it. What was stopped goes on with the next Refresh, in this machine and in all that are restored.
//
// Before and after it leaves the guest alone for a while.
func (c *Conn) Quiesce(ctx context.Context) error {
	if err := settle(ctx); err != nil {
		return err
	}
	if err := c.order(ctx, "quiesce", wire.KindQuiesce, nil); err != nil {
		return err
	}
	return settle(ctx)
}

// settling is how long a guest needs until it really does nothing. What its programs do on their way to idleness, what its
// kernel frees later and its own housekeeping would else be gone through anew in each copy.
const settling = 150 * time.Millisecond

func settle(ctx context.Context) error {
	select {
	case <-time.After(settling):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Stats reads what the sandbox uses by the guest's own account.
func (c *Conn) Stats(ctx context.Context) (Stats, error) {
	body, err := c.ask(ctx, wire.KindStats, nil)
	if err != nil {
		return Stats{}, fmt.Errorf("stats of guest: %w", err)
	}
	s, err := wire.ParseStats(body)
	if err != nil {
		return Stats{}, c.fail(fmt.Errorf("stats of guest: %w", err))
	}
	c.state.Lock()
	defer c.state.Unlock()
	c.oomKills = max(c.oomKills, int(s.OOMKills))
	return Stats{PeakMemoryBytes: s.PeakMemoryBytes, OOMKills: c.oomKills}, nil
}

// OOMKills is how many processes the memory limit has killed, as far as the guest has told. It is right, too, when the
// machine is gone.
func (c *Conn) OOMKills() int {
	c.state.Lock()
	defer c.state.Unlock()
	return c.oomKills
}

// Exited is closed when the guest has said that the agent ended. ExitStatus is valid then.
func (c *Conn) Exited() <-chan struct{} { return c.exited }

// ExitStatus is how the agent ended: its exit code, or -1 and the number of the signal that ended it. The code is -1 and
// the signal 0 as long as it has not.
func (c *Conn) ExitStatus() (code, signal int) {
	c.state.Lock()
	defer c.state.Unlock()
	if c.exit == nil {
		return -1, 0
	}
	return int(c.exit.Code), int(c.exit.Signal)
}

// Broken is closed when the channel is of no use any more: the machine is gone, or the guest talked nonsense, or Close
// was called.
func (c *Conn) Broken() <-chan struct{} { return c.done }

func (l Limits) wire() wire.Limits {
	return wire.Limits{MemoryBytes: l.MemoryBytes, Pids: int64(l.Pids)}
}

// frame makes the request, with the time of now.
func (r *Refresh) frame() (wire.Refresh, error) {
	w := wire.Refresh{UnixNanos: time.Now().UnixNano(), Entropy: make([]byte, entropyBytes), Hostname: []byte(r.Hostname), Limits: r.Limits.wire()}
	_, _ = rand.Read(w.Entropy) // never fails
	n := r.Network
	if n == nil {
		return w, nil
	}
	if !n.Address.IsValid() || !n.Gateway.IsValid() || len(n.MAC) != 6 || n.MTU <= 0 {
		return w, fmt.Errorf("guest's network %v is incomplete", *n)
	}
	w.Network = wire.Network{
		Address: n.Address.Addr().AsSlice(), Bits: uint32(n.Address.Bits()),
		Gateway: n.Gateway.AsSlice(), MAC: n.MAC, MTU: uint32(n.MTU),
	}
	return w, nil
}

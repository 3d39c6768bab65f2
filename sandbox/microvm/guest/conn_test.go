package guest_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/microvm/guest"
	"thaw.dev/thaw/sandbox/microvm/guest/wire"
)

// connect returns a Conn and what its guest holds.
func connect(t *testing.T) (*guest.Conn, *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	c, far := guest.NewConn(os.NewFile(uintptr(fds[0]), "host")), os.NewFile(uintptr(fds[1]), "guest")
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		_ = far.Close() // may be closed
	})
	return c, far
}

func say(t *testing.T, far *os.File, f wire.Frame) {
	t.Helper()
	if _, err := far.Write(wire.Append(nil, f)); err != nil {
		t.Error(err)
	}
}

// serve answers one request with reply.
func serve(t *testing.T, far *os.File, reply func(wire.Frame) wire.Frame) {
	t.Helper()
	f, err := wire.Read(far, nil, wire.MaxRequest)
	if err != nil {
		t.Error(err)
		return
	}
	r := reply(f)
	r.ID = f.ID
	say(t, far, r)
}

// serveAll answers requests with reply until the connection ends.
func serveAll(far *os.File, reply func(wire.Frame) wire.Frame) {
	for {
		f, err := wire.Read(far, nil, wire.MaxRequest)
		if err != nil {
			return
		}
		r := reply(f)
		r.ID = f.ID
		if _, err := far.Write(wire.Append(nil, r)); err != nil {
			return
		}
	}
}

// TestTheTimeIsSentAgain to a guest that takes long to answer, so that its clock does not stay behind by so much.
func TestTheTimeIsSentAgain(t *testing.T) {
	t.Parallel()
	c, far := connect(t)
	var kinds []wire.Kind
	var times []int64
	go serveAll(far, func(f wire.Frame) wire.Frame {
		kinds = append(kinds, f.Kind)
		if f.Kind == wire.KindClock {
			at, err := wire.ParseClock(f.Body)
			if err != nil {
				t.Error(err)
			}
			times = append(times, at.UnixNanos)
		}
		<-time.After(6 * time.Millisecond) // what this guest is like
		return wire.Frame{Kind: wire.KindOK}
	})
	began := time.Now().UnixNano()
	if err := c.Refresh(t.Context(), guest.Refresh{Hostname: "h"}); err != nil {
		t.Fatal(err)
	}
	want := []wire.Kind{wire.KindRefresh, wire.KindClock, wire.KindClock, wire.KindClock}
	if !slices.Equal(kinds, want) || !slices.IsSorted(times) || times[0] <= began || times[2] >= time.Now().UnixNano() {
		t.Errorf("requests %v, times %v", kinds, times)
	}
}

func TestConn(t *testing.T) {
	t.Parallel()
	c, far := connect(t)
	ready := wire.Ready{Version: wire.Version, BootedMs: 1500, Kernel: "6.1\n"}
	say(t, far, wire.Frame{Kind: wire.KindReady, Body: ready.Append(nil)})
	if err := c.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if kernel, took := c.Boot(); kernel != "6.1?" || took.Milliseconds() != 1500 {
		t.Errorf("boot of %q in %s", kernel, took)
	}
	network := guest.Network{
		Address: netip.MustParsePrefix("10.1.2.3/24"), Gateway: netip.MustParseAddr("10.1.2.1"),
		MAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, MTU: 1500,
	}
	go serveAll(far, func(f wire.Frame) wire.Frame {
		switch f.Kind {
		case wire.KindClock:
			return wire.Frame{Kind: wire.KindOK}
		case wire.KindStats:
			s := wire.Stats{PeakMemoryBytes: 2, OOMKills: 4}
			return wire.Frame{Kind: wire.KindOK, Body: s.Append(nil)}
		case wire.KindMount:
			return wire.Frame{Kind: wire.KindFailed, Body: []byte("no\x1b such drive")}
		}
		s, err := wire.ParseSetup(f.Body)
		if err != nil || f.Kind != wire.KindSetup || s.Args[1] != "b" || s.Mounts[0].Target != "/opt" || s.Refresh.Limits.Pids != 5 ||
			len(s.Refresh.Entropy) != 64 || string(s.Refresh.Hostname) != "h" || s.Refresh.Network.Bits != 24 || len(s.Refresh.Network.Gateway) != 4 {
			t.Errorf("setup %+v, %v", s, err)
		}
		return wire.Frame{Kind: wire.KindOK}
	})
	err := c.Setup(t.Context(), guest.Setup{
		Args: []string{"/a", "b"}, Mounts: []guest.Mount{{Drive: 1, Target: "/opt"}},
		Refresh: guest.Refresh{Hostname: "h", Network: &network, Limits: guest.Limits{Pids: 5}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := c.Stats(t.Context()); err != nil || s != (guest.Stats{PeakMemoryBytes: 2, OOMKills: 4}) {
		t.Errorf("%+v, %v", s, err)
	}
	if err := c.Mount(t.Context(), 3, "/x"); !errors.Is(err, guest.ErrGuest) || !strings.HasSuffix(err.Error(), "no? such drive") {
		t.Errorf("got %v", err)
	}
	oom, exited := wire.OOM{Kills: 7}, wire.Exited{Code: 9}
	say(t, far, wire.Frame{Kind: wire.KindOOM, Body: oom.Append(nil)})
	say(t, far, wire.Frame{Kind: wire.KindExited, Body: exited.Append(nil)})
	<-c.Exited()
	if code, signal := c.ExitStatus(); code != 9 || signal != 0 || c.OOMKills() != 7 {
		t.Errorf("exit code %d, signal %d, %d kills", code, signal, c.OOMKills())
	}
}

// TestConnLeavesAnAnswer: a request that was given up does not confuse the next.
func TestConnLeavesAnAnswer(t *testing.T) {
	t.Parallel()
	c, far := connect(t)
	ctx, cancel := context.WithCancel(t.Context())
	taken := make(chan uint32)
	go func() {
		f, err := wire.Read(far, nil, wire.MaxRequest)
		if err != nil {
			t.Error(err)
		}
		cancel()
		taken <- f.ID
	}()
	if err := c.Quiesce(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	say(t, far, wire.Frame{Kind: wire.KindFailed, ID: <-taken, Body: []byte("late")})
	go serve(t, far, func(wire.Frame) wire.Frame { return wire.Frame{Kind: wire.KindOK} })
	if err := c.Quiesce(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestConnOfAHostileGuest: each of these ends the channel, and whoever waits learns of it.
func TestConnOfAHostileGuest(t *testing.T) {
	t.Parallel()
	for name, bytes := range map[string][]byte{
		"nothing":            {},
		"half a frame":       {0, 0, 0, 1, byte(wire.KindOOM)},
		"a gigantic frame":   wire.Append(nil, wire.Frame{Kind: wire.KindFailed, ID: 1, Body: make([]byte, wire.MaxReply+1)}),
		"a request":          wire.Append(nil, wire.Frame{Kind: wire.KindSetup, ID: 1}),
		"a foreign answer":   wire.Append(nil, wire.Frame{Kind: wire.KindOK, ID: 77}),
		"a mail of zeros":    make([]byte, 100),
		"a negative count":   wire.Append(nil, wire.Frame{Kind: wire.KindOOM, Body: []byte{0xff, 0, 0, 0, 0, 0, 0, 0}}),
		"an impossible code": wire.Append(nil, wire.Frame{Kind: wire.KindExited, Body: []byte{0, 1, 0, 0, 0, 0, 0, 0}}),
		"an answer too long": wire.Append(nil, wire.Frame{Kind: wire.KindOK, ID: 1, Body: []byte{1}}),
	} {
		c, far := connect(t)
		asked := make(chan error, 1)
		go func() { asked <- c.Quiesce(t.Context()) }()
		if _, err := wire.Read(far, nil, wire.MaxRequest); err != nil {
			t.Fatal(err)
		}
		if _, err := far.Write(bytes); err != nil {
			t.Fatal(err)
		}
		if len(bytes) < 9 {
			_ = far.Close()
		}
		if err := <-asked; err == nil || errors.Is(err, guest.ErrGuest) {
			t.Errorf("%s: %v", name, err)
		}
		<-c.Broken()
		if err := c.Ready(t.Context()); err == nil {
			t.Errorf("%s: ready", name)
		}
		if err := c.Quiesce(t.Context()); err == nil {
			t.Errorf("%s: the channel goes on", name)
		}
	}
}

func TestConnAfterClose(t *testing.T) {
	t.Parallel()
	c, _ := connect(t)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Quiesce(t.Context()); !errors.Is(err, guest.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

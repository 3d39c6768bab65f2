package pid1

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/microvm/guest/wire"
)

// machine is the state of Boot. Only its goroutine uses the fields without a comment.
type machine struct {
	drives   drives
	net      *network
	random   int // a descriptor of /dev/urandom
	relays   *relays
	launcher *launcher
	running  bool // the launcher is the agent

	hostname string
	limits   wire.Limits
	in       [wire.HeadBytes + inBytes]byte // the request under way
	figure   [32]byte                       // what was read of a file with one number

	memoryBytes atomic.Int64 // the limit, 0: none
	oomKills    atomic.Int64 // processes that it killed

	manage  far
	writing sync.Mutex // held while writing to manage: frames must not mix
	out     []byte     // guarded by writing
}

// inBytes is how large a request may be without needing memory of its own.
const inBytes = 1 << 10

// Boot is the life of the machine's PID 1. It returns only with an error, which is the machine's end.
func Boot() error {
	if err := prepare(); err != nil {
		return err
	}
	m := &machine{out: make([]byte, 0, wire.HeadBytes+inBytes)}
	if err := m.open(); err != nil {
		return err
	}
	failed := make(chan error, 3)
	go func() { failed <- m.reap() }()
	go func() { failed <- m.watchMemory() }()
	go func() { failed <- m.serve() }()
	return <-failed
}

// open makes everything that needs no knowledge of the sandbox.
func (m *machine) open() (err error) {
	if m.random, err = unix.Open("/dev/urandom", unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		return fail("open urandom", err)
	}
	if m.net, err = newNetwork(); err != nil {
		return err
	}
	channels, err := openChannels()
	if err != nil {
		return err
	}
	if m.drives, err = findDrives(); err != nil {
		return err
	}
	if err := m.drives.settle(); err != nil {
		return err
	}
	if m.relays, err = relay(channels); err != nil {
		return err
	}
	if m.launcher, err = startLauncher(m.relays.agent); err != nil {
		return err
	}
	m.manage = channels[channelManage]
	return makeGroup(m.launcher.pid)
}

// serve obeys the host.
func (m *machine) serve() error {
	ready, err := greeting()
	if err != nil {
		return err
	}
	greet := func() { _ = m.event(wire.KindReady, ready) }
	if s, ok := m.manage.(*socket); ok {
		s.accepted = func() { go greet() } // a new host does not know that the machine is ready
	} else {
		greet()
	}
	for {
		f, err := wire.Read(m.manage, m.in[:], wire.MaxRequest)
		if err != nil {
			return fail("manage channel", err)
		}
		answer := wire.Frame{Kind: wire.KindOK, ID: f.ID}
		if answer.Body, err = m.do(f); err != nil {
			answer.Kind, answer.Body = wire.KindFailed, []byte(err.Error())
		}
		if err := m.send(answer); err != nil {
			return err
		}
	}
}

// greeting is the body of Ready.
func greeting() ([]byte, error) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return nil, err
	}
	kernel, err := get("/proc/sys/kernel/osrelease")
	if err != nil {
		return nil, err
	}
	ready := wire.Ready{Version: wire.Version, BootedMs: uint32(now.Nano() / int64(time.Millisecond)), Kernel: kernel}
	return ready.Append(nil), nil
}

// do carries out a request and returns the body of the answer.
func (m *machine) do(f wire.Frame) ([]byte, error) {
	switch f.Kind {
	case wire.KindSetup:
		s, err := wire.ParseSetup(f.Body)
		if err == nil {
			err = m.setup(s)
		}
		return nil, err
	case wire.KindMount:
		i, err := wire.ParseMount(f.Body)
		if err == nil {
			err = m.mount(i)
		}
		return nil, err
	case wire.KindLimit:
		l, err := wire.ParseLimits(f.Body)
		if err == nil {
			err = m.limit(l)
		}
		return nil, err
	case wire.KindRefresh:
		r, err := wire.ParseRefresh(f.Body)
		if err == nil {
			err = m.refresh(r)
		}
		return nil, err
	case wire.KindClock:
		c, err := wire.ParseClock(f.Body)
		if err == nil {
			err = advance(c)
		}
		return nil, err
	case wire.KindStats:
		s, err := m.stats()
		if err != nil {
			return nil, err
		}
		return s.Append(nil), nil
	case wire.KindQuiesce:
		return nil, quiesce()
	default:
		return nil, errors.New("unknown request " + itoa(int(f.Kind)))
	}
}

// event tells the host of something.
func (m *machine) event(kind wire.Kind, body []byte) error {
	return m.send(wire.Frame{Kind: kind, Body: body})
}

func (m *machine) send(f wire.Frame) error {
	if len(f.Body) > wire.MaxReply {
		f.Body = f.Body[:wire.MaxReply]
	}
	m.writing.Lock()
	defer m.writing.Unlock()
	m.out = wire.Append(m.out[:0], f)
	_, err := m.manage.Write(m.out)
	return fail("manage channel", err)
}

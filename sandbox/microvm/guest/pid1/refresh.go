package pid1

import (
	"errors"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/microvm/guest/wire"
)

// maxHostname is the kernel's bound, in bytes. Source: sethostname(2).
const maxHostname = 64

// refresh gives the machine the time, randomness of its own, a name and addresses, and lets go on what
// quiesce had stopped.
func (m *machine) refresh(r wire.Refresh) error {
	ts := unix.NsecToTimespec(r.UnixNanos)
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &ts); err != nil {
		return fail("set clock", err)
	}
	if err := addEntropy(m.random, r.Entropy); err != nil {
		return err
	}
	if r.Hostname == "" || len(r.Hostname) > maxHostname {
		return errors.New("impossible host name")
	}
	if err := unix.Sethostname([]byte(r.Hostname)); err != nil {
		return fail("set host name", err)
	}
	if err := m.net.set(r.Network); err != nil {
		return err
	}
	return freeze(false)
}

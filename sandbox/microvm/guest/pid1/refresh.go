package pid1

import (
	"errors"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/microvm/guest/wire"
)

// maxHostname is the kernel's bound, in bytes. Source: sethostname(2).
const maxHostname = 64

// refresh gives the machine the time, randomness of its own, a name, addresses and limits, and lets go on what
// quiesce had stopped.
func (m *machine) refresh(r wire.Refresh) error {
	if err := setClock(r.UnixNanos); err != nil {
		return err
	}
	if err := addEntropy(m.random, r.Entropy); err != nil {
		return err
	}
	if err := m.rename(r.Hostname); err != nil {
		return err
	}
	if err := m.net.set(r.Network); err != nil {
		return err
	}
	if err := m.limit(r.Limits); err != nil {
		return err
	}
	return freeze(false)
}

// rename sets the host name if it is another.
func (m *machine) rename(name []byte) error {
	switch {
	case len(name) == 0 || len(name) > maxHostname:
		return errors.New("impossible host name")
	case string(name) == m.hostname:
		return nil
	}
	if err := unix.Sethostname(name); err != nil {
		return fail("set host name", err)
	}
	m.hostname = string(name)
	return nil
}

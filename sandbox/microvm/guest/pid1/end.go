package pid1

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/microvm/guest/wire"
)

// Waits at the end: for the host to take what the sandbox has said, and what the monitor may need to pass it on.
const (
	drainPatience = time.Second
	lastMoment    = 50 * time.Millisecond
)

// reap waits for the end of the agent, with which all processes of its namespace end, and then ends the machine.
func (m *machine) reap() error {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return fail("wait", err)
		case pid == m.launcher.pid:
			return m.end(status)
		}
	}
}

func (m *machine) end(status unix.WaitStatus) error {
	over := time.After(drainPatience)
	for range cap(m.relays.drained) {
		select {
		case <-m.relays.drained:
		case <-over:
		}
	}
	e := wire.Exited{Code: int32(status.ExitStatus())} // -1 if it has none
	if status.Signaled() {
		e.Signal = uint32(status.Signal())
	}
	if err := m.event(wire.KindExited, e.Append(nil)); err != nil {
		return err
	}
	time.Sleep(lastMoment)
	return fail("restart", unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART))
}

package pid1

import (
	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/microvm/guest/wire"
)

// advance sets the clock if it is behind. All that the host says of the time is a little old when it is heard, so the
// latest time is the right one.
func advance(c wire.Clock) error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME, &now); err != nil {
		return fail("read clock", err)
	}
	if now.Nano() >= c.UnixNanos {
		return nil
	}
	ts := unix.NsecToTimespec(c.UnixNanos)
	return fail("set clock", unix.ClockSettime(unix.CLOCK_REALTIME, &ts))
}

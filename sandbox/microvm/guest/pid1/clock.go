package pid1

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/microvm/guest/wire"
)

// advance sets the clock if it is behind. All that the host says of the time is a little old when it is heard, so the
// latest time is the right one.
func advance(c wire.Clock) error {
	if time.Now().UnixNano() >= c.UnixNanos {
		return nil
	}
	return setClock(c.UnixNanos)
}

// setClock sets the clock, in nanoseconds since 1970.
func setClock(unixNanos int64) error {
	ts := unix.NsecToTimespec(unixNanos)
	return fail("set clock", raw(unix.SYS_CLOCK_SETTIME, unix.CLOCK_REALTIME, uintptr(unsafe.Pointer(&ts)), 0, 0, 0))
}

package qemu

import (
	"errors"
	"slices"
	"time"
)

// calibration is how long the counter is watched. An error of a microsecond at either end is 0.02 per cent then, and
// Linux corrects it.
const calibration = 10 * time.Millisecond

// counterKHz measures the frequency of the host's time stamp counter, in kHz. An interruption between reading the clock
// and the counter spoils one measurement, so it is the middle one of three.
func counterKHz() (int, error) {
	var found [3]int
	for i := range found {
		from, start := counter(), time.Now()
		time.Sleep(calibration)
		ticks, took := counter()-from, time.Since(start)
		found[i] = int(ticks * uint64(time.Millisecond) / uint64(took)) //nolint:gosec // some millions
	}
	slices.Sort(found[:])
	if found[1] <= 0 {
		return 0, errors.New("this processor has no time stamp counter")
	}
	return found[1], nil
}

package qemu

import (
	"errors"
	"time"
)

// calibration is how long the counter is watched. An error of a microsecond at either end is 0.02 per cent then, and
// Linux corrects it.
const calibration = 10 * time.Millisecond

// counterKHz measures the frequency of the host's time stamp counter, in kHz. QEMU hands the counter itself on to guests
// of TCG, and emulation is too uneven for them to measure it.
func counterKHz() (int, error) {
	from, start := counter(), time.Now()
	time.Sleep(calibration)
	ticks, took := counter()-from, time.Since(start)
	khz := int(float64(ticks) / float64(took.Nanoseconds()) * 1e6)
	if khz <= 0 {
		return 0, errors.New("this processor has no time stamp counter")
	}
	return khz, nil
}

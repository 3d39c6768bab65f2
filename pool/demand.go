package pool

import (
	"fmt"
	"time"
)

// demandMemory is for how long a stock remembers what was asked of it: fast up, slow down.
const demandMemory = 5 * time.Minute

// demand counts what cold starts asked of a stock, by the second. The zero value is ready.
type demand struct {
	counts [demandMemory / time.Second]int32
	last   int64 // the Unix second of the newest count
}

// add counts one slot asked for.
func (d *demand) add(now time.Time) {
	d.advance(now)
	d.counts[d.last%int64(len(d.counts))]++
}

// advance forgets the seconds that are too old.
func (d *demand) advance(now time.Time) {
	second := now.Unix()
	if second-d.last >= int64(len(d.counts)) {
		clear(d.counts[:])
		d.last = second
		return
	}
	for d.last < second {
		d.last++
		d.counts[d.last%int64(len(d.counts))] = 0
	}
}

// peak is the most that was asked for within a window, and when that was; the window is rounded up to whole seconds.
func (d *demand) peak(now time.Time, window time.Duration) (most int, ago time.Duration) {
	d.advance(now)
	width := int64((window + time.Second - 1) / time.Second)
	n := int64(len(d.counts))
	width = min(max(width, 1), n)
	at := func(age int64) int { return int(d.counts[(d.last-age+2*n)%n]) }
	sum := 0
	for age := range n {
		sum += at(age)
		if age >= width {
			sum -= at(age - width)
		}
		if sum > most {
			most, ago = sum, time.Duration(max(0, age-width+1))*time.Second
		}
	}
	return most, ago
}

// target is how many slots a stock should hold: as many as were asked for while it could not be refilled, at least
// least. It says why.
func (d *demand) target(now time.Time, least int, refill time.Duration) (int, string) {
	window := max(2*refill, time.Second)
	most, ago := d.peak(now, window)
	if most <= least {
		return least, "the least that is kept"
	}
	return most, fmt.Sprintf("%d were asked for within %s, %s ago", most, window.Round(time.Second), ago)
}

package bench

import (
	"strings"
	"testing"
	"time"
)

// TestClocksAreCompared: a machine's clock that is 100 ms behind is found out, as exactly as the quickest answers allow.
func TestClocksAreCompared(t *testing.T) {
	t.Parallel()
	const behind = 100 * time.Millisecond
	host := time.Unix(1_700_000_000, 0)
	c := clockOf(&Setup{monitor: "qemu"})
	for _, trip := range []struct{ there, back time.Duration }{{50, 2}, {3, 40}, {10, 10}} {
		read := host.Add(trip.there * time.Millisecond)
		c.compare(host, read.Add(-behind), read.Add(trip.back*time.Millisecond))
	}
	if got := c.result(); got != (Clock{AheadMS: -99.5, ErrorMS: 2.5}) {
		t.Errorf("got %+v", got)
	}
	if got := c.hosts(host.Add(-behind)).Sub(host); got.Abs() > 500*time.Microsecond {
		t.Errorf("off by %s", got)
	}
	if !strings.Contains(c.result().String(), "-99.5 ms") {
		t.Errorf("got %q", c.result())
	}
}

// TestOneClock: without a machine nothing is corrected.
func TestOneClock(t *testing.T) {
	t.Parallel()
	c := clockOf(&Setup{})
	now := time.Now()
	c.compare(now, now.Add(-time.Hour), now)
	if c.hosts(now) != now || c.result() != (Clock{}) || c.result().String() != "" {
		t.Errorf("got %+v", c.result())
	}
}

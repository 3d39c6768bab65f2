package bench

import (
	"fmt"
	"time"
)

// Clock says how a function's clock was compared with the host's. In a virtual machine it is one of its own; elsewhere it
// is the host's, and all members are zero.
type Clock struct {
	AheadMS float64 `json:"ahead_ms"` // of the function's; negative if it is behind. Times are corrected by it
	ErrorMS float64 `json:"error_ms"` // by which AheadMS may be wrong at most
}

// String is what a table says about c, in front of its other lines: nothing where there is one clock.
func (c Clock) String() string {
	if c == (Clock{}) {
		return ""
	}
	return fmt.Sprintf("\n(corrected by the machine's clock, which is ahead of the host's by %.1f ms, give or take %.1f)", c.AheadMS, c.ErrorMS)
}

// clockBounds narrow down by how much a function's clock is ahead: not by more than from sending a request to the time that
// the function read, and not by less than from the answer's coming to that time.
type clockBounds struct {
	same        bool // there is one clock only
	known       bool
	least, most time.Duration
}

// clockOf is for a function of the server that s has started.
func clockOf(s *Setup) *clockBounds { return &clockBounds{same: s.monitor == ""} }

func (c *clockBounds) compare(sent, read, received time.Time) {
	least, most := read.Sub(received), read.Sub(sent)
	if !c.known {
		c.least, c.most, c.known = least, most, true
	}
	c.least, c.most = max(c.least, least), min(c.most, most)
}

// ahead is the middle of what is possible.
func (c *clockBounds) ahead() time.Duration {
	if c.same {
		return 0
	}
	return (c.least + c.most) / 2
}

// hosts is the host's time when the function's clock showed t.
func (c *clockBounds) hosts(t time.Time) time.Time { return t.Add(-c.ahead()) }

func (c *clockBounds) result() Clock {
	if c.same {
		return Clock{}
	}
	return Clock{AheadMS: round(millis(c.ahead())), ErrorMS: round(millis(c.most-c.least) / 2)}
}

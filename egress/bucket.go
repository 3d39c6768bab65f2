package egress

import "time"

// bucket is a token bucket. It belongs to one goroutine.
type bucket struct {
	perSecond float64
	burst     float64
	tokens    float64
	last      time.Time
}

func newBucket(perSecond, burst int) bucket {
	return bucket{perSecond: float64(perSecond), burst: float64(burst), tokens: float64(burst)}
}

// take takes a token. If there is none it returns how long one takes to appear, and takes nothing.
func (b *bucket) take(now time.Time) time.Duration {
	if !b.last.IsZero() {
		b.tokens = min(b.burst, b.tokens+now.Sub(b.last).Seconds()*b.perSecond)
	}
	b.last = now
	if b.tokens >= 1 {
		b.tokens--
		return 0
	}
	return time.Duration((1 - b.tokens) / b.perSecond * float64(time.Second))
}

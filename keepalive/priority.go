package keepalive

import (
	"math"
	"time"
)

// fading is how long it takes until a use counts half.
const fading = time.Hour

// used counts a use of the level.
func (l *level) used(now time.Duration) {
	if dt := now - l.lastUse; dt > fading/64 {
		l.frequency *= float32(math.Exp2(-float64(dt) / float64(fading)))
		l.lastUse = now
	}
	l.frequency++
}

// Priority says what the environment of k is worth that became idle last, by GreedyDual-Size-Frequency: the clock, plus
// how often its level is used times what its cold start costs per byte. Evict the lowest first. Ask right after Idle or
// Prewarmed and keep the value with the environment; what happens later does not change it.
func (p *Policy) Priority(k Key) float64 {
	f := p.function(k)
	return p.clock + float64(f.level(f.running+1).frequency*f.cost/f.gb)
}

// Evicted says that an environment of this priority was evicted. The clock moves there, so that what is used from now
// on ranks above what has long been idle.
func (p *Policy) Evicted(priority float64) { p.clock = max(p.clock, priority) }

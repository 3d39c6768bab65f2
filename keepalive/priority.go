package keepalive

import (
	"math"
	"time"
)

// fading is how long it takes until a use counts half.
const fading = time.Hour

// used counts a use of the function.
func (f *function) used(now time.Duration) {
	if dt := now - f.lastUse; dt > fading/64 {
		f.frequency *= float32(math.Exp2(-float64(dt) / float64(fading)))
		f.lastUse = now
	}
	f.frequency++
}

// Priority says what an idle environment of k is worth now, by GreedyDual-Size-Frequency: the clock, plus how often it
// is used times what its cold start costs per byte. Evict the lowest first. The value belongs to the moment an
// environment becomes idle and is kept with it; later uses of other environments do not change it.
func (p *Policy) Priority(k Key) float64 {
	f := p.function(k)
	return p.clock + float64(f.frequency*f.cost/f.gb)
}

// Evicted says that an environment of this priority was evicted. The clock moves there, so that what is used from now
// on ranks above what has long been idle.
func (p *Policy) Evicted(priority float64) { p.clock = max(p.clock, priority) }

package keepalive

import (
	"math/bits"
	"time"
)

// Gaps are counted in bins of whole seconds: one each up to 32 s, then 16 per doubling, so that a bin is never wider
// than a sixteenth of the gap; up to 2^17 s, a day and a half. The last bin holds everything longer.
const (
	perDoubling = 16
	doublings   = 13
	binCount    = perDoubling - 1 + doublings*perDoubling + 1
	lastBin     = binCount - 1
)

// binOf is the bin of a gap of a quantum or more.
func binOf(gap time.Duration) int {
	s := uint64(gap / time.Second)
	if s < perDoubling {
		return int(s) - 1
	}
	shift := bits.Len64(s) - 5 // 16 … 31 have five bits
	return min(lastBin, shift*perDoubling+int(s>>shift)-1)
}

// edges are where bins begin, in seconds; the last bin has no end.
var edges = func() (e [binCount]float64) {
	for i := range e {
		if i < perDoubling-1 {
			e[i] = float64(i + 1)
			continue
		}
		shift := (i+1)/perDoubling - 1
		e[i] = float64((i + 1 - shift*perDoubling) << shift)
	}
	return e
}()

// gaps is a histogram that fades: when a bin is full all counts are halved.
type gaps struct {
	total uint32
	bins  [binCount]uint8
}

func (g *gaps) add(i int) {
	if g.bins[i] == 255 {
		g.total = 0
		for j := range g.bins {
			g.bins[j] /= 2
			g.total += uint32(g.bins[j])
		}
	}
	g.bins[i]++
	g.total++
}

const (
	// early is how many gaps of each level count for the population.
	early = 4
	// crowd is how many gaps make a population that can be trusted.
	crowd = 50
	// populationLimit is when the population's counts are halved.
	populationLimit = 1 << 14
)

// population is a histogram of the first gaps of many levels: what to expect of one that is new.
type population struct {
	total uint32
	bins  [binCount]uint16
}

func (g *population) add(i int) {
	if g.total >= populationLimit {
		g.total = 0
		for j := range g.bins {
			g.bins[j] /= 2
			g.total += uint32(g.bins[j])
		}
	}
	g.bins[i]++
	g.total++
}

package async

import "time"

// growth decides how many tries of a lane may be under way. It is told what happened and when, and does nothing by itself.
//
// One environment of a function that only computes may keep a small host busy; then a second makes both slower, and making it
// costs everybody. So the window grows while that pays: the rate at which tries end is measured, the window doubled, and
// measured again when the new environments are there. If the rate did not follow, the window goes back. Half of it is
// tried, too. None of this begins while the backlog would be worked off before it is over.
//
// As long as a try takes longer than a cold start nothing can be measured soon, and another environment is worth what it
// costs: then the window doubles without a measurement.
//
// All this is below what Lambda's own scaling rate allows, which the pool enforces.
type growth struct {
	window int // how many tries may be under way, from 1

	// What is measured since the window changed or began to be the limit.
	since time.Time // zero: the window is not the limit now
	from  time.Time // ends count from here on; zero: the environments may not be there yet
	ended int

	rate    float64   // tries ended per second, as measured last at the window that is compared with; 0: never
	trial   int       // that window, while the present one is tried; 0: none is
	fewer   bool      // the next trial is of a smaller window
	until   time.Time // no trial begins before
	pause   time.Duration
	ceiling int // the window does not grow beyond, until ceilingTo
	ceilTo  time.Time

	cold          time.Duration // what a cold start takes
	took, fastest time.Duration // what a try takes that has none: lately, and at best
}

const (
	// firstWindow is how many tries of a lane may be under way before anything was measured.
	firstWindow = 2
	// maxWindow bounds the tries under way of one lane.
	maxWindow = 1000
	// lookTime is how long a rate is measured at least.
	lookTime = 250 * time.Millisecond
	// typicalCold is taken for the time of a cold start before one was seen.
	typicalCold = 250 * time.Millisecond
	// firstPause is how long a window that proved good stays. It doubles each time that it does so again, up to longestPause.
	firstPause, longestPause = 5 * time.Second, 5 * time.Minute
	// pauseAfterRefusal is how long a window does not grow after it shrank, and ceilingAfterRefusal how long it stays below
	// what was too much: the room between is for others.
	pauseAfterRefusal   = 2 * time.Second
	ceilingAfterRefusal = 30 * time.Second
)

func newGrowth() growth {
	return growth{window: firstWindow, pause: firstPause, ceiling: maxWindow, cold: typicalCold}
}

// end takes up that a try ended, which took so long, cold of it for a cold start.
func (g *growth) end(now time.Time, took, cold time.Duration) {
	if cold > 0 {
		g.cold += (cold - g.cold) / 4
	} else {
		if g.took == 0 {
			g.took, g.fastest = took, took
		}
		g.took += (took - g.took) / 8
		g.fastest = min(g.fastest, took)
	}
	switch {
	case g.since.IsZero():
	case !g.from.IsZero():
		g.ended++
	case !now.Before(g.since.Add(2 * g.cold)):
		g.from = now
	}
}

// unlimited takes up that it is not the window that keeps more tries from being under way.
func (g *growth) unlimited() {
	if !g.since.IsZero() {
		g.since, g.from, g.ended = time.Time{}, time.Time{}, 0
	}
}

// limited takes up that as many tries are under way as the window allows and so many more wait. It may change the window.
// It wants to be called again when a try has ended, and at the time that it returns unless that is zero.
func (g *growth) limited(now time.Time, waiting int) (again time.Time) {
	if now.After(g.ceilTo) {
		g.ceiling = maxWindow
	}
	switch {
	case g.since.IsZero():
		g.begin(now)
	case !g.from.IsZero() && g.ended > 2*g.window && now.Sub(g.from) >= lookTime:
		g.measured(now, float64(g.ended)/now.Sub(g.from).Seconds(), waiting)
	}
	if g.rate > 0 || g.window >= g.ceiling || g.took > 2*g.fastest {
		return time.Time{}
	}
	patience := max(2*g.cold, lookTime)
	due := g.since.Add(patience)
	if g.until.After(due) {
		due = g.until
	}
	switch {
	case now.Before(due):
		return due
	case g.ended < g.window:
		g.window = min(2*g.window, g.ceiling)
		g.begin(now)
		return now.Add(patience)
	}
	return time.Time{} // enough of them end to be measured
}

func (g *growth) begin(now time.Time) { g.since, g.from, g.ended = now, time.Time{}, 0 }

// measured decides what follows from the rate at the present window.
func (g *growth) measured(now time.Time, rate float64, waiting int) {
	switch worth := g.worth; {
	case g.trial == 0:
		g.rate = rate
	case g.window > g.trial && worth(rate, g.rate, g.window, g.trial), g.window < g.trial && !worth(g.rate, rate, g.trial, g.window):
		g.rate, g.trial, g.pause = rate, 0, firstPause // it is better; further
	case g.window > g.trial:
		g.window, g.trial, g.fewer = g.trial, 0, true
		g.begin(now)
		return
	default:
		g.window, g.trial = g.trial, 0
		g.rest(now)
	}
	g.begin(now)
	if g.fewer && g.window == 1 {
		g.rest(now)
	}
	over := time.Duration(float64(waiting) / g.rate * float64(time.Second))
	if now.Before(g.until) || over < 2*g.cold+lookTime {
		return
	}
	if next := min(2*g.window, g.ceiling); g.fewer {
		g.trial, g.window = g.window, g.window/2
	} else if next > g.window {
		g.trial, g.window = g.window, next
	}
}

// rest ends a row of trials: the window is good for a while.
func (g *growth) rest(now time.Time) {
	g.fewer, g.until = false, now.Add(g.pause)
	g.pause = min(2*g.pause, longestPause)
}

// worth reports whether a rate that comes with more tries under way is worth them: it is higher by at least a third of what
// it would be if each ran as fast as before.
func (g *growth) worth(rate, before float64, window, less int) bool {
	return rate/before-1 >= (float64(window)/float64(less)-1)/3
}

// refused makes the window smaller than what is under way, because there was no room for it.
func (g *growth) refused(now time.Time, running int) {
	if now.After(g.ceilTo) || running*7/8 < g.ceiling {
		g.ceiling, g.ceilTo = max(1, running*7/8), now.Add(ceilingAfterRefusal)
	}
	g.window, g.trial = max(1, min(g.window, running*3/4)), 0
	g.until = now.Add(pauseAfterRefusal)
	g.unlimited()
}

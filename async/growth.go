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
// costs: then the window doubles without a measurement, once the environments for what is under way are there.
//
// If the lane's rate followed at the cost of other lanes, nothing was won: what all of them do together must have risen as well.
//
// All this is below what Lambda's own scaling rate allows, which the pool enforces.
type growth struct {
	window int // how many tries may be under way, from 1

	// What is measured since the window changed or began to be the limit.
	since time.Time // zero: the window is not the limit now
	ended int       // tries
	from  time.Time // when those began that are measured; zero: the environments may not be there yet
	at    progress  // at from

	pace    pace      // as measured last, at the window that is compared with
	trial   int       // that window, while the present one is tried; 0: none is
	fewer   bool      // the next trial is of a smaller window
	until   time.Time // no trial begins before
	pause   time.Duration
	ceiling int // the window does not grow beyond, until ceilingTo
	ceilTo  time.Time

	cold          time.Duration // what a cold start takes
	took, fastest time.Duration // what a try takes that has none: lately, and at best
}

// progress is what was done up to a moment.
type progress struct {
	ended int     // tries of the lane
	all   float64 // work of all lanes, in seconds: each try counts for as long as one of its lane takes at best
}

// pace is progress per second. The zero value was not measured.
type pace struct{ own, all float64 }

const (
	// firstWindow is how many tries of a lane may be under way before anything was measured.
	firstWindow = 2
	// maxWindow bounds the tries under way of one lane.
	maxWindow = 1000
	// lookTime is how long a rate is measured at least.
	lookTime = 400 * time.Millisecond
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

// end takes up that a try ended, which took so long, cold of it for a cold start. all is the work of all lanes so far. It returns
// the work that the try was.
func (g *growth) end(now time.Time, took, cold time.Duration, all float64) (work float64) {
	if cold > 0 {
		g.cold += (cold - g.cold) / 4
	} else {
		if g.took == 0 {
			g.took, g.fastest = took, took
		}
		g.took += (took - g.took) / 8
		g.fastest = min(g.fastest, took)
	}
	work = g.fastest.Seconds()
	if g.since.IsZero() {
		return work
	}
	g.ended++
	if g.from.IsZero() && !now.Before(g.since.Add(2*g.cold)) {
		g.from, g.at = now, progress{g.ended, all + work}
	}
	return work
}

// unlimited takes up that it is not the window that keeps more tries from being under way.
func (g *growth) unlimited() {
	if !g.since.IsZero() {
		g.begin(time.Time{})
	}
}

// limited takes up that as many tries are under way as the window allows and so many more wait, when all is the work of all lanes and there are so many environments. It may change the window.
// It wants to be called again when a try has ended, and at the time that it returns unless that is zero.
func (g *growth) limited(now time.Time, waiting int, all float64, environments func() int) (again time.Time) {
	if now.After(g.ceilTo) {
		g.ceiling = maxWindow
	}
	switch {
	case g.since.IsZero():
		g.begin(now)
	case !g.from.IsZero() && g.ended-g.at.ended > 2*g.window && now.Sub(g.from) >= lookTime:
		took := now.Sub(g.from).Seconds()
		g.measured(now, pace{float64(g.ended-g.at.ended) / took, (all - g.at.all) / took}, waiting)
	}
	if g.pace.own > 0 || g.window >= g.ceiling || g.took > 2*g.fastest {
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
	case g.ended >= g.window: // enough of them end to be measured
		return time.Time{}
	case environments() >= g.window:
		g.window = min(2*g.window, g.ceiling)
		g.begin(now)
	}
	return now.Add(patience)
}

func (g *growth) begin(now time.Time) { g.since, g.ended, g.from = now, 0, time.Time{} }

// measured decides what follows from the pace at the present window.
func (g *growth) measured(now time.Time, is pace, waiting int) {
	switch {
	case g.trial == 0:
		g.pace = is
	case g.window > g.trial && g.worth(is, g.pace, g.window, g.trial), g.window < g.trial && !g.worth(g.pace, is, g.trial, g.window):
		g.pace, g.trial, g.pause = is, 0, firstPause // it is better; further
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
	over := time.Duration(float64(waiting) / g.pace.own * float64(time.Second))
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

// worth reports whether a pace that comes with more tries under way is worth them: it is higher by at least half of what
// it would be if each ran as fast as with less, and so much more was done by all lanes together.
func (g *growth) worth(is, before pace, window, less int) bool {
	least := before.own * (float64(window)/float64(less) - 1) / 2
	return is.own-before.own >= least && is.all-before.all >= least*g.fastest.Seconds()
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

package keepalive

import (
	"math"
	"time"
)

const (
	// quantum is the shortest gap that counts. Every plan holds longer if Options.Max allows, so shorter gaps cannot
	// change a decision.
	quantum = 10 * time.Second
	// busy is level.idleSince of a level that runs, or never ran.
	busy = time.Duration(math.MinInt64)
	// maxLevels bounds how many levels of one function are told apart; those above count as the highest. It is far
	// above what one host can hold of one function.
	maxLevels = 4096
	// replanEvery is how many plans are given out before one is made anew without news about its level: the population
	// and the measured costs move slowly.
	replanEvery = 64
)

// function is what is known about one key.
type function struct {
	cost, gb float32 // of a cold start, in seconds, and of its environment, in GB
	started  bool    // cost and gb were measured
	running  int     // invocations that run now

	one  level   // level 1, the only one of most functions
	more []level // level 2 and up
}

// level is one level of concurrency.
type level struct {
	idleSince time.Duration // busy while it runs
	lastUse   time.Duration // about when frequency was brought up to date
	frequency float32       // uses, fading; see priority.go
	gaps      *gaps         // nil before the first that counts
	plan      Plan          // the last one made
	fresh     uint8         // how often plan may still be given out
	news      uint8         // gaps counted since plan was made
}

// level returns level n, from 1.
func (f *function) level(n int) *level {
	if n <= 1 {
		return &f.one
	}
	n = min(n, maxLevels) - 2
	for len(f.more) <= n {
		f.more = append(f.more, level{idleSince: busy})
	}
	return &f.more[n]
}

// fall ends one running invocation and returns the level that becomes idle by it.
func (f *function) fall(now time.Duration) *level {
	l := f.level(f.running)
	f.running = max(0, f.running-1)
	l.idleSince = now
	return l
}

// stale notes a new gap; the plan is made anew once the news may matter.
func (l *level) stale() {
	if l.news++; int(l.news) > int(l.gaps.total)/8 {
		l.fresh = 0
	}
}

// learn averages what cold starts cost, the newest with a quarter of the weight.
func (f *function) learn(cost, gb float64) {
	if !f.started {
		f.started, f.cost, f.gb = true, float32(cost), float32(gb)
	} else {
		f.cost += (float32(cost) - f.cost) / 4
		f.gb += (float32(gb) - f.gb) / 4
	}
	f.one.fresh = 0
}

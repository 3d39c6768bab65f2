package async

import (
	"testing"
	"time"
)

// run lets the lane's tries end at a rate that depends on its window, with a backlog that does not end, and tells what it
// did with the window.
func run(g *growth, seconds int, waiting int, rate func(window int) float64) (windows []int) {
	const step = 10 * time.Millisecond
	now, all, part := time.Unix(1_700_000_000, 0), 0.0, 0.0
	for range seconds * int(time.Second/step) {
		now = now.Add(step)
		for part += rate(g.window) * step.Seconds(); part >= 1; part-- {
			took := time.Duration(float64(g.window) / rate(g.window) * float64(time.Second))
			all += g.end(now, took, 0, all)
		}
		g.limited(now, waiting, all, enough)
		if n := len(windows); n == 0 || windows[n-1] != g.window {
			windows = append(windows, g.window)
		}
	}
	return windows
}

// enough environments.
func enough() int { return maxWindow }

// Without a measurement the window does not grow while the environments for it are still being made, however long that takes.
func TestGrowthWaitsForEnvironments(t *testing.T) {
	t.Parallel()
	g := newGrowth()
	now, there := time.Unix(1_700_000_000, 0), 0
	for range 1000 {
		now = now.Add(10 * time.Millisecond)
		if again := g.limited(now, 1e6, 0, func() int { return there }); !again.After(now) {
			t.Fatalf("wants to be asked again at %s, which is not later than %s", again, now)
		}
	}
	if g.window != firstWindow {
		t.Errorf("the window is %d", g.window)
	}
	there = firstWindow
	g.limited(now.Add(time.Second), 1e6, 0, func() int { return there })
	if g.window != 2*firstWindow {
		t.Errorf("when they were there: %d", g.window)
	}
}

func TestGrowth(t *testing.T) {
	t.Parallel()
	bounded := func(most float64) func(int) float64 { // each does ten a second, all together no more than most
		return func(window int) float64 { return min(float64(10*window), most) }
	}
	for _, c := range []struct {
		name        string
		rate        func(window int) float64
		waiting     int
		least, most int // of the window in the end, which a trial may have doubled or halved
	}{
		{"every environment pays", bounded(1e9), 1e6, maxWindow, maxWindow},
		{"up to 40 pay", bounded(400), 1e6, 16, 64},
		{"a second does not pay", bounded(10), 1e6, 1, 2},
		{"a larger window makes it slower", func(window int) float64 { return 100 / float64(window) }, 1e6, 1, 2},
		{"the backlog is over before", bounded(1e9), 3, firstWindow, firstWindow},
		{"nothing ends", func(int) float64 { return 1e-6 }, 1e6, maxWindow, maxWindow},
	} {
		g := newGrowth()
		windows := run(&g, 60, c.waiting, c.rate)
		t.Log(c.name, windows)
		if last := windows[len(windows)-1]; last < c.least || last > c.most {
			t.Errorf("%s: the window went %v", c.name, windows)
		}
	}
}

// A refusal shrinks the window, which stays below what was too much for a while.
func TestGrowthAfterRefusal(t *testing.T) {
	t.Parallel()
	g := newGrowth()
	fast := func(window int) float64 { return float64(100 * window) }
	run(&g, 10, 1e6, fast)
	if g.window != maxWindow {
		t.Fatalf("the window is %d", g.window)
	}
	now := time.Unix(1_700_000_010, 0)
	g.refused(now, 80)
	if g.window != 60 {
		t.Errorf("80 were too many: the window is %d", g.window)
	}
	for range 200 {
		now = now.Add(10 * time.Millisecond)
		for range 20 {
			g.end(now, 10*time.Millisecond, 0, 0)
		}
		g.limited(now, 1e6, 0, enough)
	}
	if g.window > 70 {
		t.Errorf("two seconds later: %d", g.window)
	}
}

// While something else than the window is the limit nothing is measured.
func TestGrowthMeasuresOnlyItself(t *testing.T) {
	t.Parallel()
	g := newGrowth()
	now := time.Unix(1_700_000_000, 0)
	for range 1000 {
		now = now.Add(10 * time.Millisecond)
		g.end(now, time.Millisecond, 0, 0)
		g.unlimited()
	}
	if g.window != firstWindow || g.pace != (pace{}) {
		t.Errorf("got %+v", g)
	}
}

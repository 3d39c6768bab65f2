package async_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"thaw.dev/thaw/invoke"
)

// machine is a host with CPUs that runs functions as the pool does: an invocation that finds no idle environment of its
// function makes one. What wants more CPU than there is goes on more slowly.
type machine struct {
	cpus          float64
	cold          time.Duration // of CPU that an environment takes to be made
	compute, wait time.Duration // what an invocation needs of CPU, and what it waits beside that

	mu    sync.Mutex
	busy  float64        // how many CPUs are wanted now
	idle  map[string]int // environments by function
	made  map[string]int
	most  map[string]int
	using map[string]int
	ended map[string]int
}

func newMachine(cpus float64, compute, wait time.Duration) *machine {
	return &machine{
		cpus: cpus, cold: 100 * time.Millisecond, compute: compute, wait: wait,
		idle: map[string]int{}, made: map[string]int{}, most: map[string]int{}, using: map[string]int{}, ended: map[string]int{},
	}
}

// work takes so much CPU in small pieces, each at the pace of the moment.
func (m *machine) work(d time.Duration) {
	m.mu.Lock()
	m.busy++
	m.mu.Unlock()
	for left := d; left > 0; {
		piece := min(left, 20*time.Millisecond)
		left -= piece
		m.mu.Lock()
		slower := max(1, m.busy/m.cpus)
		m.mu.Unlock()
		time.Sleep(time.Duration(float64(piece) * slower))
	}
	m.mu.Lock()
	m.busy--
	m.mu.Unlock()
}

func (m *machine) invoke(ctx context.Context, req *invoke.Request) (*invoke.Result, error) {
	f := req.Function
	result, err := ok(ctx, req)
	m.mu.Lock()
	m.using[f]++
	m.most[f] = max(m.most[f], m.using[f])
	warm := m.idle[f] > 0
	if warm {
		m.idle[f]--
	} else {
		m.made[f]++
	}
	m.mu.Unlock()
	if !warm {
		begin := time.Now()
		m.work(m.cold)
		result.Phases = []invoke.Phase{{Name: invoke.PhasePlace, Duration: time.Since(begin)}}
	}
	m.work(m.compute)
	time.Sleep(m.wait)
	m.mu.Lock()
	m.idle[f]++
	m.using[f]--
	m.ended[f]++
	m.mu.Unlock()
	return result, err
}

// drain sends n events to each of so many functions and waits until all have run.
func (m *machine) drain(t *testing.T, functions, n int) time.Duration {
	t.Helper()
	b := newBench(m.invoke)
	var names []string
	for i := range functions {
		names = append(names, fmt.Sprint("f", i))
		b.plane.set(names[i], defaults())
	}
	b.open()
	defer b.Close()
	begin := time.Now()
	for range n {
		for _, name := range names {
			b.send(t, name, "", `1`)
		}
	}
	for b.store.left() > 0 {
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(begin)
}

// How many environments a backlog gets depends on whether they make it shorter.
func TestLaneGrowsWhileItPays(t *testing.T) {
	for _, c := range []struct {
		name          string
		compute, wait time.Duration
		events        int
		most, least   int           // environments at once
		within        time.Duration // not much more than the work takes on two CPUs, environments included
	}{
		{"computes for a millisecond", time.Millisecond, 0, 5000, 4, 1, 4 * time.Second},
		{"computes for 300 ms", 300 * time.Millisecond, 0, 200, 8, 2, 45 * time.Second},
		{"waits for 50 ms", 0, 50 * time.Millisecond, 20_000, 256, 64, 18 * time.Second},
		{"waits for 20 s", 0, 20 * time.Second, 200, 200, 200, 45 * time.Second},
		{"few events", time.Millisecond, 10 * time.Millisecond, 8, firstWindow, 1, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMachine(2, c.compute, c.wait)
				took := m.drain(t, 1, c.events)
				t.Logf("%s, %d environments made, %d used at once", took, m.made["f0"], m.most["f0"])
				if took > c.within {
					t.Errorf("took %s, want %s at most", took, c.within)
				}
				if m.most["f0"] > c.most || m.most["f0"] < c.least {
					t.Errorf("%d environments at once, want %d to %d", m.most["f0"], c.least, c.most)
				}
			})
		})
	}
}

// firstWindow is how many environments a lane may use before anything was measured.
const firstWindow = 2

// No lane with the same to do as others is left far behind: growth that only takes from others is no growth.
func TestLanesShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(2, 5*time.Millisecond, 0)
		b := newBench(m.invoke)
		const functions, n = 5, 20_000
		for i := range functions {
			b.plane.set(fmt.Sprint("f", i), defaults())
		}
		b.open()
		defer b.Close()
		for i := range functions {
			for range n {
				b.send(t, fmt.Sprint("f", i), "", `1`)
			}
		}
		time.Sleep(60 * time.Second)
		m.mu.Lock()
		least, most := n, 0
		for i := range functions {
			done := m.ended[fmt.Sprint("f", i)]
			least, most = min(least, done), max(most, done)
		}
		m.mu.Unlock()
		if least < most/5 {
			t.Errorf("a lane ran %d events, another %d", least, most)
		}
		if _, err := b.Purge(t.Context(), selection("")); err != nil {
			t.Fatal(err)
		}
	})
}

// A burst that comes again finds what was learned.
func TestLearnedGrowthIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(2, 0, 50*time.Millisecond)
		b := newBench(m.invoke).open()
		defer b.Close()
		burst := func() time.Duration {
			begin := time.Now()
			for range 5000 {
				b.send(t, "f", "", `1`)
			}
			for b.store.left() > 0 {
				time.Sleep(10 * time.Millisecond)
			}
			return time.Since(begin)
		}
		first := burst()
		if again := burst(); again > first/2 {
			t.Errorf("the first burst took %s, the same again %s", first, again)
		}
	})
}

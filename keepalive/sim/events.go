package sim

import (
	"cmp"
	"context"
	"math/rand/v2"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Spread says where in its minute an invocation lies.
type Spread string

// Spreads.
const (
	SpreadRandom Spread = "random" // anywhere, independently of the others
	SpreadEven   Spread = "even"   // at equal distances
)

// Event is a change of how many environments a function needs.
type Event struct {
	At       uint32 // milliseconds since the trace began
	Function uint32 // index into the trace
	// Uses is how many invocations begin with this event: one more environment is needed from At on, and the others of
	// its spell follow in it, each less than ten seconds after the last. 0: one environment fewer is needed.
	Uses uint32
}

// Load is a trace made ready for replay.
type Load struct {
	Trace  *Trace
	Events []Event // in order of time
	// Invocations is how many the events stand for.
	Invocations int64
}

// mergeBelow is the gap between uses of an environment, in milliseconds, that counts as none.
const mergeBelow = 10_000

// Expand lays out a trace's invocations in time. The same seed gives the same events.
func Expand(ctx context.Context, t *Trace, spread Spread, seed uint64) (*Load, error) {
	parts := make([][]Event, len(t.Functions))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range t.Functions {
		g.Go(func() error {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			parts[i] = expand(&t.Functions[i], uint32(i), spread, rand.New(rand.NewPCG(seed, uint64(i))))
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	l := &Load{Trace: t, Events: merge(parts), Invocations: t.Invocations()}
	return l, nil
}

// merge brings events that are in order within each part into one order.
func merge(parts [][]Event) []Event {
	const width = 60_000 // of a bucket; small ones are sorted faster than all at once
	var begin []int      // of buckets, once the counts are summed
	n := 0
	for _, part := range parts {
		n += len(part)
		for _, e := range part {
			for int(e.At/width)+1 >= len(begin) {
				begin = append(begin, 0)
			}
			begin[e.At/width+1]++
		}
	}
	for i := 1; i < len(begin); i++ {
		begin[i] += begin[i-1]
	}
	all := make([]Event, n)
	next := slices.Clone(begin)
	for _, part := range parts {
		for _, e := range part {
			b := e.At / width
			all[next[b]] = e
			next[b]++
		}
	}
	for i := 1; i < len(begin); i++ {
		slices.SortStableFunc(all[begin[i-1]:begin[i]], byTime)
	}
	return all
}

func byTime(a, b Event) int { return cmp.Compare(a.At, b.At) }

// spell is one level of concurrency while events are made of it.
type spell struct {
	event int    // index of the event that began it, -1 before the first
	ended uint32 // when its last use was over
}

// expand makes the events of one function, in order of time.
func expand(f *Function, index uint32, spread Spread, rng *rand.Rand) []Event {
	var (
		events []Event
		ends   endings
		levels []spell
		at     []float64
	)
	end := func(now float64) {
		levels[len(ends)].ended = uint32(now) // ends has lost the one that is over
	}
	begin := func(now float64) {
		n := len(ends)
		if n == len(levels) {
			levels = append(levels, spell{event: -1})
		}
		l := &levels[n]
		if l.event >= 0 && uint32(now)-l.ended < mergeBelow {
			events[l.event].Uses++
		} else {
			if l.event >= 0 {
				events = append(events, Event{At: l.ended, Function: index})
			}
			l.event = len(events)
			events = append(events, Event{At: uint32(now), Function: index, Uses: 1})
		}
	}
	for _, c := range f.Counts {
		at = times(at[:0], int(c.N), spread, rng)
		for _, offset := range at {
			now := (float64(c.Minute) + offset) * 60_000
			for len(ends) > 0 && ends[0] <= now {
				end(ends.pop())
			}
			begin(now)
			ends.push(now + f.duration(rng))
		}
	}
	for len(ends) > 0 {
		end(ends.pop())
	}
	for i := range levels {
		events = append(events, Event{At: levels[i].ended, Function: index})
	}
	slices.SortStableFunc(events, byTime)
	return events
}

// times appends n times within a minute, as shares of it, in order.
func times(to []float64, n int, spread Spread, rng *rand.Rand) []float64 {
	if spread == SpreadEven {
		for i := range n {
			to = append(to, (float64(i)+0.5)/float64(n))
		}
		return to
	}
	// Distances between n independent uniform times are n+1 exponential ones, scaled.
	sum := 0.0
	for range n {
		sum += rng.ExpFloat64()
		to = append(to, sum)
	}
	sum += rng.ExpFloat64()
	for i := len(to) - n; i < len(to); i++ {
		to[i] /= sum
	}
	return to
}

// duration draws an execution time in milliseconds from the percentiles.
func (f *Function) duration(rng *rand.Rand) float64 {
	u := rng.Float64()
	i := 1
	for i < len(Percentiles)-1 && u > Percentiles[i] {
		i++
	}
	lo, hi := f.Durations[i-1], f.Durations[i]
	return lo + (hi-lo)*(u-Percentiles[i-1])/(Percentiles[i]-Percentiles[i-1])
}

// endings is a heap of times, the earliest first.
type endings []float64

func (h *endings) push(t float64) {
	s := append(*h, t)
	i := len(s) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if s[parent] <= t {
			break
		}
		s[i] = s[parent]
		i = parent
	}
	s[i] = t
	*h = s
}

func (h *endings) pop() float64 {
	s := *h
	first, last := s[0], s[len(s)-1]
	s = s[:len(s)-1]
	i := 0
	for {
		child := 2*i + 1
		if child >= len(s) {
			break
		}
		if child+1 < len(s) && s[child+1] < s[child] {
			child++
		}
		if s[child] >= last {
			break
		}
		s[i] = s[child]
		i = child
	}
	if len(s) > 0 {
		s[i] = last
	}
	*h = s
	return first
}

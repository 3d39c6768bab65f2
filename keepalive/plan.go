package keepalive

import "time"

// Plan is what to do with an environment that is idle now.
type Plan struct {
	// Keep is how long to keep it before it is destroyed. A use in the meantime ends the plan.
	Keep time.Duration
	// Prewarm is when to make one again, counted from now and longer than Keep; 0 never. An arrival, and any newer plan
	// for the key, cancels it. The environment made is announced with Prewarmed as soon as it is idle.
	Prewarm time.Duration
	// Reason is why: one of the Reason constants.
	Reason string
}

// Reasons of plans.
const (
	ReasonNone     = "keep-alive is off"
	ReasonWorth    = "little known: held for what its cold start is worth"
	ReasonExpected = "held until the next use gets unlikely"
	ReasonRare     = "let go: the next use is too far away"
	ReasonAhead    = "let go: made again before the next use is due"
	ReasonLate     = "made ahead, overtaken by an arrival"
	ReasonMost     = "held for as long as the operator allows"
)

// prior is how many observed gaps the population's opinion weighs.
const prior = 2.0

// never is how many gaps without an end are assumed of each level beside: it may have been used for the last time, and
// gaps that still go on, the long ones first of all, are not in the population.
const never = 0.5

// aheadShare is what making an environment ahead costs, as a share of the same start with somebody waiting: it takes
// the same CPU and memory.
const aheadShare = 0.1

// plan makes l.plan anew, for an environment that becomes idle now.
func (p *Policy) plan(f *function, l *level) {
	l.plan = p.planAt(f, l, 0)
	l.fresh, l.news = replanEvery, 0
}

// planAt plans for an environment of level l that is idle at age since the level's last use.
func (p *Policy) planAt(f *function, l *level, age time.Duration) Plan {
	worth := float64(f.cost) * p.o.Exchange // of one avoided cold start, in GB·s
	gb := float64(f.gb)
	least := max(p.o.Min, min(quantum, p.o.Max))
	others, ahead := &p.above, l == &f.one
	if ahead {
		others = &p.first
	}
	if l.gaps == nil && others.total < crowd {
		keep := p.o.Max
		if rent := worth / gb; rent < keep.Seconds() {
			keep = max(seconds(rent), least)
		}
		return Plan{Keep: keep, Reason: ReasonWorth}
	}
	c := choose(l.gaps, others, terms{
		age: age.Seconds(), least: least.Seconds(), most: p.o.Max.Seconds(), worth: worth, gb: gb, ahead: ahead,
	})
	plan := Plan{Keep: min(max(seconds(c.keep), least), p.o.Max), Reason: ReasonExpected}
	switch wake := seconds(c.wake - float64(f.cost)); {
	case c.wake > 0 && wake > plan.Keep:
		plan.Prewarm, plan.Reason = wake, ReasonAhead
	case c.rare:
		plan.Reason = ReasonRare
	case plan.Keep == p.o.Max:
		plan.Reason = ReasonMost
	}
	return plan
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// terms are what a choice depends on beside the gaps. Times are in seconds.
type terms struct {
	age         float64 // since the gap began
	least, most float64 // how long to hold from age on
	worth       float64 // of an avoided cold start, in GB·s
	gb          float64 // memory of the environment
	ahead       bool    // whether one may be made ahead
}

// choice is a plan in seconds from terms.age: hold for keep, be there again at wake (0: never). rare says that it was
// not worth holding longer than it had to be.
type choice struct {
	keep, wake float64
	rare       bool
}

// choose finds the plan of least expected cost by dynamic programming, from the longest gap back to age. At each edge
// of a bin an environment that is there is held or let go, and where there is none one may be made. own may be nil.
func choose(own *gaps, others *population, t terms) choice {
	weight := weigh(own, others)
	from := 0
	for from < lastBin-1 && edges[from+1] <= t.age {
		from++
	}
	// What is to come from an edge on, in expectation: with an environment held since age, with none, with one made
	// ahead. beyond is the weight of gaps that reach the edge.
	beyond := weight[lastBin]
	held, none, made := t.worth*beyond, t.worth*beyond, t.worth*beyond
	var hold, wake [binCount]bool // what to do at each edge
	for i := lastBin - 1; i >= from; i-- {
		begin, end := max(edges[i], t.age), edges[i+1]
		onHeld, onNone := none, none
		if hold[i+1] = end-t.age < t.least || (end-t.age <= t.most && held <= none); hold[i+1] {
			onHeld = held
		}
		if start := made + aheadShare*t.worth*beyond; t.ahead && start < none {
			wake[i+1], onNone = true, start
		}
		onMade := min(made, none)
		memory := t.gb * (end - begin) * (beyond + weight[i]/2)
		held, made, none = memory+onHeld, memory+onMade, t.worth*weight[i]+onNone
		beyond += weight[i]
	}
	i := from + 1
	for i < lastBin && hold[i] {
		i++
	}
	c := choice{keep: min(edges[i]-t.age, t.most), rare: i == from+1 || edges[i-1]-t.age < t.least}
	for i++; i < lastBin && c.wake == 0; i++ {
		if wake[i] {
			c.wake = edges[i] - t.age
		}
	}
	return c
}

// weigh returns how likely a gap ends in each bin, not normalised: the level's own gaps, and what is assumed beside.
func weigh(own *gaps, others *population) (weight [binCount]float64) {
	if others.total > 0 {
		share := prior / float64(others.total)
		for i, n := range others.bins {
			weight[i] = share * float64(n)
		}
	}
	weight[lastBin] += never
	if own == nil {
		return weight
	}
	for i, n := range own.bins {
		if n > 0 { // what lies at the edge of a bin may fall into the next one the next time
			weight[i] += float64(n) / 2
			weight[max(0, i-1)] += float64(n) / 4
			weight[min(lastBin, i+1)] += float64(n) / 4
		}
	}
	return weight
}

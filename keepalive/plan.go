package keepalive

import ("time";"os";"strconv")

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
	ReasonNone      = "keep-alive is off"
	ReasonWorth     = "little known: held for what its cold start is worth"
	ReasonExpected  = "held until the next use gets unlikely"
	ReasonRare      = "let go: the next use is too far away"
	ReasonAhead     = "let go: made again before the next use is due"
	ReasonLate      = "made ahead, overtaken by an arrival"
	ReasonUnbounded = "held to the maximum: its uses are worth it"
)

// prior is how many observed gaps the population's opinion weighs.
var prior = envf("PRIOR",2.0)
var never = envf("NEVER",0)
func envf(n string,d float64) float64 { if v,err:=strconv.ParseFloat(os.Getenv(n),64); err==nil {return v}; return d}

// aheadShare is what making an environment ahead costs, as a share of the same start with somebody waiting: it takes
// the same CPU and memory.
var aheadShare = envf("AHEAD",0.1)

// plan makes l.plan anew, for an environment that becomes idle now.
func (p *Policy) plan(f *function, l *level) {
	l.plan = p.planAt(f, l, 0)
	l.fresh, l.news = replanEvery, 0
}

// planAt plans for an environment of level l that is idle at age since the level's last use.
func (p *Policy) planAt(f *function, l *level, age time.Duration) Plan {
	ahead := l == &f.one
	crowdOf := &p.above
	if ahead {
		crowdOf = &p.first
	}
	worth := float64(f.cost) * p.o.Exchange // of one avoided cold start, in GB·s
	gb := float64(f.gb)
	if l.gaps == nil && crowdOf.total < crowd {
		return p.skiRental(worth / gb)
	}
	c := choose(l.gaps, crowdOf, age.Seconds(), p.o.Min.Seconds(), p.o.Max.Seconds(), worth, gb, ahead)
	if !ahead {
		c.ahead = 0
	}
	keep := min(max(seconds(c.keep), p.o.Min, min(quantum, p.o.Max)), p.o.Max)
	switch wake := seconds(c.ahead - float64(f.cost)); {
	case c.ahead > 0 && wake > keep:
		return Plan{Keep: keep, Prewarm: wake, Reason: ReasonAhead}
	case c.keep <= 0:
		return Plan{Keep: keep, Reason: ReasonRare}
	case keep == p.o.Max:
		return Plan{Keep: keep, Reason: ReasonUnbounded}
	}
	return Plan{Keep: keep, Reason: ReasonExpected}
}

// skiRental holds until the memory spent is worth the cold start.
func (p *Policy) skiRental(hold float64) Plan {
	keep := p.o.Max
	if hold < keep.Seconds() {
		keep = max(seconds(hold), p.o.Min, min(quantum, p.o.Max))
	}
	return Plan{Keep: keep, Reason: ReasonWorth}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// choice is a plan in seconds from age: hold for keep, be there again at ahead (0: never).
type choice struct{ keep, ahead float64 }

// choose finds the plan of least expected cost by dynamic programming from the longest gap back to age. At each edge of
// a bin an environment that is there is held or let go, and where there is none one may be made. own may be nil.
func choose(own *gaps, others *population, age, least, most, worth, gb float64, ahead bool) choice {
	// weight[i] is how likely the gap ends in bin i, not normalised.
	var weight [binCount]float64
	if others.total > 0 {
		w := prior / float64(others.total)
		for i, n := range others.bins {
			weight[i] = w * float64(n)
		}
	}
	weight[lastBin]+=never
	if own != nil {
		for i, n := range own.bins {
			if n == 0 {
				continue
			}
			// What lies at the edge of a bin may fall into the next one the next time.
			weight[i] += float64(n) / 2
			weight[max(0, i-1)] += float64(n) / 4
			weight[min(lastBin, i+1)] += float64(n) / 4
		}
	}
	from := 0
	for from < lastBin-1 && edges[from+1] <= age {
		from++
	}

	// Expected cost from the beginning of bin i on: held since age, none there, or made ahead.
	beyond := weight[lastBin]
	held, none, made := worth*beyond, worth*beyond, worth*beyond
	// What follows from the current edge on, found while going back.
	var hold, wake [binCount]bool
	for i := lastBin - 1; i >= from; i-- {
		begin := max(edges[i], age)
		end := edges[i+1]
		memory := gb * (end - begin) * (beyond + weight[i]/2)
		// At end: may an environment that is held stay?
		hold[i+1] = end-age < least || (end-age <= most && held <= none)
		heldOn := none
		if hold[i+1] {
			heldOn = held
		}
		wake[i+1] = ahead && made+aheadShare*worth*beyond < none
		noneOn := none
		if wake[i+1] {
			noneOn = made + aheadShare*worth*beyond
		}
		held = memory + heldOn
		made = memory + min(made, none)
		none = worth*weight[i] + noneOn
		beyond += weight[i]
	}
	var c choice
	i := from
	if held <= none || least > 0 {
		for i++; i < lastBin && hold[i]; i++ {
		}
		c.keep = min(edges[i]-age, most)
	}
	for i++; i < lastBin; i++ {
		if wake[i] {
			c.ahead = edges[i] - age
			break
		}
	}
	return c
}

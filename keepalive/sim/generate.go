package sim

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// GenerateOptions say how large a synthetic trace is.
type GenerateOptions struct {
	// Functions and Days are its size; 0 means 1000 and 1.
	Functions, Days int
	// Seed makes it repeatable: the same options give the same trace.
	Seed uint64
}

// Published statistics of the Azure Functions trace: Shahrad et al., "Serverless in the Wild: Characterizing and
// Optimizing the Serverless Workload at a Large Cloud Provider", USENIX ATC 2020, section 3.
const (
	hourlyShare  = 0.45  // of functions are invoked at most once per hour, on average
	minutelyBy   = 0.81  // of functions are invoked at most once per minute
	popularShare = 0.996 // of invocations belong to the others

	durationMu, durationSigma    = -0.38, 2.36 // log-normal average execution time, in seconds
	burrC, burrK, burrLambda     = 11.652, 0.221, 107.083
	singleFunctionApps, tenByApp = 0.54, 0.95 // of applications have one function, at most ten
)

// triggerShares is the mix of triggers by functions.
var triggerShares = []struct {
	name  string
	share float64
}{
	{"http", 0.550}, {"timer", 0.156}, {"queue", 0.152}, {"orchestration", 0.069}, {"storage", 0.028}, {"event", 0.022},
	{"others", 0.023},
}

// What the publication does not say in numbers, and is assumed here.
var (
	// timerPeriods are the periods of timers and their shares.
	timerPeriods = []struct {
		every time.Duration
		share float64
	}{
		{time.Minute, 0.15}, {5 * time.Minute, 0.30}, {10 * time.Minute, 0.10}, {15 * time.Minute, 0.15},
		{30 * time.Minute, 0.08}, {time.Hour, 0.15}, {24 * time.Hour, 0.07},
	}
	// Of functions without a timer, one in ten is called at regular intervals (sensors, probes), one in two by many
	// independent users (a coefficient of variation of about one), the others in sessions (above one).
	regularShare, independentShare = 0.1, 0.5
	// dayNight is how far the rate swings around its mean over a day.
	dayNight = 0.4
	// maxMeanConcurrency bounds the mean concurrency of one function. How execution time and popularity go together is
	// not published; drawn independently, a dozen functions out of a thousand would need thousands of environments.
	maxMeanConcurrency = 10.0
	// executionSigma is the spread of one function's execution times around their median.
	executionSigma = 0.5
)

// Generate makes a trace with the published statistics.
func Generate(ctx context.Context, o GenerateOptions) (*Trace, error) {
	if o.Functions == 0 {
		o.Functions = 1000
	}
	if o.Days == 0 {
		o.Days = 1
	}
	if o.Functions < 1 || o.Functions > maxFunctions || o.Days < 1 || o.Days > maxDays {
		return nil, fmt.Errorf("generate %d functions over %d days: want 1 to %d and 1 to %d", o.Functions, o.Days, maxFunctions, maxDays)
	}
	t := &Trace{Minutes: o.Days * minutesPerDay, Functions: make([]Function, o.Functions)}
	g := &generator{rng: rand.New(rand.NewPCG(o.Seed, 0))}
	g.describe(t)
	for i := range t.Functions {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		g.rng = rand.New(rand.NewPCG(o.Seed, uint64(i)+1))
		g.limit(&t.Functions[i], g.rates[i])
		g.invoke(&t.Functions[i], t.Minutes, g.rates[i], g.periods[i])
	}
	return t, nil
}

// generator is the state of Generate.
type generator struct {
	rng     *rand.Rand
	rates   []float64 // invocations per day; 0 for timers
	periods []time.Duration
}

// describe gives every function its names, trigger, rate or period, execution time and memory.
func (g *generator) describe(t *Trace) {
	n := len(t.Functions)
	g.rates, g.periods = make([]float64, n), make([]time.Duration, n)
	var timers []int
	var others []int
	left := 0
	app, memory := "", 0.0
	for i := range t.Functions {
		f := &t.Functions[i]
		if left == 0 {
			left = g.appSize()
			app, memory = fmt.Sprintf("app%05d", i), g.memory()
		}
		left--
		f.Owner, f.App, f.Name = "owner-"+app, app, fmt.Sprintf("function%05d", i)
		f.MemoryMB = memory
		f.Durations = g.durations()
	}
	triggers := spreadShares(n, len(triggerShares), func(i int) float64 { return triggerShares[i].share })
	g.rng.Shuffle(n, func(i, j int) { triggers[i], triggers[j] = triggers[j], triggers[i] })
	for i := range t.Functions {
		f := &t.Functions[i]
		f.Trigger = triggerShares[triggers[i]].name
		if f.Trigger == "timer" {
			timers = append(timers, i)
		} else {
			others = append(others, i)
		}
	}
	periods := spreadShares(len(timers), len(timerPeriods), func(i int) float64 { return timerPeriods[i].share })
	rare, often := 0, 0 // timers at most once an hour, and more often
	for i, p := range periods {
		g.periods[timers[i]] = timerPeriods[p].every
		if timerPeriods[p].every >= time.Hour {
			rare++
		} else {
			often++
		}
	}
	g.rate(others, hourlyShare*float64(n)-float64(rare), minutelyBy*float64(n)-float64(rare+often), float64(n))
}

// rate gives functions without a timer their invocations per day, so that with the timers the shares come out: the
// first hourly of them up to 24, those up to minutely between 24 and 1440, the others above. Within each class the
// logarithm is spread evenly, and the top is where the popular have their share of all.
func (g *generator) rate(functions []int, hourly, minutely, n float64) {
	g.rng.Shuffle(len(functions), func(i, j int) { functions[i], functions[j] = functions[j], functions[i] })
	spread := func(lo, hi, at float64) float64 { return lo * math.Pow(hi/lo, at) }
	sum := 0.0
	for _, p := range g.periods {
		if p > 0 {
			sum += float64(24 * time.Hour / p)
		}
	}
	popular := len(functions)
	for i, f := range functions {
		switch x := float64(i) + 0.5; {
		case x < hourly:
			g.rates[f] = spread(1, 24, x/hourly)
		case x < minutely:
			g.rates[f] = spread(24, 1440, (x-hourly)/(minutely-hourly))
		default:
			popular = min(popular, i)
			continue
		}
		sum += g.rates[f]
	}
	if popular == len(functions) {
		return
	}
	want := sum * popularShare / (1 - popularShare) / float64(len(functions)-popular)
	lo, hi := 1441.0, 1e9
	for range 100 {
		top := math.Sqrt(lo * hi)
		if mean := (top - 1440) / math.Log(top/1440); mean < want {
			lo = top
		} else {
			hi = top
		}
	}
	for i, f := range functions[popular:] {
		g.rates[f] = spread(1440, hi, (float64(i)+0.5)/float64(len(functions)-popular))
	}
}

// spreadShares returns n choices in which each of kinds has its share.
func spreadShares(n, kinds int, share func(int) float64) []int {
	out := make([]int, 0, n)
	sum := 0.0
	for kind := range kinds {
		sum += share(kind)
		for len(out) < n && (float64(len(out))+0.5)/float64(n) < sum {
			out = append(out, kind)
		}
	}
	for len(out) < n {
		out = append(out, kinds-1)
	}
	return out
}

// appSize is the number of functions of an application.
func (g *generator) appSize() int {
	switch u := g.rng.Float64(); {
	case u < singleFunctionApps:
		return 1
	case u < tenByApp:
		return 2 + g.rng.IntN(9)
	}
	return 11 + g.rng.IntN(20)
}

// memory is an application's memory in MB, by the inverse of the Burr distribution.
func (g *generator) memory() float64 {
	u := g.rng.Float64()
	return min(burrLambda*math.Pow(math.Pow(1-u, -1/burrK)-1, 1/burrC), 10240)
}

// durations are percentiles of one function's execution time, in milliseconds, at most Lambda's 15 minutes.
func (g *generator) durations() (d [7]float64) {
	average := 1000 * math.Exp(durationMu+durationSigma*g.rng.NormFloat64())
	median := average / math.Exp(executionSigma*executionSigma/2)
	for i, z := range [7]float64{-3, -2.326, -0.674, 0, 0.674, 2.326, 3.5} {
		d[i] = min(max(1, median*math.Exp(executionSigma*z)), 900_000)
	}
	return d
}

// limit shortens the execution time of a function whose mean concurrency would be above maxMeanConcurrency.
func (g *generator) limit(f *Function, perDay float64) {
	if mean := perDay / (24 * 3600_000) * f.Durations[3]; mean > maxMeanConcurrency {
		for i := range f.Durations {
			f.Durations[i] = max(1, f.Durations[i]*maxMeanConcurrency/mean)
		}
	}
}

// invoke fills in f.Counts.
func (g *generator) invoke(f *Function, minutes int, perDay float64, period time.Duration) {
	counts := make([]int32, minutes)
	add := func(minute float64, n int) {
		if m := int(minute); m >= 0 && m < minutes {
			counts[m] = int32(min(maxCount, int(counts[m])+n))
		}
	}
	u := g.rng.Float64()
	switch {
	case period > 0:
		g.regular(minutes, period.Minutes(), 0, add)
	case u < regularShare:
		g.regular(minutes, minutesPerDay/perDay, 0.02, add)
	case u < regularShare+independentShare:
		g.independent(minutes, perDay, add)
	default:
		g.sessions(minutes, perDay, add)
	}
	for m, n := range counts {
		if n > 0 {
			f.Counts = append(f.Counts, Count{int32(m), n})
		}
	}
}

// regular invokes every so many minutes, from a random phase on, with a relative jitter.
func (g *generator) regular(minutes int, every, jitter float64, add func(float64, int)) {
	for at := g.rng.Float64() * every; at < float64(minutes); at += every * (1 + jitter*g.rng.NormFloat64()) {
		add(at, 1)
	}
}

// independent invokes as many independent users do: a Poisson process whose rate follows the day.
func (g *generator) independent(minutes int, perDay float64, add func(float64, int)) {
	for m := range minutes {
		add(float64(m), g.poisson(perDay/minutesPerDay*daytime(float64(m))))
	}
}

// sessions invokes in sessions of several calls that follow each other within seconds to minutes. Popular functions
// have larger ones.
func (g *generator) sessions(minutes int, perDay float64, add func(float64, int)) {
	size := 3 * math.Pow(max(10, math.Sqrt(perDay))/3, g.rng.Float64())
	length := 0.5 * math.Pow(60, g.rng.Float64()) // minutes
	perMinute := perDay / size / minutesPerDay
	for m := range minutes {
		for range g.poisson(perMinute * daytime(float64(m))) {
			at := float64(m) + g.rng.Float64()
			for calls := g.rng.ExpFloat64() * size; calls > g.rng.Float64(); calls-- {
				add(at, 1)
				at += g.rng.ExpFloat64() * length / size
			}
		}
	}
}

// daytime is how busy a minute is, 1 on average.
func daytime(minute float64) float64 {
	return 1 - dayNight*math.Cos(2*math.Pi*minute/minutesPerDay)
}

// poisson draws from a Poisson distribution.
func (g *generator) poisson(mean float64) int {
	if mean > 50 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*g.rng.NormFloat64())))
	}
	n := -1
	for sum := 0.0; sum < mean; n++ {
		sum += g.rng.ExpFloat64()
	}
	return max(0, n)
}

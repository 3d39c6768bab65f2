package keepalive_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"thaw.dev/thaw/keepalive"
)

var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func key(i int) keepalive.Key {
	return keepalive.Key{Account: "000000000000", Function: "function-" + strconv.Itoa(i), Version: "$LATEST"}
}

func options() keepalive.Options {
	return keepalive.Options{Min: time.Minute, Max: 24 * time.Hour, Cost: 150 * time.Millisecond, Bytes: 40_000_000}
}

// use runs one invocation of 10 ms and returns the plan after it.
func use(p *keepalive.Policy, k keepalive.Key, at time.Time) keepalive.Plan {
	p.Arrived(k, at)
	return p.Idle(k, at.Add(10*time.Millisecond))
}

func TestUnknownFunctionIsHeldForWhatItsColdStartIsWorth(t *testing.T) {
	t.Parallel()
	p := keepalive.New(options())
	plan := use(p, key(1), start)
	// 160 GB·s per second × 0.15 s ÷ 0.04 GB
	if plan.Keep.Round(time.Second) != 10*time.Minute || plan.Prewarm != 0 || plan.Reason != keepalive.ReasonWorth {
		t.Errorf("plan is %+v, want ten minutes", plan)
	}
	p.Started(key(2), 75*time.Millisecond, 80_000_000)
	if plan := use(p, key(2), start); plan.Keep.Round(time.Second) != 150*time.Second {
		t.Errorf("half the cost and twice the memory: plan is %+v, want a quarter", plan)
	}
	p.Started(key(3), time.Minute, 1<<20)
	if plan := use(p, key(3), start); plan.Keep != 24*time.Hour {
		t.Errorf("plan is %+v, want the maximum", plan)
	}
	p.Started(key(4), time.Microsecond, 1<<40)
	if plan := use(p, key(4), start); plan.Keep != time.Minute {
		t.Errorf("plan is %+v, want the minimum", plan)
	}
}

// regular uses k every so often and returns the last plan.
func regular(p *keepalive.Policy, k keepalive.Key, every time.Duration, times int) (plan keepalive.Plan, at time.Time) {
	at = start
	for range times {
		plan = use(p, k, at)
		at = at.Add(every)
	}
	return plan, at
}

func TestFrequentFunctionIsHeldUntilItsNextUse(t *testing.T) {
	t.Parallel()
	plan, _ := regular(keepalive.New(options()), key(1), 100*time.Second, 20)
	if plan.Keep < 100*time.Second || plan.Keep > 2*time.Minute || plan.Reason != keepalive.ReasonExpected {
		t.Errorf("used every 100 s: plan is %+v", plan)
	}
}

func TestHourlyFunctionIsMadeAhead(t *testing.T) {
	t.Parallel()
	p := keepalive.New(options())
	plan, next := regular(p, key(1), time.Hour, 6)
	if plan.Keep != time.Minute || plan.Reason != keepalive.ReasonAhead {
		t.Errorf("used every hour: plan is %+v, want the least keep and a start ahead", plan)
	}
	if plan.Prewarm < 45*time.Minute || plan.Prewarm >= time.Hour {
		t.Fatalf("made again after %v, want shortly before an hour", plan.Prewarm)
	}
	made := next.Add(-time.Hour).Add(plan.Prewarm)
	plan = p.Prewarmed(key(1), made)
	if end := made.Add(plan.Keep); end.Before(next) || end.Sub(next) > 20*time.Minute {
		t.Errorf("the environment made at %v is held until %v, the next use is at %v", made, end, next)
	}
}

func TestOvertakenPrewarmIsKeptForTheMinimum(t *testing.T) {
	t.Parallel()
	p := keepalive.New(options())
	_, next := regular(p, key(1), time.Hour, 6)
	p.Arrived(key(1), next)
	if plan := p.Prewarmed(key(1), next.Add(time.Second)); plan.Keep != time.Minute || plan.Reason != keepalive.ReasonLate {
		t.Errorf("plan is %+v", plan)
	}
}

func TestRareFunctionIsLetGo(t *testing.T) {
	t.Parallel()
	p := keepalive.New(options())
	at, rng := start, rand.New(rand.NewPCG(1, 1))
	var plan keepalive.Plan
	for range 40 {
		plan = use(p, key(1), at)
		at = at.Add(6*time.Hour + time.Duration(rng.Int64N(int64(20*time.Hour))))
	}
	if plan.Keep != time.Minute || plan.Prewarm != 0 || plan.Reason != keepalive.ReasonRare {
		t.Errorf("used every 16 h: plan is %+v, want the minimum", plan)
	}
}

func TestLevelsAreToldApart(t *testing.T) {
	t.Parallel()
	p := keepalive.New(options())
	at := start
	var first, second keepalive.Plan
	for i := range 200 {
		p.Arrived(key(1), at)
		if i%50 == 0 { // every 100 minutes two at once
			p.Arrived(key(1), at)
			second = p.Idle(key(1), at.Add(time.Second))
		}
		first = p.Idle(key(1), at.Add(2*time.Second))
		at = at.Add(2 * time.Minute)
	}
	if first.Keep < 118*time.Second || first.Keep > 3*time.Minute {
		t.Errorf("level 1, needed every 2 min: plan is %+v", first)
	}
	if second.Prewarm != 0 {
		t.Errorf("level 2 is made ahead: %+v", second)
	}
	for range 10 { // by now, gaps of level 2 are known
		at = at.Add(100 * time.Minute)
		p.Arrived(key(1), at)
		p.Arrived(key(1), at)
		second = p.Idle(key(1), at.Add(time.Second))
		p.Idle(key(1), at.Add(2*time.Second))
	}
	if second.Keep != time.Minute || second.Reason != keepalive.ReasonRare {
		t.Errorf("level 2, needed every 100 min: plan is %+v, want the minimum", second)
	}
}

func TestLostEndsAnInvocation(t *testing.T) {
	t.Parallel()
	p := keepalive.New(options())
	at := start
	for range 30 { // if Lost did not count, every use would be on a level of its own, with no gap ever
		p.Arrived(key(1), at)
		p.Lost(key(1), at)
		at = at.Add(100 * time.Second)
	}
	if plan := use(p, key(1), at); plan.Reason != keepalive.ReasonExpected {
		t.Errorf("plan is %+v, want one from 30 gaps", plan)
	}
}

func TestMaxZeroKeepsNone(t *testing.T) {
	t.Parallel()
	p := keepalive.New(keepalive.Options{Min: time.Minute})
	plan, at := regular(p, key(1), time.Hour, 10)
	if plan.Keep != 0 || plan.Prewarm != 0 || plan.Reason != keepalive.ReasonNone {
		t.Errorf("plan is %+v", plan)
	}
	if plan := p.Prewarmed(key(1), at); plan.Keep != 0 {
		t.Errorf("plan of one made ahead is %+v", plan)
	}
}

func TestForgetForgets(t *testing.T) {
	t.Parallel()
	p := keepalive.New(options())
	regular(p, key(1), time.Hour, 10)
	p.Forget(key(1))
	if p.Len() != 0 {
		t.Errorf("%d keys are known", p.Len())
	}
	if plan := use(p, key(1), start.Add(time.Hour)); plan.Reason != keepalive.ReasonWorth {
		t.Errorf("plan is %+v", plan)
	}
}

// TestPlansStayWithinBounds drives the policy with nonsense: calls in any order, a clock that jumps.
func TestPlansStayWithinBounds(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 0))
		o := keepalive.Options{
			Min: time.Duration(rng.Int64N(int64(time.Hour))), Max: time.Duration(rng.Int64N(int64(3 * time.Hour))),
			Exchange: 1000 * rng.Float64(),
		}
		p := keepalive.New(o)
		at := start
		for range 2000 {
			k := key(rng.IntN(4))
			at = at.Add(time.Duration(rng.ExpFloat64() * float64(10*time.Minute)))
			if rng.IntN(50) == 0 {
				at = at.Add(-time.Hour)
			}
			var plan keepalive.Plan
			switch rng.IntN(8) {
			case 0:
				p.Started(k, time.Duration(rng.Int64N(int64(time.Second))), rng.Int64N(1<<30))
				continue
			case 1:
				plan = p.Prewarmed(k, at)
			case 2:
				p.Lost(k, at)
				continue
			case 3, 4, 5:
				p.Arrived(k, at)
				continue
			default:
				plan = p.Idle(k, at)
			}
			if plan.Keep < min(o.Min, o.Max) || plan.Keep > o.Max {
				t.Fatalf("seed %d: kept for %v, bounds are %v and %v", seed, plan.Keep, o.Min, o.Max)
			}
			if plan.Prewarm != 0 && plan.Prewarm <= plan.Keep {
				t.Fatalf("seed %d: made again at %v although kept until %v", seed, plan.Prewarm, plan.Keep)
			}
			if plan.Reason == "" {
				t.Fatalf("seed %d: no reason", seed)
			}
		}
	}
}

func TestPriorityIsGreedyDualSizeFrequency(t *testing.T) {
	t.Parallel()
	p := keepalive.New(options())
	p.Started(key(1), 100*time.Millisecond, 100_000_000)
	p.Started(key(2), 200*time.Millisecond, 100_000_000)
	p.Started(key(3), 100*time.Millisecond, 50_000_000)
	for i := 1; i <= 3; i++ {
		use(p, key(i), start)
	}
	if p.Priority(key(1)) >= p.Priority(key(2)) {
		t.Error("a dear cold start must rank above a cheap one")
	}
	if p.Priority(key(1)) >= p.Priority(key(3)) {
		t.Error("a small environment must rank above a large one")
	}
	before := p.Priority(key(1))
	use(p, key(1), start)
	if twice := p.Priority(key(1)); twice != 2*before {
		t.Errorf("used twice: priority is %v, want twice %v", twice, before)
	}
	old := p.Priority(key(2))
	p.Evicted(old)
	use(p, key(4), start)
	if p.Priority(key(4)) <= old {
		t.Error("what is used after an eviction must rank above what was evicted")
	}
	p.Evicted(old / 2)
	if p.Priority(key(4)) <= old {
		t.Error("the clock went back")
	}
}

func TestPriorityIsOfTheLevel(t *testing.T) {
	t.Parallel()
	p := keepalive.New(options())
	at := start
	for range 10 {
		use(p, key(1), at)
		at = at.Add(time.Second)
	}
	p.Arrived(key(1), at)
	p.Arrived(key(1), at)
	p.Idle(key(1), at)
	second := p.Priority(key(1))
	p.Idle(key(1), at)
	if first := p.Priority(key(1)); math.Abs(first-11*second) > 1e-4*first {
		t.Errorf("level 1, used 11 times: %v; level 2, used once: %v", first, second)
	}
}

func TestFrequencyFades(t *testing.T) {
	t.Parallel()
	p := keepalive.New(options())
	for range 1000 {
		use(p, key(1), start)
	}
	use(p, key(1), start.Add(24*time.Hour))
	use(p, key(2), start)
	if p.Priority(key(1)) > 1.01*p.Priority(key(2)) {
		t.Error("a thousand uses a day ago still count")
	}
}

func BenchmarkArrivedIdle(b *testing.B) {
	for _, c := range []struct {
		name string
		gap  time.Duration
	}{{"gap=1ms", time.Millisecond}, {"gap=1m", time.Minute}} {
		b.Run(c.name, func(b *testing.B) {
			const functions = 1000
			p := keepalive.New(options())
			keys := make([]keepalive.Key, functions)
			at := start
			for i := range keys {
				keys[i] = key(i)
			}
			for i := range 100 * functions {
				at = at.Add(c.gap / functions)
				use(p, keys[i%functions], at)
			}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				k := keys[i%functions]
				at = at.Add(c.gap / functions)
				p.Arrived(k, at)
				p.Idle(k, at)
				i++
			}
		})
	}
}

func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		p := keepalive.New(options())
		for i := range 100_000 {
			use(p, key(i), start)
		}
		b.ReportMetric(float64(p.Len()), "keys")
	}
	b.ReportAllocs()
}

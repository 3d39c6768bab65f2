package sim

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"
)

// constant is a function of 1 GB whose invocations take seconds each.
func constant(seconds float64, counts ...Count) Function {
	f := Function{Owner: "o", App: "a", Name: "f", Trigger: "http", MemoryMB: 1000, Counts: counts}
	for i := range f.Durations {
		f.Durations[i] = seconds * 1000
	}
	return f
}

func expanded(t *testing.T, tr *Trace, spread Spread) *Load {
	t.Helper()
	l, err := Expand(t.Context(), tr, spread, 1)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func simulated(t *testing.T, l *Load, c Candidate) *Outcome {
	t.Helper()
	o, err := Simulate(t.Context(), l, c, Defaults().Costs)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// small is a synthetic trace that is replayed in milliseconds.
func small(t *testing.T) *Trace {
	t.Helper()
	tr, err := Generate(t.Context(), GenerateOptions{Functions: 40, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	for i := range tr.Functions { // popular functions are for benchmarks
		for j := range tr.Functions[i].Counts {
			tr.Functions[i].Counts[j].N = min(tr.Functions[i].Counts[j].N, 20)
		}
	}
	return tr
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b)) }

// TestByHand replays what can be computed on paper: one invocation in the middle of minutes 0, 3 and 20, of 30 s each,
// with 1 GB and a keep-alive of 5 minutes.
func TestByHand(t *testing.T) {
	t.Parallel()
	tr := &Trace{Minutes: 60, Functions: []Function{constant(30, Count{0, 1}, Count{3, 1}, Count{20, 1})}}
	o := simulated(t, expanded(t, tr, SpreadEven), Candidate{Family: FamilyFixed, TTL: 5 * time.Minute})
	if o.Invocations != 3 || o.ColdStarts != 2 {
		t.Errorf("%d invocations, %d cold: want 3 and 2, minute 3 is warm", o.Invocations, o.ColdStarts)
	}
	// Idle from 1:00 to 3:30, from 4:00 to 9:00, from 21:00 to 26:00.
	if want := 150.0 + 300 + 300; !near(o.IdleGBs, want) {
		t.Errorf("idle %v GB·s, want %v", o.IdleGBs, want)
	}
	if want := 3 * 30.0; !near(o.BusyGBs, want) {
		t.Errorf("busy %v GB·s, want %v", o.BusyGBs, want)
	}
	if want := 2 * 0.15; !near(o.StartGBs, want) || !near(o.GBs, o.IdleGBs+o.BusyGBs+want) {
		t.Errorf("starts %v, all %v GB·s", o.StartGBs, o.GBs)
	}
}

func TestConcurrencyNeedsSeveralEnvironments(t *testing.T) {
	t.Parallel()
	// At 15 s and 45 s of minutes 0 and 2, 40 s each: two at once. The second of each minute ends at 85 s.
	tr := &Trace{Minutes: 10, Functions: []Function{constant(40, Count{0, 2}, Count{2, 2})}}
	o := simulated(t, expanded(t, tr, SpreadEven), Candidate{Family: FamilyFixed, TTL: time.Minute})
	// Level 1 runs from 15 s to 85 s and is needed again at 135 s: warm. Level 2 runs from 45 s to 55 s and is needed
	// again at 165 s: too late.
	if o.Invocations != 4 || o.ColdStarts != 3 {
		t.Errorf("%d invocations, %d cold: want 4 and 3", o.Invocations, o.ColdStarts)
	}
	if want := 2 * (70.0 + 10); !near(o.BusyGBs, want) {
		t.Errorf("busy %v GB·s, want %v", o.BusyGBs, want)
	}
	if want := 60 + 50 + 60 + 60.0; !near(o.IdleGBs, want) {
		t.Errorf("idle %v GB·s, want %v", o.IdleGBs, want)
	}
}

func TestHitsAndColdStartsAreAllInvocations(t *testing.T) {
	t.Parallel()
	l := expanded(t, small(t), SpreadRandom)
	var uses int64
	busy := 0
	for i, e := range l.Events {
		if i > 0 && e.At < l.Events[i-1].At {
			t.Fatalf("event %d is out of order", i)
		}
		uses += int64(e.Uses)
		if e.Uses > 0 {
			busy++
		} else if busy--; busy < 0 {
			t.Fatalf("event %d ends what never began", i)
		}
	}
	if uses != l.Trace.Invocations() || busy != 0 {
		t.Errorf("events stand for %d invocations, the trace has %d; %d never end", uses, l.Trace.Invocations(), busy)
	}
	starts := int64(0)
	for _, e := range l.Events {
		if e.Uses > 0 {
			starts++
		}
	}
	for _, c := range []Candidate{
		{Family: FamilyFixed, TTL: Reference}, {Family: FamilyLRU, BudgetGB: 5}, {Family: FamilyGreedyDual, BudgetGB: 5},
		{Family: FamilyThaw, Exchange: 640},
	} {
		o := simulated(t, l, c)
		if o.Invocations != uses || o.ColdStarts < 1 || o.ColdStarts > starts {
			t.Errorf("%s: %d invocations, %d cold of %d possible", o.Policy, o.Invocations, o.ColdStarts, starts)
		}
		if first := simulated(t, l, Candidate{Family: FamilyFixed, TTL: Reference}); !near(o.BusyGBs, first.BusyGBs) {
			t.Errorf("%s: invocations hold %v GB·s, under another policy %v", o.Policy, o.BusyGBs, first.BusyGBs)
		}
	}
}

func TestLongerKeepAliveHasFewerColdStarts(t *testing.T) {
	t.Parallel()
	l := expanded(t, small(t), SpreadRandom)
	var last *Outcome
	for _, ttl := range []time.Duration{10 * time.Second, time.Minute, 10 * time.Minute, time.Hour, 48 * time.Hour} {
		o := simulated(t, l, Candidate{Family: FamilyFixed, TTL: ttl})
		if last != nil && (o.ColdStarts > last.ColdStarts || o.IdleGBs < last.IdleGBs) {
			t.Errorf("%s: %d cold starts, %v GB·s idle; shorter: %d, %v", o.Policy, o.ColdStarts, o.IdleGBs, last.ColdStarts, last.IdleGBs)
		}
		last = o
	}
}

func TestBudgetIsKept(t *testing.T) {
	t.Parallel()
	// Ten functions of 1 GB in turn, each every ten minutes; five fit.
	tr := &Trace{Minutes: 200}
	for i := range 10 {
		f := constant(1)
		for m := i; m < 200; m += 10 {
			f.Counts = append(f.Counts, Count{int32(m), 1})
		}
		tr.Functions = append(tr.Functions, f)
	}
	l := expanded(t, tr, SpreadEven)
	o := simulated(t, l, Candidate{Family: FamilyLRU, BudgetGB: 5})
	if o.ColdStarts != o.Invocations {
		t.Errorf("%d cold of %d: the least recently used is always the one needed next", o.ColdStarts, o.Invocations)
	}
	if most := 5.0 * 200 * 60; o.IdleGBs+o.BusyGBs > most {
		t.Errorf("%v GB·s held, more than the budget of %v", o.IdleGBs+o.BusyGBs, most)
	}
	if o := simulated(t, l, Candidate{Family: FamilyLRU, BudgetGB: 10}); o.ColdStarts != 10 {
		t.Errorf("%d cold although all fit", o.ColdStarts)
	}
}

func TestSameSeedSameEvents(t *testing.T) {
	t.Parallel()
	a, b := expanded(t, small(t), SpreadRandom), expanded(t, small(t), SpreadRandom)
	if !slices.Equal(a.Events, b.Events) {
		t.Error("events differ")
	}
	c, err := Expand(t.Context(), small(t), SpreadRandom, 2)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Equal(a.Events, c.Events) {
		t.Error("another seed gives the same events")
	}
}

func TestPolicyBeatsFixedKeepAliveOnTimers(t *testing.T) {
	t.Parallel()
	tr := &Trace{Minutes: 2 * minutesPerDay}
	for i := range 60 {
		f := constant(1)
		for m := i; m < tr.Minutes; m += 60 {
			f.Counts = append(f.Counts, Count{int32(m), 1})
		}
		tr.Functions = append(tr.Functions, f)
	}
	l := expanded(t, tr, SpreadRandom)
	fixed := simulated(t, l, Candidate{Family: FamilyFixed, TTL: Reference})
	ours := simulated(t, l, Candidate{Family: FamilyThaw, Exchange: 4000})
	if fixed.ColdStarts != fixed.Invocations {
		t.Fatalf("fixed: %d cold of %d, want all", fixed.ColdStarts, fixed.Invocations)
	}
	if ours.ColdStarts*5 > fixed.ColdStarts || ours.GBs > fixed.GBs || ours.Prewarms == 0 {
		t.Errorf("ours: %d cold, %v GB·s, %d made ahead; fixed: %d, %v", ours.ColdStarts, ours.GBs, ours.Prewarms, fixed.ColdStarts, fixed.GBs)
	}
}

// TestPromisedRatio is the promise of docs/decisions/0010-keep-alive.md, on a synthetic trace with a fifth of the
// functions and twice the days of the one there.
func TestPromisedRatio(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("replays some ten million invocations")
	}
	tr, err := Generate(t.Context(), GenerateOptions{Functions: 200, Days: 4, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	o := Defaults()
	o.TTLs, o.Exchanges, o.BudgetsGB = nil, []float64{1280, 1800}, []float64{-1}
	c, err := Compare(t.Context(), expanded(t, tr, SpreadRandom), o)
	if err != nil {
		t.Fatal(err)
	}
	ratio, ok := c.Ratios[FamilyThaw]
	if !ok || ratio > 0.6 {
		t.Errorf("cold rate ÷ fixed 10 min at equal GB·s is %.2f, promised at most 0.6", ratio)
	}
	t.Logf("ratio %.3f", ratio)
}

func TestRateAt(t *testing.T) {
	t.Parallel()
	curve := []*Outcome{{GBs: 10, ColdRate: 0.4}, {GBs: 20, ColdRate: 0.2}, {GBs: 40, ColdRate: 0.1}}
	for _, c := range []struct {
		gbs, want float64
		ok        bool
	}{{10, 0.4, true}, {15, 0.3, true}, {20, 0.2, true}, {30, 0.15, true}, {40, 0.1, true}, {9, 0, false}, {41, 0, false}} {
		if got, ok := rateAt(curve, c.gbs); ok != c.ok || !near(got, c.want) {
			t.Errorf("at %v GB·s: %v %v, want %v %v", c.gbs, got, ok, c.want, c.ok)
		}
	}
}

func TestCancelledReplayEnds(t *testing.T) {
	t.Parallel()
	l := expanded(t, small(t), SpreadRandom)
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	cancel(stopped)
	if _, err := Compare(ctx, l, Defaults()); !errors.Is(err, stopped) {
		t.Errorf("Compare returned %v", err)
	}
	if _, err := Expand(ctx, l.Trace, SpreadRandom, 1); !errors.Is(err, stopped) {
		t.Errorf("Expand returned %v", err)
	}
}

func BenchmarkSimulate(b *testing.B) {
	tr, err := Generate(b.Context(), GenerateOptions{Functions: 100})
	if err != nil {
		b.Fatal(err)
	}
	l, err := Expand(b.Context(), tr, SpreadRandom, 1)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []Candidate{
		{Family: FamilyFixed, TTL: Reference}, {Family: FamilyLRU, BudgetGB: 30}, {Family: FamilyGreedyDual, BudgetGB: 30},
		{Family: FamilyThaw, Exchange: 1280},
	} {
		b.Run("policy="+string(c.Family), func(b *testing.B) {
			for b.Loop() {
				if _, err := Simulate(b.Context(), l, c, Defaults().Costs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(l.Events)), "ns/event")
		})
	}
}

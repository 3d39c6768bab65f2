package sim

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// Reference is the keep-alive that policies are compared with.
const Reference = 10 * time.Minute

// Options say which policies Compare replays.
type Options struct {
	Costs
	// TTLs are those of FamilyFixed; Reference is added.
	TTLs []time.Duration
	// Exchanges are those of FamilyThaw, in GB·s per second of cold start.
	Exchanges []float64
	// BudgetsGB are those of FamilyLRU and FamilyGreedyDual. Empty: the mean memory that those of TTLs held that are not
	// far from Reference.
	BudgetsGB []float64
	// Progress, if not nil, is told of each policy when it is done.
	Progress func(*Outcome)
}

// Defaults is a comparison with cold starts of 150 ms, as of Python without a slot that waits.
func Defaults() Options {
	return Options{
		Costs: Costs{Cold: 150 * time.Millisecond, Min: time.Second, Max: 24 * time.Hour},
		TTLs: []time.Duration{
			time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute, time.Hour,
		},
		Exchanges: []float64{40, 160, 640, 1280, 1800, 2560},
	}
}

// Comparison is what all policies made of a trace.
type Comparison struct {
	Functions   int   `json:"functions"`
	Minutes     int   `json:"minutes"`
	Invocations int64 `json:"invocations"`
	// Outcomes by family, then by memory held.
	Outcomes []*Outcome `json:"outcomes"`
	// Ratios are cold rate ÷ that of a fixed keep-alive of ten minutes at the same GB·s, by family; a family whose
	// curve does not reach that memory is missing.
	Ratios map[Family]float64 `json:"ratios"`
}

// Compare replays l with every policy of o.
func Compare(ctx context.Context, l *Load, o Options) (*Comparison, error) {
	if !slices.Contains(o.TTLs, Reference) {
		o.TTLs = append(slices.Clone(o.TTLs), Reference)
	}
	var first, second []Candidate
	for _, ttl := range o.TTLs {
		first = append(first, Candidate{Family: FamilyFixed, TTL: ttl})
	}
	for _, x := range o.Exchanges {
		first = append(first, Candidate{Family: FamilyThaw, Exchange: x})
	}
	outcomes, err := simulateAll(ctx, l, first, o)
	if err != nil {
		return nil, err
	}
	budgets := o.BudgetsGB
	if len(budgets) == 0 {
		for _, out := range outcomes[:len(o.TTLs)] {
			if ttl := out.Candidate.TTL; Reference/5 <= ttl && ttl <= 3*Reference {
				budgets = append(budgets, out.GBs/(float64(l.Trace.Minutes)*60))
			}
		}
	}
	for _, gb := range budgets {
		if gb > 0 {
			second = append(second, Candidate{Family: FamilyLRU, BudgetGB: gb}, Candidate{Family: FamilyGreedyDual, BudgetGB: gb})
		}
	}
	more, err := simulateAll(ctx, l, second, o)
	if err != nil {
		return nil, err
	}
	c := &Comparison{
		Functions: len(l.Trace.Functions), Minutes: l.Trace.Minutes, Invocations: l.Invocations,
		Outcomes: append(outcomes, more...), Ratios: make(map[Family]float64),
	}
	slices.SortStableFunc(c.Outcomes, func(a, b *Outcome) int {
		return cmp.Or(cmp.Compare(order(a.Family), order(b.Family)), cmp.Compare(a.GBs, b.GBs))
	})
	c.compare()
	return c, nil
}

func order(f Family) int { return slices.Index(families, f) }

// simulateAll runs candidates side by side and returns their outcomes in the same order.
func simulateAll(ctx context.Context, l *Load, cs []Candidate, o Options) ([]*Outcome, error) {
	outcomes := make([]*Outcome, len(cs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, c := range cs {
		g.Go(func() error {
			out, err := Simulate(ctx, l, c, o.Costs)
			if err == nil && o.Progress != nil {
				o.Progress(out)
			}
			outcomes[i] = out
			return err
		})
	}
	return outcomes, g.Wait()
}

// compare fills in Ratios.
func (c *Comparison) compare() {
	i := slices.IndexFunc(c.Outcomes, func(o *Outcome) bool {
		return o.Family == FamilyFixed && o.Candidate.TTL == Reference
	})
	reference := c.Outcomes[i]
	for _, f := range []Family{FamilyLRU, FamilyGreedyDual, FamilyThaw} {
		if rate, ok := rateAt(c.Curve(f), reference.GBs); ok && reference.ColdRate > 0 {
			c.Ratios[f] = rate / reference.ColdRate
		}
	}
}

// Curve are the outcomes of a family, by memory held.
func (c *Comparison) Curve(f Family) []*Outcome {
	var curve []*Outcome
	for _, o := range c.Outcomes {
		if o.Family == f {
			curve = append(curve, o)
		}
	}
	return curve
}

// rateAt is the cold rate where a curve holds gbs, between two outcomes by a straight line: a host that treats a part of
// its functions one way and the others the other way lies there, so that the line promises nothing that cannot be had.
// It reports false if the curve does not reach that far.
func rateAt(curve []*Outcome, gbs float64) (float64, bool) {
	for i := 1; i < len(curve); i++ {
		a, b := curve[i-1], curve[i]
		if a.GBs <= gbs && gbs <= b.GBs && a.GBs < b.GBs {
			share := (gbs - a.GBs) / (b.GBs - a.GBs)
			return a.ColdRate + share*(b.ColdRate-a.ColdRate), true
		}
	}
	return 0, false
}

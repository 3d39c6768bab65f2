package sim

import "slices"

// Outcome is what one policy made of a trace.
type Outcome struct {
	Candidate   Candidate `json:"-"`
	Policy      string    `json:"policy"`
	Family      Family    `json:"family"`
	Invocations int64     `json:"invocations"`
	ColdStarts  int64     `json:"cold_starts"` // invocations that waited for one
	Prewarms    int64     `json:"prewarms"`    // environments made ahead, with nobody waiting
	// ColdRate is ColdStarts per invocation.
	ColdRate float64 `json:"cold_rate"`
	// GBs is the memory held: BusyGBs by invocations, IdleGBs by waiting environments, StartGBs during starts; in GB·s.
	GBs      float64 `json:"gbs"`
	BusyGBs  float64 `json:"busy_gbs"`
	IdleGBs  float64 `json:"idle_gbs"`
	StartGBs float64 `json:"start_gbs"`
	// P50 and P75 are percentiles of the functions' own cold rates, over functions that were invoked at all.
	P50 float64 `json:"function_cold_rate_p50"`
	P75 float64 `json:"function_cold_rate_p75"`
}

// finish fills in what follows from the counts; cold is cold starts by function.
func (o *Outcome) finish(c Candidate, l *Load, cold []int64) {
	o.Candidate, o.Policy, o.Family = c, c.Name(), c.Family
	o.GBs = o.BusyGBs + o.IdleGBs + o.StartGBs
	if o.Invocations == 0 {
		return
	}
	o.ColdRate = float64(o.ColdStarts) / float64(o.Invocations)
	rates := make([]float64, 0, len(cold))
	for i := range cold {
		if n := l.Trace.Functions[i].Invocations(); n > 0 {
			rates = append(rates, float64(cold[i])/float64(n))
		}
	}
	slices.Sort(rates)
	o.P50, o.P75 = rates[len(rates)/2], rates[len(rates)*3/4]
}

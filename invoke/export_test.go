package invoke

import (
	"context"
	"fmt"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/pool"
	"thaw.dev/thaw/telemetry"
)

// Admission is the part of an Invoker that counts.
type Admission struct{ a *admission }

func NewAdmission(s Shares) Admission { return Admission{newAdmission(s)} }

type Place struct{ p place }

func (a Admission) Enter(ctx context.Context, fn *lambda.Config) (Place, error) {
	p, err := a.a.enter(ctx, fn, time.Now(), true)
	return Place{p}, err
}

// EnterAt is Enter for a request that the rates bound, so long after the Admission was made.
func (a Admission) EnterAt(ctx context.Context, fn *lambda.Config, after time.Duration) (Place, error) {
	p, err := a.a.enter(ctx, fn, a.a.epoch.Add(after), false)
	return Place{p}, err
}

func (a Admission) Settle(p *Place) { a.a.settle(&p.p) }
func (a Admission) Leave(p *Place)  { a.a.leave(&p.p) }
func (a Admission) Counts() []Count { return a.a.counts() }

// Check returns what does not fit together in the counts.
func (a Admission) Check() error {
	a.a.mu.Lock()
	defer a.a.mu.Unlock()
	type sums struct{ charged, settling int }
	accounts := map[string]sums{}
	for key, f := range a.a.functions {
		s := accounts[key.account]
		running := 0
		for _, v := range f.versions {
			want := max(0, v.running-v.provisioned)
			if f.reserved {
				want = 0
			}
			if v.running <= 0 || v.charged != want {
				return fmt.Errorf("%v: version %+v, reserved %v", key, v, f.reserved)
			}
			running += v.running
			s.charged += v.charged
		}
		if running != f.used || f.settling < 0 || f.settling > f.used {
			return fmt.Errorf("%v: versions have %d running: %+v", key, running, f.gate)
		}
		s.settling += f.settling
		accounts[key.account] = s
	}
	for name, account := range a.a.accounts {
		if s := accounts[name]; s.charged != account.used || s.settling != account.settling {
			return fmt.Errorf("account %s: its functions have %+v, it has %+v", name, s, account)
		}
	}
	if len(a.a.functions) > 2*maxIdle && len(a.a.counts()) == 0 {
		return fmt.Errorf("%d functions are known, of which nothing runs", len(a.a.functions))
	}
	return nil
}

// Refusal is the error for a caller that the pool has no environment for.
func Refusal(err error) error { return refusal(err) }

// ReportLine is the REPORT line of the first invocation in env.
func ReportLine(env *pool.Environment, took time.Duration) string {
	r := telemetry.Report{RequestID: "the-id", Status: telemetry.Success}
	r.Metrics = telemetry.ReportMetrics{Duration: telemetry.Millis(took), MemoryMB: 128, PeakMB: 40}
	addColdStart(&r.Metrics, env)
	r.Metrics.Bill()
	return r.Text()
}

// PhasesOf are those of the first or a later invocation in env.
func PhasesOf(env *pool.Environment, first bool, took time.Duration) []Phase {
	return phases(env, first, took)
}

// Sampler decides about traces.
type Sampler struct{ s sampler }

// Trace is the header that a function gets, and the id of its own segment.
func (s *Sampler) Trace(header string, fn *lambda.Config, now time.Time) (sees, segment string) {
	t := s.s.trace(header, fn, now)
	return t.header, t.segment.ID
}

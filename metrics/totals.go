package metrics

import (
	"time"

	"thaw.dev/thaw/pool"
)

// Totals are the counts since the server's start, for programs that show rates. Every map holds each value of its label.
type Totals struct {
	Since           time.Time        `json:"since"`
	Hits            int64            `json:"hits"`             // idle environments taken
	HandOvers       int64            `json:"hand_overs"`       // environments that went straight to a waiting caller
	ColdStarts      map[string]int64 `json:"cold_starts"`      // by source, failed ones too
	ColdCauses      map[string]int64 `json:"cold_causes"`      // the same by cause
	ColdResults     map[string]int64 `json:"cold_results"`     // the same by result
	Destroyed       map[string]int64 `json:"destroyed"`        // environments, by cause
	Freezes         int64            `json:"freezes"`          // environments frozen
	Thaws           int64            `json:"thaws"`            // environments thawed
	Refused         map[string]int64 `json:"refused"`          // callers refused by the pool, by cause
	Snapshots       map[string]int64 `json:"snapshots"`        // function snapshots made, by result
	Invocations     map[string]int64 `json:"invocations"`      // by outcome
	ThrottleReasons map[string]int64 `json:"throttle_reasons"` // throttled invocations, by Lambda's reason
}

// Totals returns the counts at this moment. Counts that belong together may differ by what happens meanwhile.
func (m *Metrics) Totals() Totals {
	return Totals{
		Since:           m.since,
		Hits:            m.hits.Load(),
		HandOvers:       m.handOvers.Load(),
		ColdStarts:      m.coldStarts.by(0),
		ColdCauses:      m.coldStarts.by(1),
		ColdResults:     m.coldStarts.by(2),
		Destroyed:       m.destroyed.by(0),
		Freezes:         m.freezes.Load(),
		Thaws:           m.thaws.cell[0].count(),
		Refused:         m.refused.by(0),
		Snapshots:       m.snapshots.by(0),
		Invocations:     m.invocations.by(0),
		ThrottleReasons: m.throttles.by(0),
	}
}

// Misses is how many callers found no idle environment: cold starts that provisioned concurrency, prewarming and
// snapshots did not ask for.
func (t *Totals) Misses() int64 {
	n := int64(0)
	for cause, count := range t.ColdCauses {
		switch pool.Cause(cause) {
		case pool.CauseProvisioned, pool.CausePrewarm, pool.CauseSnapshot:
		default:
			n += count
		}
	}
	return n
}

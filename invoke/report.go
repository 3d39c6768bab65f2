package invoke

import (
	"time"

	"thaw.dev/thaw/pool"
	"thaw.dev/thaw/telemetry"
)

// addColdStart adds to a report the cold start of an environment that serves for the first time, also if it was started
// ahead: for provisioned concurrency Lambda shows and bills the init with the first invocation, too. A failed init has a
// report of its own.
func addColdStart(m *telemetry.ReportMetrics, env *pool.Environment) {
	switch {
	case env.InitFailure != nil:
	case env.Source == pool.SourceSnapshot:
		m.Restore = telemetry.Millis(env.Cold.Init)
	default:
		m.Init = telemetry.Millis(env.Cold.Init)
	}
}

// phases are what the caller waited for: those of the cold start if the environment is new and was not started ahead,
// thawing it if it was frozen, and the invocation itself.
func phases(env *pool.Environment, first bool, invoked time.Duration) []Phase {
	var all []Phase
	if first && !env.Provisioned && env.InitFailure == nil {
		all = []Phase{
			{Name: PhasePlace, Duration: env.Cold.Place, Source: string(env.Source)},
			{Name: PhaseCode, Duration: env.Cold.Code},
			{Name: PhaseInit, Duration: env.Cold.Init},
		}
	}
	if env.Thawed > 0 {
		all = append(all, Phase{Name: PhaseThaw, Duration: env.Thawed})
	}
	return append(all, Phase{Name: PhaseInvoke, Duration: invoked})
}

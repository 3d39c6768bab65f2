package metrics

import (
	"sync/atomic"
	"time"

	"thaw.dev/thaw/pool"
)

// Values of labels. Lists of what others report end with "other".
var (
	sources     = values{string(pool.SourceHot), string(pool.SourceSnapshot), string(pool.SourceEmpty), string(pool.SourceNone), other}
	coldCauses  = values{string(pool.CauseRequest), string(pool.CauseProvisioned), string(pool.CausePrewarm), string(pool.CauseSnapshot), other}
	endCauses   = values{string(pool.CauseKeepAlive), string(pool.CauseOutdated), string(pool.CauseEvicted), string(pool.CauseRetired), string(pool.CauseBroken), string(pool.CauseDied), string(pool.CauseShutdown), other}
	results     = values{resultOK, resultFailed}
	phases      = values{"place", "code", "init"}
	slotKinds   = values{string(pool.SourceHot), string(pool.SourceEmpty), other}
	slotStates  = values{"ready", "filling"}
	engines     = values{"gvisor", "microvm", "fake", other}
	states      = values{string(pool.StateStarting), string(pool.StateBusy), string(pool.StateIdle), string(pool.StateFrozen), other}
	provisioned = values{"false", "true"}
	refusals    = values{"memory", "scaling_rate", "overload", "tenants", other}
	outcomes    = values{
		string(OutcomeOK), string(OutcomeFunctionError), string(OutcomeTimeout), string(OutcomeThrottled),
		string(OutcomeRefused), string(OutcomeAbandoned), string(OutcomeInternal), other,
	}
	// Source: Lambda API, ThrottleReason.
	throttleReasons = values{
		"ConcurrentInvocationLimitExceeded", "ReservedFunctionConcurrentInvocationLimitExceeded",
		"FunctionInvocationRateLimitExceeded", "ReservedFunctionInvocationRateLimitExceeded", "CallerRateLimitExceeded",
		"ConcurrentSnapshotCreateLimitExceeded", other,
	}
)

const (
	resultOK     = "ok"
	resultFailed = "failed"
)

// Bounds of histogram buckets: close together where the values are expected.
var (
	coldBounds = millis(1, 2, 3, 5, 7.5, 10, 15, 20, 30, 50, 75, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000)
	thawBounds = millis(0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 50, 100, 1000)
	waitBounds = millis(0.01, 0.1, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000)
	runBounds  = millis(0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000, 900_000)
)

// Metrics are the counters of one server.
type Metrics struct {
	since time.Time

	hits, handOvers, freezes, loops atomic.Int64

	events func() Events // nil: there are none
	disk   func() Disk   // nil: it is not known

	coldStarts *counters   // source, cause, result
	coldPhases *histograms // source, phase
	coldTotals *histograms // engine
	destroyed  *counters   // cause
	refused    *counters   // cause
	snapshots  *counters   // result
	slots      *histograms // kind
	thaws      *histograms

	invocations *counters // outcome
	throttles   *counters // reason
	waits, runs *histograms

	recent recent
}

// New returns counters that stand at zero.
func New() *Metrics {
	return &Metrics{
		since:       time.Now(),
		coldStarts:  newCounters(sources, coldCauses, results),
		coldPhases:  newHistograms(coldBounds, sources, phases),
		coldTotals:  newHistograms(coldBounds, engines),
		destroyed:   newCounters(endCauses),
		refused:     newCounters(refusals),
		snapshots:   newCounters(results),
		slots:       newHistograms(coldBounds, slotKinds),
		thaws:       newHistograms(thawBounds),
		invocations: newCounters(outcomes),
		throttles:   newCounters(throttleReasons),
		waits:       newHistograms(waitBounds),
		runs:        newHistograms(runBounds),
	}
}

package node

import (
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/metrics"
)

// observe counts an invocation that ended.
func observe(m *metrics.Metrics, o invoke.Observation) {
	m.Observe(metrics.Invocation{Outcome: metrics.Outcome(o.Outcome), Reason: o.Reason, Wait: o.Wait, Duration: o.Duration, Loop: o.Loop})
}

package metrics

import "time"

// Outcome is how an invocation ended.
type Outcome string

// Outcomes of invocations.
const (
	OutcomeOK            Outcome = "ok"             // the function answered
	OutcomeFunctionError Outcome = "function_error" // the function failed, by an error, an exit or a crash
	OutcomeTimeout       Outcome = "timeout"        // the function ran into its timeout
	OutcomeThrottled     Outcome = "throttled"      // refused by a limit, answered with 429
	OutcomeRefused       Outcome = "refused"        // refused for another reason that the caller can mend, 4xx
	OutcomeAbandoned     Outcome = "abandoned"      // the caller left before there was an environment
	OutcomeInternal      Outcome = "internal"       // Thaw failed, 5xx
)

// Invocation is how one invocation went.
type Invocation struct {
	Outcome Outcome
	// Reason is the documented throttle reason of OutcomeThrottled, as in lambda.Error.
	Reason string
	// Wait is the time from admission until there was an environment, and Duration that of the function's run as its
	// REPORT line says it. Both count only if the function ran: outcomes ok, function_error and timeout.
	Wait, Duration time.Duration
	// Loop says that it was refused for being one of a loop.
	Loop bool
}

// Observe counts one invocation that has ended.
func (m *Metrics) Observe(i Invocation) {
	m.invocations.add(string(i.Outcome))
	if i.Loop {
		m.loops.Add(1)
	}
	switch i.Outcome {
	case OutcomeOK, OutcomeFunctionError, OutcomeTimeout:
		m.waits.observe(i.Wait)
		m.runs.observe(i.Duration)
	case OutcomeThrottled:
		m.throttles.add(i.Reason)
	case OutcomeRefused, OutcomeAbandoned, OutcomeInternal:
	}
}

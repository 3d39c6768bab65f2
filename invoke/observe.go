package invoke

import (
	"context"
	"errors"
	"time"

	"thaw.dev/thaw/lambda"
)

// Outcome is how an invocation ended; it is a metric label.
type Outcome string

// Outcomes.
const (
	OutcomeOK            Outcome = "ok"
	OutcomeFunctionError Outcome = "function_error" // the function failed
	OutcomeTimeout       Outcome = "timeout"        // the function did not answer in time
	OutcomeThrottled     Outcome = "throttled"      // refused for a limit; Observation.Reason says which
	OutcomeRefused       Outcome = "refused"        // the caller was wrong: no such function, not ready
	OutcomeAbandoned     Outcome = "abandoned"      // the caller left before there was an environment
	OutcomeInternal      Outcome = "internal"       // we failed
)

// Observation is one invocation that ended, for metrics.
type Observation struct {
	// Account, Function and Version are empty if the caller named no function that there is.
	Account, Function, Version string
	Outcome                    Outcome
	Reason                     string        // the throttle reason
	Loop                       bool          // refused for being one of a loop
	Wait                       time.Duration // for admission and an environment
	Duration                   time.Duration // the function's, as in its REPORT line; 0 if it did not run
}

// outcome classifies an invocation that came to no result.
func outcome(ctx context.Context, err error) (o Outcome, reason string) {
	e, ok := errors.AsType[*lambda.Error](err)
	switch {
	case ok && e.Kind == lambda.KindThrottled:
		return OutcomeThrottled, e.Reason
	case ok && e.Kind != lambda.KindInternal:
		return OutcomeRefused, ""
	case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		return OutcomeAbandoned, ""
	}
	return OutcomeInternal, ""
}

// Count is how many invocations of one function version are under way.
type Count struct {
	Account, Function, Version string
	Running                    int
	Unreserved                 int // those of them that count against the account's unreserved concurrency
}

// Counts returns the counts of all versions of which something is under way, in no order.
func (i *Invoker) Counts() []Count { return i.admission.counts() }

func (a *admission) counts() []Count {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []Count
	for key, f := range a.functions {
		for _, v := range f.versions {
			all = append(all, Count{key.account, key.name, v.name, v.running, v.charged})
		}
	}
	return all
}

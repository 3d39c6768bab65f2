package invoke

import (
	"errors"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/pool"
)

// Reasons for refusing an invocation. Source: Lambda API, ThrottleReason.
const (
	reasonAccount      = "ConcurrentInvocationLimitExceeded"                 // the account's concurrency, or this host's capacity
	reasonReserved     = "ReservedFunctionConcurrentInvocationLimitExceeded" // the function's reservation
	reasonScaling      = "FunctionInvocationRateLimitExceeded"               // the function's scaling rate
	reasonRate         = "FunctionInvocationRateLimitExceeded"               // requests per second, of the account's concurrency
	reasonReservedRate = "ReservedFunctionInvocationRateLimitExceeded"       // requests per second, of the function's reservation
)

// retryAfter is when a refused caller should come again: the least that an HTTP header can say. Room comes with the end
// of any invocation, and the scaling rate refills all the time.
const retryAfter = time.Second

func throttled(reason string, cause error) *lambda.Error {
	return &lambda.Error{
		Kind: lambda.KindThrottled, Reason: reason, Msg: "Rate Exceeded.", RetryAfter: retryAfter, Err: cause,
	}
}

// refusal turns what the pool says when it has no environment into the caller's error. A host that has no room is a
// throttle, as Lambda has no other word for "later, please" that every SDK understands; errors it does not know are ours
// and stay as they are.
func refusal(err error) error {
	switch {
	case errors.Is(err, pool.ErrScaling):
		return throttled(reasonScaling, err)
	case errors.Is(err, pool.ErrNoMemory), errors.Is(err, pool.ErrOverloaded), errors.Is(err, pool.ErrTenants):
		return throttled(reasonAccount, err)
	}
	return err
}

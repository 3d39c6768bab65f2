package invoke

import (
	"sync"

	"thaw.dev/thaw/lambda"
)

// concurrentLimit is the documented throttle reason of the account's pool. Source: Lambda API, ThrottleReason.
const concurrentLimit = "ConcurrentInvocationLimitExceeded"

// admission counts the invocations under way of each account. The zero value is ready.
type admission struct {
	mu    sync.Mutex
	count map[string]int
}

// enter admits one invocation; its caller must call leave once. It refuses with KindThrottled at the account's limit.
func (a *admission) enter(account string) (leave func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.count[account] >= lambda.AccountConcurrency {
		return nil, &lambda.Error{Kind: lambda.KindThrottled, Reason: concurrentLimit, Msg: "Rate Exceeded."}
	}
	if a.count == nil {
		a.count = map[string]int{}
	}
	a.count[account]++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.count[account]--; a.count[account] == 0 {
			delete(a.count, account)
		}
	}, nil
}

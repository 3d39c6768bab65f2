package invoke

import (
	"time"

	"thaw.dev/thaw/lambda"
)

// bucket bounds requests per second, whose burst is what a second allows. The zero value is full. Guarded by the admission's
// mu.
type bucket struct {
	spent time.Duration // until when, since the admission began, what was taken is not back
}

// take takes one request at a moment, if there is one.
func (b *bucket) take(now time.Duration, perSecond int) bool {
	if perSecond <= 0 {
		return false
	}
	spent := max(b.spent, now) + time.Second/time.Duration(perSecond)
	if spent > now+time.Second {
		return false
	}
	b.spent = spent
	return true
}

// full reports whether all is back.
func (b *bucket) full(now time.Duration) bool { return b.spent <= now }

// pace needs mu. It takes one request of what an invocation's share allows in a second, lambda.RequestsPerConcurrency for each
// that may run at once, or returns the reason why there is none. Requests beyond what provisioned environments may take spill
// over like those that find them busy.
func (a *admission) pace(f *functionCount, share lambda.Share, running int, now time.Duration) (reason string) {
	switch {
	case f.reserved:
		if !f.rate.take(now, lambda.RequestsPerConcurrency*share.Reserved) {
			return reasonReservedRate
		}
	case running < share.Provisioned && f.rate.take(now, lambda.RequestsPerConcurrency*share.Provisioned):
	case !f.account.rate.take(now, lambda.RequestsPerConcurrency*share.Unreserved):
		return reasonRate
	}
	return ""
}

// sweep needs mu. It forgets functions of which nothing runs and whose rate owes nothing, if there are many. It saves
// allocations to know some.
func (a *admission) sweep(now time.Duration) {
	if len(a.functions) <= a.sweepAt {
		return
	}
	for key, f := range a.functions {
		if f.used == 0 && f.rate.full(now) {
			delete(a.functions, key)
		}
	}
	a.sweepAt = max(maxIdle, 2*len(a.functions))
}

package async

import "sync/atomic"

// totals count what happened since Open.
type totals struct {
	accepted, succeeded, retried, refused, dropped atomic.Int64
	delivered, deliveryFailures                    atomic.Int64
	failed                                         [conditions]atomic.Int64
}

// Totals are what happened since the queue was opened.
type Totals struct {
	Accepted         int64            `json:"accepted"`          // invocations that were queued
	Succeeded        int64            `json:"succeeded"`         // invocations that ended with the function's answer
	Failed           map[string]int64 `json:"failed"`            // invocations that were given up, by condition
	Dropped          int64            `json:"dropped"`           // invocations whose function or qualifier was gone
	Retried          int64            `json:"retried"`           // failures of functions after which another attempt follows
	Refused          int64            `json:"refused"`           // tries that could not be run: throttles and errors of ours
	Delivered        int64            `json:"delivered"`         // messages that destinations and dead letter queues took
	DeliveryFailures int64            `json:"delivery_failures"` // tries of deliveries that failed
}

// Totals returns what happened since Open.
func (q *Queue) Totals() Totals {
	t := &q.totals
	out := Totals{
		Accepted: t.accepted.Load(), Succeeded: t.succeeded.Load(), Failed: map[string]int64{}, Dropped: t.dropped.Load(),
		Retried: t.retried.Load(), Refused: t.refused.Load(),
		Delivered: t.delivered.Load(), DeliveryFailures: t.deliveryFailures.Load(),
	}
	for c := conditionRetries; c < conditions; c++ {
		out.Failed[c.String()] = t.failed[c].Load()
	}
	return out
}

package async

import (
	"context"
	"errors"
	"time"

	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// try does what is next for an event. It holds a place among its lane's running ones.
func (q *Queue) try(it *item) {
	defer q.signal()
	if it.lane.target != "" {
		q.deliver(it)
		return
	}
	rules, err := q.functions.EventRules(it.lane.account, it.lane.function, it.qualifier)
	if err != nil {
		q.drop(it, err)
		return
	}
	e, err := q.store.Read(q.ctx, it.key)
	switch {
	case errors.Is(err, store.ErrNoEvent):
		q.log.Error("queued event is missing", "function", it.lane.function, "request_id", it.id.String(), "err", err)
		q.release(it)
		q.done(it)
	case err != nil:
		q.again(it, err, rules.MaxAge)
	case rules.Share.Reserved == 0:
		q.fail(it, e, &rules, conditionNoConcurrency, nil)
	case !time.Now().Before(e.Accepted.Add(rules.MaxAge)):
		q.fail(it, e, &rules, conditionAge, nil)
	default:
		q.invoke(it, e, &rules)
	}
}

// invoke runs the function once.
func (q *Queue) invoke(it *item, e *store.Event, rules *lambda.EventRules) {
	begin := time.Now()
	result, err := q.invoker.Sync(q.ctx, &invoke.Request{
		ID: e.ID, Account: e.Account, Function: e.Function, Qualifier: e.Qualifier, ARN: e.ARN,
		Payload: e.Payload, TraceID: e.TraceID, Tenant: e.Tenant, Queued: true,
	})
	switch {
	case q.ctx.Err() != nil && (err != nil || result.FunctionError != ""):
		q.release(it) // the server stops: what ended the function may have been that. The next one tries again.
	case lambda.KindOf(err) == lambda.KindNotFound:
		q.drop(it, err)
	case lambda.KindOf(err) == lambda.KindRecursive:
		q.fail(it, e, rules, conditionRecursive, nil)
	case err != nil:
		q.again(it, err, rules.MaxAge)
	case result.FunctionError == "":
		q.learn(it, time.Since(begin), result)
		q.succeed(it, e, rules, result)
	default:
		q.learn(it, time.Since(begin), result)
		q.functionFailed(it, e, rules, result)
	}
}

// succeed ends an event that the function answered.
func (q *Queue) succeed(it *item, e *store.Event, rules *lambda.EventRules, result *invoke.Result) {
	q.release(it)
	progress := it.been()
	progress.Attempts++
	if !q.deliverLater(e, rules.OnSuccess, q.record(e, progress.Attempts, conditionSuccess, result), &store.Delivery{Success: true}) {
		q.postpone(it, progress)
		return
	}
	q.totals.succeeded.Add(1)
	q.finish(it)
}

// functionFailed has an event wait for its next try, or gives it up.
func (q *Queue) functionFailed(it *item, e *store.Event, rules *lambda.EventRules, result *invoke.Result) {
	p := it.been()
	p.Attempts++
	p.Refusals, p.LastError = 0, errorMessage(result.Payload)
	p.Next = time.Now().Add(q.delays.afterError(p.Attempts))
	switch {
	case p.Attempts > rules.MaxRetries:
		it.progress = &p
		q.fail(it, e, rules, conditionRetries, result)
		return
	case p.Next.After(e.Accepted.Add(rules.MaxAge)):
		it.progress = &p
		q.fail(it, e, rules, conditionAge, result)
		return
	}
	q.totals.retried.Add(1)
	q.wait(it, p)
}

// fail gives an event up. result is the last attempt's if that has just been made, else nil.
func (q *Queue) fail(it *item, e *store.Event, rules *lambda.EventRules, c condition, result *invoke.Result) {
	q.release(it)
	p := it.been()
	ok := q.deliverLater(e, rules.OnFailure, q.record(e, p.Attempts, c, result), &store.Delivery{}) &&
		q.deliverLater(e, rules.DeadLetter, func() ([]byte, error) { return e.Payload, nil }, deadLetter(c, &p, result))
	if !ok {
		q.postpone(it, p)
		return
	}
	q.totals.failed[c].Add(1)
	q.log.Debug("asynchronous event given up", "function", e.Function, "request_id", e.ID, "condition", c.String(), "attempts", p.Attempts)
	q.finish(it)
}

// drop ends an event whose function or qualifier is gone: nobody is left whose settings say where it should go.
func (q *Queue) drop(it *item, err error) {
	q.release(it)
	q.totals.dropped.Add(1)
	q.log.Warn("asynchronous event dropped", "account", it.lane.account, "function", it.lane.function, "qualifier", it.qualifier,
		"request_id", it.id.String(), "err", err)
	q.finish(it)
}

// again has an event that could not be run wait for its next try, at the end of its age at the latest.
func (q *Queue) again(it *item, err error, maxAge time.Duration) {
	if q.ctx.Err() != nil {
		q.release(it)
		return
	}
	throttle := lambda.KindOf(err) == lambda.KindThrottled
	if !throttle && lambda.KindOf(err) == lambda.KindInternal {
		q.log.Warn("asynchronous event could not be run", "function", it.lane.function, "request_id", it.id.String(), "err", err)
	}
	p := it.been()
	p.Refusals++
	p.LastError = clip(err.Error())
	p.Next = time.Now().Add(q.delays.afterRefusal(p.Refusals))
	if end := time.UnixMilli(it.accepted).Add(maxAge); p.Next.After(end) {
		p.Next = end
	}
	q.totals.refused.Add(1)
	if throttle {
		e, _ := errors.AsType[*lambda.Error](err)
		q.mu.Lock()
		q.refused(it.lane, e.Reason == reasonAccount)
		q.mu.Unlock()
	}
	q.wait(it, p)
}

// reasonAccount is the throttle for a limit that all functions share. Source: Lambda API, ThrottleReason.
const reasonAccount = "ConcurrentInvocationLimitExceeded"

// postpone has an event whose outcome could not be stored be tried again.
func (q *Queue) postpone(it *item, p store.Progress) {
	p.Refusals++
	p.LastError = "the queue could not be written"
	p.Next = time.Now().Add(q.delays.afterRefusal(p.Refusals))
	q.mu.Lock()
	it.lane.ending--
	it.setProgress(p)
	q.place(it)
	q.mu.Unlock()
	q.signal()
}

// learn tells an event's lane how long its try took.
func (q *Queue) learn(it *item, took time.Duration, result *invoke.Result) {
	var cold time.Duration
	for _, p := range result.Phases {
		if p.Name == invoke.PhasePlace || p.Name == invoke.PhaseCode || p.Name == invoke.PhaseInit {
			cold += p.Duration
		}
	}
	q.mu.Lock()
	q.work += it.lane.growth.end(time.Now(), took, cold, q.work)
	q.mu.Unlock()
}

// wait stores an event's progress and puts it back. If the store fails, only this process knows the progress.
func (q *Queue) wait(it *item, p store.Progress) {
	p.Next = p.Next.UTC().Truncate(time.Millisecond)
	if err := q.store.Mark(context.Background(), store.Mark{Key: it.key, Progress: p}); err != nil && q.ctx.Err() == nil {
		q.log.Error("progress of an event not stored", "request_id", it.id.String(), "err", err)
	}
	q.mu.Lock()
	q.ended(it)
	it.setProgress(p)
	q.place(it)
	q.mu.Unlock()
}

// release gives the place among the running ones back; the event is in no list until finish or postpone.
func (q *Queue) release(it *item) {
	q.mu.Lock()
	q.ended(it)
	it.lane.ending++
	q.mu.Unlock()
	q.signal()
}

// finish ends an event for good. If the store fails, a later process does it all again.
func (q *Queue) finish(it *item) {
	if err := q.store.Mark(context.Background(), store.Mark{Key: it.key, Finished: true}); err != nil {
		q.log.Error("event not removed from the queue; it may run again", "request_id", it.id.String(), "err", err)
	}
	q.done(it)
}

func (q *Queue) done(it *item) {
	q.mu.Lock()
	q.forget(it)
	q.mu.Unlock()
}

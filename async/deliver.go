package async

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"thaw.dev/thaw/destination"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// sendTimeout bounds one try of a delivery.
const sendTimeout = 15 * time.Second

// deliverLater queues a message to target, if there is one. It reports false if that failed, which was logged.
func (q *Queue) deliverLater(e *store.Event, target string, body func() ([]byte, error), d *store.Delivery) bool {
	if target == "" {
		return true
	}
	payload, err := body()
	if err != nil {
		q.log.Error("record of an event cannot be made", "request_id", e.ID, "err", err)
		return false
	}
	d.FunctionARN = q.functionARN(e)
	trace, _ := lambda.Lineage(e.TraceID, e.Account, e.Function) // what it leads to came through this function
	err = q.add(context.Background(), &store.Event{
		EventHead: store.EventHead{
			ID: e.ID, Account: e.Account, Function: e.Function, Qualifier: e.Qualifier, Target: target,
			Accepted: e.Accepted, Progress: store.Progress{Since: time.Now().UTC().Truncate(time.Millisecond)},
		},
		TraceID: trace, Delivery: d, Payload: payload,
	})
	if err != nil {
		q.log.Error("record of an event not queued", "request_id", e.ID, "err", err)
	}
	return err == nil
}

// errNeverFits is returned by send for what no further try can bring to its target.
var errNeverFits = errors.New("the target does not take this message")

// deliver tries a delivery once.
func (q *Queue) deliver(it *item) {
	e, err := q.store.Read(q.ctx, it.key)
	if err == nil {
		ctx, cancel := context.WithTimeout(q.ctx, sendTimeout)
		err = q.send(ctx, e, it.been().Since)
		cancel()
	}
	switch {
	case err == nil:
		q.release(it)
		q.totals.delivered.Add(1)
		q.finish(it)
	case q.ctx.Err() != nil:
		q.release(it)
	default:
		q.notDelivered(it, err)
	}
}

// notDelivered has a delivery wait for its next try, or keeps it undelivered when its age is over.
func (q *Queue) notDelivered(it *item, err error) {
	p := it.been()
	p.Attempts++
	p.LastError = clip(err.Error())
	p.Next = time.Now().Add(q.delays.afterRefusal(p.Attempts))
	maxAge := lambda.MaxEventAge
	if rules, err := q.functions.EventRules(it.lane.account, it.lane.function, it.qualifier); err == nil {
		maxAge = rules.MaxAge
	}
	q.totals.deliveryFailures.Add(1)
	if end := p.Since.Add(maxAge); errors.Is(err, errNeverFits) || p.Next.After(end) {
		p.Undelivered, p.Next = true, time.Time{}
		q.log.Error("asynchronous result not delivered; thaw events redrive tries again", "account", it.lane.account,
			"function", it.lane.function, "target", it.lane.target, "request_id", it.id.String(), "err", err)
	}
	q.wait(it, p)
}

// send brings a delivery to its target. A function gets it as an asynchronous invocation.
func (q *Queue) send(ctx context.Context, e *store.Event, since time.Time) error {
	if !strings.Contains(e.Target, ":lambda:") {
		err := q.sender.Send(ctx, &destination.Message{
			Target: e.Target, RequestID: e.ID, Function: e.Function, FunctionARN: e.Delivery.FunctionARN, Success: e.Delivery.Success,
			DeadLetter: e.Delivery.DeadLetter, ErrorCode: e.Delivery.ErrorCode, ErrorMessage: e.Delivery.ErrorMessage,
			Body: e.Payload, Time: since,
		})
		if errors.Is(err, destination.ErrTooLarge) {
			err = fmt.Errorf("%w: %w", errNeverFits, err)
		}
		return err
	}
	ref, ok := lambda.ParseFunctionRef(e.Target)
	if !ok {
		return fmt.Errorf("%w: %s is no function", errNeverFits, e.Target)
	}
	if len(e.Payload) > lambda.MaxEventPayloadBytes {
		return fmt.Errorf("%w: the record has %d bytes, an event at most %d", errNeverFits, len(e.Payload), lambda.MaxEventPayloadBytes)
	}
	if _, err := q.functions.EventRules(e.Account, ref.Name, ref.Qualifier); err != nil {
		return err
	}
	err := q.add(ctx, &store.Event{
		EventHead: store.EventHead{
			ID: newID(), Account: e.Account, Function: ref.Name, Qualifier: ref.Qualifier,
			Accepted: time.Now().UTC().Truncate(time.Millisecond),
		},
		ARN: e.Target, TraceID: e.TraceID, Payload: e.Payload,
	})
	if err == nil {
		q.totals.accepted.Add(1)
	}
	return err
}

package bench

import (
	"context"
	"sync"
	"time"
)

// traffic sends requests to one function at a steady rate, whatever happens to those before (open loop). A request's
// latency counts from when it was due, so that those that could not even be sent are not forgotten.
type traffic struct {
	stop context.CancelFunc
	done chan struct{} // closed when the last answer is there
	work sync.WaitGroup

	mu   sync.Mutex
	sent []sentRequest // guarded by mu
}

type sentRequest struct {
	due  time.Time
	took time.Duration
	err  error
}

// startTraffic starts requests that call makes, so many per second. The caller ends them with end.
func startTraffic(ctx context.Context, perSecond int, call func(context.Context) error) *traffic {
	ctx, cancel := context.WithCancel(ctx)
	t := &traffic{stop: cancel, done: make(chan struct{})}
	go func() { // ends with stop or ctx; end waits
		defer close(t.done)
		defer t.work.Wait()
		tick := time.NewTicker(time.Second / time.Duration(perSecond))
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case due := <-tick.C:
				t.work.Go(func() { t.one(context.WithoutCancel(ctx), due, call) })
			}
		}
	}()
	return t
}

// requestTimeout bounds one request of the traffic, which outlives the end of the traffic.
const requestTimeout = 30 * time.Second

func (t *traffic) one(ctx context.Context, due time.Time, call func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err := call(ctx)
	took := time.Since(due)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent = append(t.sent, sentRequest{due, took, err})
}

// end ends the traffic, and returns how many requests failed, and how the first of them did.
func (t *traffic) end() (failed int, first error) {
	t.stop()
	<-t.done
	for _, r := range t.sent {
		if r.err != nil {
			if failed++; failed == 1 {
				first = r.err
			}
		}
	}
	return failed, first
}

// span is a stretch of time.
type span struct{ from, to time.Time }

// within are the latencies of the requests that were due in one of the spans and were answered. Only after end.
func (t *traffic) within(spans []span) samples {
	var out samples
	for _, r := range t.sent {
		for _, s := range spans {
			if r.err == nil && !r.due.Before(s.from) && !r.due.After(s.to) {
				out.add(r.took)
				break
			}
		}
	}
	return out
}

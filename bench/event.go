package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"thaw.dev/thaw/async"
)

// EventOptions say what Event measures.
type EventOptions struct {
	Setup
	// Runtime is as in WarmOptions.
	Runtime string
	// N is the number of samples, and of events that are sent at the highest rate, up to 1,000,000. 0 means EventSamples.
	N int
	// Clients is how many of them send at once when the rate is measured, 1 to 1,000.
	Clients int
	// Concurrency is the reserved concurrency of the function, which runs the events meanwhile, 1 to 1,000.
	Concurrency int
}

func (o *EventOptions) check() error {
	o.orUsual(&o.N, EventSamples)
	return errors.Join(within("samples", o.N, maxSamples), within("clients", o.Clients, maxEnvironments), within("concurrency", o.Concurrency, maxEnvironments))
}

// EventReport is the result of Event. Its JSON form is stable. Every event was accepted and none is left.
type EventReport struct {
	Name        string  `json:"name"` // "event"
	Engine      string  `json:"engine"`
	Runtime     string  `json:"runtime"`
	Bytes       int     `json:"bytes"`    // of one event
	Accepted    Latency `json:"accepted"` // one client: from the request to the answer, which comes when the event is on disk
	Clients     int     `json:"clients"`
	Rate        float64 `json:"rate"` // events accepted in a second, with Clients clients
	Concurrency int     `json:"concurrency"`
	RunRate     float64 `json:"run_rate"` // events run in a second, from the first sample until none was left
	Machine
}

// eventBytes is the size of the events.
const eventBytes = 1 << 10

// longEvent is an event of eventBytes that the hello function answers.
func longEvent() []byte {
	const head, tail = `{"name":"Thaw","text":"`, `"}`
	text := bytes.Repeat([]byte{'x'}, eventBytes-len(head)-len(tail))
	return slices.Concat([]byte(head), text, []byte(tail))
}

// Event measures how fast asynchronous invocations are accepted while they are run.
func Event(ctx context.Context, o EventOptions) (_ *EventReport, err error) {
	o.look(ctx)
	if err := o.check(); err != nil {
		return nil, err
	}
	o.step("start a server")
	d, err := startServer(ctx, &o.Setup, append(warmFlags(), "--keep-alive=1h")...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	const name = "hello"
	_, dep, err := d.hello(ctx, &o.Setup, name, o.Runtime)
	if err != nil {
		return nil, err
	}
	if err := d.client.PutFunctionConcurrency(ctx, name, o.Concurrency); err != nil {
		return nil, err
	}
	r := &EventReport{Name: "event", Engine: o.Engine, Runtime: dep.runtime, Bytes: eventBytes, Clients: o.Clients, Concurrency: o.Concurrency, Machine: o.machine()}
	payload := longEvent()
	send := func() error {
		_, err := d.client.InvokeEvent(ctx, name, "", payload)
		return err
	}
	began := time.Now()
	o.step("%d events of one client", o.N)
	var accepted samples
	for i := range o.N + min(o.N, 100) {
		begin := time.Now()
		if err := send(); err != nil {
			return nil, err
		}
		if i >= min(o.N, 100) {
			accepted.add(time.Since(begin))
		}
	}
	r.Accepted = accepted.latency()
	o.step("%d events of %d clients", o.N, o.Clients)
	begin := time.Now()
	if err := together(o.Clients, o.N, send); err != nil {
		return nil, err
	}
	r.Rate = round(float64(o.N) / time.Since(begin).Seconds())
	o.step("wait until all have run")
	if err := d.awaitNoEvents(ctx); err != nil {
		return nil, err
	}
	r.RunRate = round(float64(2*o.N+min(o.N, 100)) / time.Since(began).Seconds())
	return r, nil
}

// together has clients do something n times in all.
func together(clients, n int, do func() error) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, clients)
	for i := range clients {
		wg.Go(func() {
			for errs[i] == nil && next.Add(1) <= int64(n) {
				errs[i] = do()
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// awaitNoEvents waits until the server's queue is empty.
func (d *server) awaitNoEvents(ctx context.Context) error { return d.awaitNoEventsOf(ctx, "") }

// awaitNoEventsOf waits until the server's queue has no event of a function, or of any if that is "". An event whose try failed is an error: its next try is a minute
// away, and what was measured is not the function's running.
func (d *server) awaitNoEventsOf(ctx context.Context, function string) error {
	for {
		r, err := d.ops.Events(ctx, async.Selection{Function: function}, 1)
		if err != nil {
			return err
		}
		if len(r.Events) == 0 {
			return nil
		}
		if oldest := r.Events[0]; oldest.Attempts > 0 {
			return fmt.Errorf("events of %s fail: %s", oldest.Function, oldest.LastError)
		}
		if err := pause(ctx, queuePoll); err != nil {
			return err
		}
	}
}

// queuePoll is the time between two looks at the queue, which goes through all that it holds.
const queuePoll = 20 * time.Millisecond

// WriteTable writes r for people.
func (r *EventReport) WriteTable(w io.Writer) error {
	_, err := fmt.Fprintf(w, "Asynchronous invocations of %d bytes, %s %s\n\naccepted, on disk   %s\n%d clients          %.0f events/s accepted\nrun meanwhile       %.0f events/s, %d at once\n",
		r.Bytes, r.Runtime, r.where(r.Engine), r.Accepted, r.Clients, r.Rate, r.RunRate, r.Concurrency)
	return err
}

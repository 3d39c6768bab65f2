package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/pool"
)

// BacklogOptions say what Backlog measures.
type BacklogOptions struct {
	Setup
	// Runtime is as in WarmOptions.
	Runtime string
	// N is the number of events, up to 1,000,000. 0 means BacklogEvents.
	N int
	// MemoryMB is the memory of the function that they are for, from lambda.MinMemoryMB on. It decides about its share of CPU.
	MemoryMB int
}

func (o *BacklogOptions) check() error {
	o.orUsual(&o.N, BacklogEvents)
	if o.MemoryMB < lambda.MinMemoryMB || o.MemoryMB > lambda.MaxMemoryMB {
		return fmt.Errorf("%d MB of memory: want %d to %d", o.MemoryMB, lambda.MinMemoryMB, lambda.MaxMemoryMB)
	}
	return within("events", o.N, maxSamples)
}

// BacklogReport is the result of Backlog. Its JSON form is stable.
type BacklogReport struct {
	Name         string  `json:"name"` // "backlog"
	Engine       string  `json:"engine"`
	Runtime      string  `json:"runtime"`
	MemoryMB     int     `json:"memory_mb"`
	Events       int     `json:"events"`
	Seconds      float64 `json:"seconds"`      // from the first event sent until the last one had run
	Rate         float64 `json:"rate"`         // events in a second of that
	Environments int     `json:"environments"` // most that the function had at once
	ColdStarts   int     `json:"cold_starts"`  // environments that it had in all
	SyncRate     int     `json:"sync_rate"`    // requests per second to a warm function of its own; as many events of a third
	SyncBefore   Latency `json:"sync_before"`  // those requests before the backlog
	SyncDuring   Latency `json:"sync_during"`
	SyncFailed   int     `json:"sync_failed"` // must be 0
	Other        Latency `json:"other"`       // events of a third function meanwhile: from sending one to its START
	Machine
}

// backlogClients is how many clients send the backlog.
const backlogClients = 32

// Backlog measures how fast a backlog of events is worked off by a server with its own settings, and what everybody else
// feels of it. If a request of another function failed it returns an error with the report.
func Backlog(ctx context.Context, o BacklogOptions) (_ *BacklogReport, err error) {
	o.look(ctx)
	if err := o.check(); err != nil {
		return nil, err
	}
	o.step("start a server")
	d, err := startServer(ctx, &o.Setup)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	r := &BacklogReport{Name: "backlog", Engine: o.Engine, MemoryMB: o.MemoryMB, Events: o.N, SyncRate: trafficRate.of(&o.Setup), Machine: o.machine()}
	if err := d.backlog(ctx, &o, r); err != nil {
		if r.SyncFailed == 0 { // it did not get that far
			return nil, err
		}
		return r, err
	}
	return r, nil
}

// The functions of the measurement.
const (
	backlogFunction = "crowd"
	syncFunction    = "steady"
	otherFunction   = "other"
)

func (d *server) backlog(ctx context.Context, o *BacklogOptions, r *BacklogReport) error {
	_, dep, err := d.hello(ctx, &o.Setup, syncFunction, o.Runtime)
	if err != nil {
		return err
	}
	r.Runtime = dep.runtime
	for name, memoryMB := range map[string]int{otherFunction: dep.memoryMB, backlogFunction: o.MemoryMB} {
		dep.memoryMB = memoryMB
		if err := d.create(ctx, name, dep); err != nil {
			return err
		}
	}
	if _, _, err := d.invoke(ctx, target{function: otherFunction}); err != nil {
		return err
	}
	o.step("steady traffic before the backlog")
	steady := startTraffic(ctx, r.SyncRate, func(ctx context.Context) error {
		_, _, err := d.invoke(ctx, target{function: syncFunction})
		return err
	})
	defer steady.end()
	calm, busy := span{from: time.Now()}, span{}
	if err := pause(ctx, calmTime); err != nil {
		return err
	}
	calm.to = time.Now()
	var sent sentEvents
	others := startTraffic(ctx, r.SyncRate, func(ctx context.Context) error { return sent.send(ctx, d.client) })
	defer others.end()
	watch := d.watchEnvironments(ctx, backlogFunction)
	defer watch.end()
	o.step("%d events", o.N)
	busy.from = time.Now()
	if err := together(backlogClients, o.N, func() error {
		_, err := d.client.InvokeEvent(ctx, backlogFunction, "", event)
		return err
	}); err != nil {
		return err
	}
	o.step("wait until all have run")
	if err := d.awaitNoEventsOf(ctx, backlogFunction); err != nil {
		return err
	}
	busy.to = time.Now()
	r.Seconds = round(busy.to.Sub(busy.from).Seconds())
	r.Rate = round(float64(o.N) / busy.to.Sub(busy.from).Seconds())
	r.Environments, r.ColdStarts = watch.end()
	if failed, first := others.end(); failed > 0 {
		return fmt.Errorf("%d events of another function were refused, the first: %w", failed, first)
	}
	var failure error
	if r.SyncFailed, failure = steady.end(); failure != nil {
		failure = fmt.Errorf("%d requests of the steady traffic failed, the first: %w", r.SyncFailed, failure)
	}
	r.SyncBefore, r.SyncDuring = steady.within([]span{calm}).latency(), steady.within([]span{busy}).latency()
	if err := d.awaitNoEvents(ctx); err != nil {
		return err
	}
	delays, err := sent.delays(ctx, d.client)
	r.Other = delays.latency()
	return errors.Join(failure, err)
}

// sentEvents are the events of otherFunction by request id, and when they were sent.
type sentEvents struct {
	mu sync.Mutex
	at map[string]time.Time // guarded by mu
}

func (s *sentEvents) send(ctx context.Context, c *client.Client) error {
	begin := time.Now()
	id, err := c.InvokeEvent(ctx, otherFunction, "", event)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil {
		s.at = map[string]time.Time{}
	}
	s.at[id] = begin
	return nil
}

// delays are how long each took to begin, by its START line; their clock has milliseconds. It waits for lines that are on
// their way to the log.
func (s *sentEvents) delays(ctx context.Context, c *client.Client) (samples, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeoutCause(ctx, waitTimeout, errors.New("not every event has a START line"))
	defer cancel()
	began := map[string]time.Time{}
	for {
		in := client.FilterLogEventsInput{LogGroupName: "/aws/lambda/" + otherFunction, FilterPattern: `"START RequestId"`, Limit: 10_000}
		for first := true; first || in.NextToken != ""; first = false {
			page, err := c.FilterLogEvents(ctx, in)
			if err != nil {
				return nil, err
			}
			for _, e := range page.Events {
				if f := strings.Fields(e.Message); len(f) > 2 {
					began[f[2]] = e.Time
				}
			}
			in.NextToken = page.NextToken
		}
		var all samples
		for id, at := range s.at {
			if start, ok := began[id]; ok {
				all.add(max(0, start.Sub(at)))
			}
		}
		if len(all) == len(s.at) {
			return all, nil
		}
		if err := pause(ctx, 4*statusPoll); err != nil {
			return nil, err
		}
	}
}

// environmentWatch counts the environments of a function.
type environmentWatch struct {
	stop func()
	done chan struct{} // closed when nobody counts any more
	most int
	ids  map[string]bool
}

// watchEvery is the time between two looks: rare enough not to be part of what is measured.
const watchEvery = 100 * time.Millisecond

// watchEnvironments counts a function's environments until end.
func (d *server) watchEnvironments(ctx context.Context, function string) *environmentWatch {
	ctx, stop := context.WithCancel(ctx)
	w := &environmentWatch{stop: stop, done: make(chan struct{}), ids: map[string]bool{}}
	go func() { // ends with stop or ctx; end waits
		defer close(w.done)
		for pause(ctx, watchEvery) == nil {
			s, err := d.status(ctx)
			if err != nil {
				continue
			}
			n := 0
			for _, e := range s.Environments {
				if e.Function == function && e.State != pool.StateStarting {
					n++
					w.ids[e.ID] = true
				}
			}
			w.most = max(w.most, n)
		}
	}()
	return w
}

// end returns the most that there were at once, and how many in all.
func (w *environmentWatch) end() (most, all int) {
	w.stop()
	<-w.done
	return w.most, len(w.ids)
}

// WriteTable writes r for people.
func (r *BacklogReport) WriteTable(w io.Writer) error {
	_, err := fmt.Fprintf(w, "A backlog of %d events, %s with %d MB %s\n\nworked off             %.1f s, %.0f events/s, up to %d environments (%d in all)\nrequests, %d/s, before  %s\nrequests meanwhile     %s\nother events' delay    %s\n",
		r.Events, r.Runtime, r.MemoryMB, r.where(r.Engine), r.Seconds, r.Rate, r.Environments, r.ColdStarts, r.SyncRate, r.SyncBefore, r.SyncDuring, r.Other)
	return err
}

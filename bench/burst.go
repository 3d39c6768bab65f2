package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/pool"
)

// BurstReport is the result of Burst. Its JSON form is stable. A MB is 10^6 bytes.
type BurstReport struct {
	Name    string `json:"name"` // "burst"
	Engine  string `json:"engine"`
	Runtime string `json:"runtime"`
	Width   int    `json:"width"` // requests at once
	Rounds  int    `json:"rounds"`
	// Single are first requests to functions, one after the other, on the same server.
	Single     Latency        `json:"single"`
	SingleFrom map[Source]int `json:"single_from"` // cold starts by source
	Bursts     []BurstResult  `json:"bursts"`
	ReservedMB float64        `json:"reserved_mb"` // the most that was reserved at a time
	BudgetMB   float64        `json:"budget_mb"`
	WarmBefore Latency        `json:"warm_before"` // steady traffic to another function before the bursts
	WarmDuring Latency        `json:"warm_during"` // and while they went on
	WarmP99    float64        `json:"warm_p99"`    // ratio of the two p99
	WarmRate   int            `json:"warm_rate"`   // requests per second of that traffic
	WarmFailed int            `json:"warm_failed"` // requests of that traffic
	Machine
}

// BurstKind is what a burst consists of.
type BurstKind string

// Kinds of burst.
const (
	BurstOne   BurstKind = "one"   // first requests to one function
	BurstEach  BurstKind = "each"  // one first request to each of as many functions
	BurstSleep BurstKind = "sleep" // first requests to one function that takes a second, so that none can share an environment
)

// burstSleep is how long the function of BurstSleep sleeps.
const burstSleep = time.Second

// BurstResult is what the bursts of one kind took. The latencies are those of the requests that succeeded.
type BurstResult struct {
	Kind   BurstKind `json:"kind"`
	Failed int       `json:"failed"`          // requests that did not succeed
	Error  string    `json:"error,omitempty"` // of the first of them
	Latency
	Ratio float64        `json:"ratio"` // p99 ÷ Single's p50; for BurstSleep without the second that the function sleeps
	From  map[Source]int `json:"from"`  // cold starts by source
	Cold  int            `json:"cold"`  // requests with a cold start; the others got an environment that another was done with
}

// burstMemoryMB is the memory of the functions of which many environments are needed: the least, so that many fit into
// the budget.
const burstMemoryMB = lambda.MinMemoryMB

// Burst measures what happens when many first requests come at once, on a server with its own settings. If a request of
// BurstOne or BurstEach or of the steady traffic failed, or more memory was reserved than allowed, it returns an error
// with the report.
func Burst(ctx context.Context, o BurstOptions) (_ *BurstReport, err error) {
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
	f, dep, err := d.hello(ctx, &o.Setup, "steady", o.Runtime)
	if err != nil {
		return nil, err
	}
	dep.memoryMB = burstMemoryMB
	b := &burstRun{
		server: d, o: &o, hello: dep, sleeping: dep, runtime: f.runtime.Name,
		r: &BurstReport{
			Name: "burst", Engine: o.Engine, Runtime: f.runtime.Name, Width: o.Width, Rounds: o.Rounds,
			SingleFrom: map[Source]int{}, WarmRate: trafficRate.of(&o.Setup), Machine: o.machine(),
		},
	}
	if b.sleeping.zip, err = f.sleeping(); err != nil {
		return nil, err
	}
	return b.run(ctx)
}

// burstRun is one run of Burst.
type burstRun struct {
	*server
	o        *BurstOptions
	r        *BurstReport
	hello    deployment
	sleeping deployment
	runtime  string
	spans    []span // when the bursts were
	named    int    // functions so far, for their names
}

func (b *burstRun) run(ctx context.Context) (_ *BurstReport, err error) {
	if err := b.singles(ctx); err != nil {
		return nil, err
	}
	b.o.step("steady traffic before the bursts")
	calm := span{from: time.Now()}
	steady := startTraffic(ctx, b.r.WarmRate, func(ctx context.Context) error {
		_, _, err := b.invoke(ctx, target{function: "steady"})
		return err
	})
	defer steady.end()
	if err := pause(ctx, calmTime); err != nil {
		return nil, err
	}
	calm.to = time.Now()
	for _, kind := range []BurstKind{BurstOne, BurstEach, BurstSleep} {
		b.o.step("%d bursts of %d requests: %s", b.o.Rounds, b.o.Width, kind)
		if err := b.bursts(ctx, kind); err != nil {
			return nil, fmt.Errorf("burst of kind %s: %w", kind, err)
		}
	}
	failed, first := steady.end()
	b.r.WarmFailed = failed
	b.r.WarmBefore, b.r.WarmDuring = steady.within([]span{calm}).latency(), steady.within(b.spans).latency()
	b.r.WarmP99 = ratio(b.r.WarmDuring.P99, b.r.WarmBefore.P99)
	if failed > 0 {
		first = fmt.Errorf("steady traffic: %d requests failed, the first: %w", failed, first)
	}
	return b.r, errors.Join(first, b.r.problem())
}

// problem is what must not happen in a burst, nil if it did not. That there is not always room for as many environments
// as BurstSleep wants is no problem.
func (r *BurstReport) problem() error {
	var all []error
	for _, b := range r.Bursts {
		if b.Failed > 0 && b.Kind != BurstSleep {
			all = append(all, fmt.Errorf("burst of kind %s: %d requests failed, the first: %s", b.Kind, b.Failed, b.Error))
		}
	}
	if r.ReservedMB > r.BudgetMB {
		all = append(all, fmt.Errorf("%.0f MB were reserved of a budget of %.0f MB", r.ReservedMB, r.BudgetMB))
	}
	return errors.Join(all...)
}

const (
	calmTime   = 3 * time.Second
	maxSingles = 15 // single cold starts to compare with, five for each round
)

// fresh creates n functions that nobody has invoked yet.
func (b *burstRun) fresh(ctx context.Context, n int, dep deployment) ([]string, error) {
	names := numbered("burst", b.named, n)
	b.named += n
	if err := b.createAll(ctx, names, func(string) (deployment, error) { return dep, nil }); err != nil {
		return nil, err
	}
	return names, b.calm(ctx)
}

// calm waits until nothing goes on but the steady traffic.
func (b *burstRun) calm(ctx context.Context) error {
	_, err := b.wait(ctx, 4*statusPoll, inARow(quiet, func(s *pool.Status) error {
		s.Environments = slices.DeleteFunc(s.Environments, func(e pool.EnvironmentStatus) bool { return e.Function == "steady" })
		return isSettled(s, pool.SourceNone, b.runtime)
	}))
	return err
}

// singles measures first requests that come alone.
func (b *burstRun) singles(ctx context.Context) error {
	n := min(5*b.o.Rounds, maxSingles)
	b.o.step("%d single first requests", n)
	names, err := b.fresh(ctx, n, b.hello)
	if err != nil {
		return err
	}
	var took samples
	for _, name := range names {
		if err := b.calm(ctx); err != nil {
			return err
		}
		d, t, err := b.invoke(ctx, target{function: name})
		if err != nil {
			return err
		}
		if !t.cold() {
			return fmt.Errorf("the first request to %s was not a cold start", name)
		}
		took.add(d)
		b.r.SingleFrom[t.source]++
	}
	b.r.Single = took.latency()
	return b.deleteAll(ctx, names)
}

// bursts runs the bursts of one kind.
func (b *burstRun) bursts(ctx context.Context, kind BurstKind) error {
	dep, n := b.hello, 1
	dep.memoryMB = lambda.MemoryMBPerCPU // a whole CPU: with less, the share that the function is allowed would be measured
	switch kind {
	case BurstEach:
		dep, n = b.hello, b.o.Width
	case BurstSleep:
		dep = b.sleeping
	}
	result := BurstResult{Kind: kind, From: map[Source]int{}}
	var took samples
	for range b.o.Rounds {
		names, err := b.fresh(ctx, n, dep)
		if err != nil {
			return err
		}
		all, err := b.burst(ctx, names)
		if err != nil {
			return err
		}
		for _, one := range all {
			if one.err != nil {
				if result.Failed++; result.Failed == 1 {
					result.Error = one.err.Error()
				}
				continue
			}
			took.add(one.took)
			if one.timing.cold() {
				result.Cold++
				result.From[one.timing.source]++
			}
		}
		if err := b.deleteAll(ctx, names); err != nil {
			return err
		}
	}
	result.Latency = took.latency()
	waited := result.P99
	if kind == BurstSleep {
		waited -= millis(burstSleep)
	}
	result.Ratio = ratio(waited, b.r.Single.P50)
	b.r.Bursts = append(b.r.Bursts, result)
	return nil
}

// burstAnswer is one answer in a burst.
type burstAnswer struct {
	took   time.Duration
	timing timing
	err    error
}

// burst sends all requests of one burst at once, to the functions in turns, and watches the memory meanwhile.
func (b *burstRun) burst(ctx context.Context, names []string) ([]burstAnswer, error) {
	all := make([]burstAnswer, b.o.Width)
	watched := b.watchMemory(ctx)
	var requests sync.WaitGroup
	start := make(chan struct{})
	for i := range all {
		requests.Go(func() {
			<-start
			a := &all[i]
			a.took, a.timing, a.err = b.invoke(ctx, target{function: names[i%len(names)]})
		})
	}
	at := span{from: time.Now()}
	close(start)
	requests.Wait()
	at.to = time.Now()
	b.spans = append(b.spans, at)
	return all, watched()
}

// memoryPoll is how often the reserved memory is read during a burst.
const memoryPoll = 20 * time.Millisecond

// watchMemory notes the most memory that is reserved at a time until the function it returns is called.
func (b *burstRun) watchMemory(ctx context.Context) func() error {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { // ends with cancel; the returned function waits
		for {
			s, err := b.status(ctx)
			if err == nil {
				b.r.ReservedMB = max(b.r.ReservedMB, round(float64(s.ReservedBytes)/1e6))
				b.r.BudgetMB = round(float64(s.BudgetBytes) / 1e6)
				err = pause(ctx, memoryPoll)
			}
			if ctx.Err() != nil {
				err = nil
			}
			if err != nil || ctx.Err() != nil {
				done <- err
				return
			}
		}
	}()
	return func() error {
		cancel()
		return <-done
	}
}

// WriteTable writes r for people.
func (r *BurstReport) WriteTable(w io.Writer) error {
	fmt.Fprintf(w, "bursts of %d requests, %d rounds of each kind, %s %s\n\n", r.Width, r.Rounds, r.Runtime, r.where(r.Engine))
	t := tabwriter.NewWriter(w, 0, 8, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "ms\tp50\tp99\tmax\tp99 ÷ single\tfailed\tcold starts from\t")
	fmt.Fprintf(t, "single\t%.2f\t%.2f\t%.2f\t\t\t%s\t\n", r.Single.P50, r.Single.P99, r.Single.Max, bySource(r.SingleFrom))
	for _, b := range r.Bursts {
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t%d\t%s\t\n", b.Kind, b.P50, b.P99, b.Max, b.Ratio, b.Failed, bySource(b.From))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\none: to one function; each: to different ones; sleep: to one that takes a second, which the ratio leaves out\n"+
		"reserved: at most %.0f MB of %.0f MB\nwarm traffic to another function, %d/s: before %s; during %s; ratio of the p99: %.2f; failed: %d\n",
		r.ReservedMB, r.BudgetMB, r.WarmRate, r.WarmBefore, r.WarmDuring, r.WarmP99, r.WarmFailed)
	return err
}

// bySource is a count of cold starts in words.
func bySource(counts map[Source]int) string {
	var parts []string
	for _, s := range Sources {
		if n := counts[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", s, n))
		}
	}
	return strings.Join(parts, ", ")
}

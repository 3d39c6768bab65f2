package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"thaw.dev/thaw/client"
)

// LogsOptions say what Logs measures.
type LogsOptions struct {
	Setup
	// Runtime is python or nodejs, or the name of such a runtime.
	Runtime string
	// N is the number of samples of each kind, up to 1,000,000. 0 means LogsSamples.
	N int
}

func (o *LogsOptions) check() error {
	o.orUsual(&o.N, LogsSamples)
	return within("samples", o.N, maxSamples)
}

// LogsReport is the result of Logs. Its JSON form is stable. Times are from the handler's writing of a line, by its own clock,
// until a client has it. The handler goes on meanwhile.
type LogsReport struct {
	Name    string  `json:"name"` // "logs"
	Engine  string  `json:"engine"`
	Runtime string  `json:"runtime"`
	Poll    Latency `json:"poll"` // by FilterLogEvents, asked every PollMS
	Tail    Latency `json:"tail"` // by StartLiveTail
	PollMS  float64 `json:"poll_ms"`
	Filter  Latency `json:"filter"` // of a FilterLogEvents request that finds the line
	Clock   Clock   `json:"clock"`
	Machine
}

const (
	// logsPoll is the time between two requests of a client that polls.
	logsPoll = 20 * time.Millisecond
	// logsGoesOn is how long the handler goes on after it wrote.
	logsGoesOn = 300 * time.Millisecond
	// logsTimeout bounds the wait for a line.
	logsTimeout = 30 * time.Second
)

// Logs measures how long a line of a function's log takes until clients have it, on a warm environment.
func Logs(ctx context.Context, o LogsOptions) (_ *LogsReport, err error) {
	o.look(ctx)
	if err := o.check(); err != nil {
		return nil, err
	}
	o.step("start a server")
	d, err := startServer(ctx, &o.Setup, warmFlags()...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	f, dep, err := d.describe(ctx, &o.Setup, o.Runtime)
	if err != nil {
		return nil, err
	}
	if f.code == "" {
		return nil, fmt.Errorf("%w: logs are measured with python and nodejs", ErrUnavailable)
	}
	text, err := functions.ReadFile("functions/logging" + filepath.Ext(f.code))
	if err != nil {
		return nil, err
	}
	if dep.zip, err = zipOf(f.code, text, 0o644); err != nil {
		return nil, err
	}
	if err := d.create(ctx, logsFunction, dep); err != nil {
		return nil, err
	}
	r := &LogsReport{Name: "logs", Engine: o.Engine, Runtime: dep.runtime, PollMS: millis(logsPoll), Machine: o.machine()}
	if err := d.logs(ctx, &o, r); err != nil {
		return nil, err
	}
	return r, nil
}

const (
	logsFunction = "logging"
	logsGroup    = "/aws/lambda/" + logsFunction
)

func (d *server) logs(ctx context.Context, o *LogsOptions, r *LogsReport) error {
	const skip = 3
	var poll, tail, filter samples
	clock := clockOf(&o.Setup)
	if err := d.compareClocks(ctx, clock); err != nil {
		return err
	}
	r.Clock = clock.result()
	o.step("take %d samples of a client that polls", o.N)
	for i := range skip + o.N {
		var last time.Duration
		took, err := d.seen(ctx, clock, fmt.Sprintf("poll-%d", i), func(ctx context.Context, id string) (line string, err error) {
			line, last, err = d.pollFor(ctx, id)
			return line, err
		})
		if err != nil {
			return fmt.Errorf("sample %d: %w", i, err)
		}
		if i >= skip {
			poll.add(took)
			filter.add(last)
		}
	}
	o.step("take %d samples of a live tail", o.N)
	t, err := d.client.StartLiveTail(ctx, []string{logsGroupARN()}, "")
	if err != nil {
		return err
	}
	defer func() { _ = t.Close() }() // only read from
	for i := range skip + o.N {
		took, err := d.seen(ctx, clock, fmt.Sprintf("tail-%d", i), func(ctx context.Context, id string) (string, error) { return tailFor(ctx, t, id) })
		if err != nil {
			return fmt.Errorf("sample %d: %w", i, err)
		}
		if i >= skip {
			tail.add(took)
		}
	}
	r.Poll, r.Tail, r.Filter = poll.latency(), tail.latency(), filter.latency()
	return nil
}

// seen has the function write a line that begins with id, and returns how long it took from there until wait returned it.
func (d *server) seen(ctx context.Context, clock *clockBounds, id string, wait func(ctx context.Context, id string) (line string, err error)) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, logsTimeout, errors.New("the line did not come"))
	defer cancel()
	answered := make(chan error, 1)
	go func() { // ends with the invocation; the end of this function waits
		out, err := d.client.Invoke(ctx, client.InvokeInput{Function: logsFunction, Payload: fmt.Appendf(nil, `{"id":%q,"goes_on":%g}`, id, logsGoesOn.Seconds())})
		if err == nil && out.FunctionError != "" {
			err = fmt.Errorf("the function failed: %.500s", out.Payload)
		}
		if err != nil {
			cancel()
		}
		answered <- err
	}()
	line, err := wait(ctx, id)
	at := time.Now()
	if err := errors.Join(err, <-answered); err != nil {
		return 0, err
	}
	f := strings.Fields(line)
	written, err := strconv.ParseInt(f[len(f)-1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the function wrote %.100q", line)
	}
	return at.Sub(clock.hosts(time.Unix(0, written))), nil
}

// compareClocks asks the function for its clock a few times.
func (d *server) compareClocks(ctx context.Context, clock *clockBounds) error {
	const times = 20
	for range times {
		sent := time.Now()
		out, err := d.client.Invoke(ctx, client.InvokeInput{Function: logsFunction, Payload: []byte(`{"clock":true}`)})
		if err != nil {
			return err
		}
		received := time.Now()
		ns, err := strconv.ParseInt(strings.Trim(string(out.Payload), `"`), 10, 64)
		if err != nil || out.FunctionError != "" {
			return fmt.Errorf("the function answers %.100q", out.Payload)
		}
		clock.compare(sent, time.Unix(0, ns), received)
	}
	return nil
}

// pollFor asks until the line with id is there; took is how long the request took that found it.
func (d *server) pollFor(ctx context.Context, id string) (line string, took time.Duration, err error) {
	for {
		begin := time.Now()
		page, err := d.client.FilterLogEvents(ctx, client.FilterLogEventsInput{LogGroupName: logsGroup, FilterPattern: strconv.Quote(id + " "), Start: begin.Add(-logsTimeout)})
		if err != nil && !client.IsCode(err, "ResourceNotFoundException") { // the first line makes the group
			return "", 0, err
		}
		if len(page.Events) > 0 {
			return page.Events[0].Message, time.Since(begin), nil
		}
		if err := pause(ctx, logsPoll); err != nil {
			return "", 0, err
		}
	}
}

// tailFor reads until the line with id comes. The tail sends something each second, so that the end of ctx is noticed.
func tailFor(ctx context.Context, t *client.LiveTail, id string) (string, error) {
	for ctx.Err() == nil {
		events, err := t.Next()
		if err != nil {
			return "", err
		}
		for _, e := range events {
			if strings.Contains(e.Message, id+" ") {
				return e.Message, nil
			}
		}
	}
	return "", context.Cause(ctx)
}

// logsGroupARN names the log group as StartLiveTail wants it.
func logsGroupARN() string {
	a := strings.Split(role, ":")
	return "arn:aws:logs:us-east-1:" + a[4] + ":log-group:" + logsGroup
}

// WriteTable writes r for people.
func (r *LogsReport) WriteTable(w io.Writer) error {
	_, err := fmt.Fprintf(w, "A line of a function's log until a client has it, %s %s\n\nFilterLogEvents, every %.0f ms   %s\nits request                    %s\nStartLiveTail                  %s%s\n",
		r.Runtime, r.where(r.Engine), r.PollMS, r.Poll, r.Filter, r.Tail, r.Clock)
	return err
}

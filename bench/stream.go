package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/lambda"
)

// StreamOptions say what Stream measures.
type StreamOptions struct {
	Setup
	// Runtime is as in WarmOptions; it must be a Node.js, the only bundled runtime that streams.
	Runtime string
	// N is the number of samples of the first byte, up to 1,000,000. 0 means StreamSamples.
	N int
	// Bytes is the length of the answers whose rate is measured, up to 200 MiB. 0 means StreamBytes.
	Bytes int
}

// streamAnswers is how many long answers are measured.
const streamAnswers = 5

func (o *StreamOptions) check() error {
	o.orUsual(&o.N, StreamSamples)
	o.orUsual(&o.Bytes, StreamBytes)
	return errors.Join(within("samples", o.N, maxSamples), within("bytes", o.Bytes, 200<<20))
}

// StreamReport is the result of Stream. Its JSON form is stable.
type StreamReport struct {
	Name    string `json:"name"` // "stream"
	Engine  string `json:"engine"`
	Runtime string `json:"runtime"`
	// First is how long the first byte took from the function's write to the client, by the function's clock.
	First Latency `json:"first"`
	Clock Clock   `json:"clock"`
	Bytes int     `json:"bytes"`    // of one long answer
	Rate  float64 `json:"mb_per_s"` // median of the long answers, in 10^6 bytes per second, from request to end
	Machine
}

// Stream measures streamed answers of a warm environment, on a server that does not bound their rate.
func Stream(ctx context.Context, o StreamOptions) (_ *StreamReport, err error) {
	o.look(ctx)
	if err := o.check(); err != nil {
		return nil, err
	}
	o.step("start a server")
	d, err := startServer(ctx, &o.Setup, append(warmFlags(), "--stream-rate=0")...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	runtime, err := d.runtime(ctx, &o.Setup, o.Runtime)
	if err != nil {
		return nil, err
	}
	if runtime.Family != lambda.FamilyNode {
		return nil, fmt.Errorf("%w: %s has no streaming handlers, nodejs has", ErrUnavailable, runtime.Name)
	}
	text, err := functions.ReadFile("functions/streaming.mjs")
	if err != nil {
		return nil, err
	}
	archive, err := zipOf("index.mjs", text, 0o644)
	if err != nil {
		return nil, err
	}
	r := &StreamReport{Name: "stream", Engine: o.Engine, Runtime: runtime.Name, Bytes: o.Bytes, Machine: o.machine()}
	if err := d.create(ctx, "stream", deployment{runtime: r.Runtime, handler: "index.handler", zip: archive, memoryMB: lambda.MemoryMBPerCPU}); err != nil {
		return nil, err
	}
	o.step("take %d samples", o.N)
	var first samples
	skip := min(20, o.N)
	clock := clockOf(&o.Setup)
	for i := range skip + o.N {
		sent := time.Now()
		written, received, err := d.firstByte(ctx)
		if err != nil {
			return nil, fmt.Errorf("sample %d: %w", i+1, err)
		}
		if i < skip {
			clock.compare(sent, written, received)
		} else {
			first.add(received.Sub(clock.hosts(written)))
		}
	}
	r.Clock = clock.result()
	o.step("stream %d answers of %d bytes", streamAnswers, o.Bytes)
	var rates []float64
	for range streamAnswers {
		rate, err := d.longAnswer(ctx, o.Bytes)
		if err != nil {
			return nil, err
		}
		rates = append(rates, rate)
	}
	r.First, r.Rate = first.latency(), math.Round(median(rates))
	return r, nil
}

// firstByte returns when the first part of an answer was written, which is what it says, and when it came.
func (d *server) firstByte(ctx context.Context) (written, received time.Time, err error) {
	b, received, err := d.stream(ctx, "{}")
	if err != nil {
		return written, received, err
	}
	ms, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return written, received, fmt.Errorf("the function answers %.100q", b)
	}
	return time.UnixMilli(ms), received, nil
}

// longAnswer returns at what rate an answer of n bytes came.
func (d *server) longAnswer(ctx context.Context, n int) (mbPerSecond float64, err error) {
	begin := time.Now()
	b, _, err := d.stream(ctx, fmt.Sprintf(`{"bytes":%d}`, n))
	if err == nil && len(b) != n {
		err = fmt.Errorf("the function answers %d bytes instead of %d", len(b), n)
	}
	return float64(n) / 1e6 / time.Since(begin).Seconds(), err
}

// stream invokes the function and returns its answer and when its first part came.
func (d *server) stream(ctx context.Context, event string) (answer []byte, first time.Time, err error) {
	s, err := d.client.InvokeStream(ctx, client.InvokeInput{Function: "stream", Payload: []byte(event)})
	if err != nil {
		return nil, first, err
	}
	defer func() { _ = s.Close() }() // only read from
	part := make([]byte, 64<<10)
	var all bytes.Buffer
	for {
		n, err := s.Read(part)
		if first.IsZero() {
			first = time.Now()
		}
		all.Write(part[:n])
		switch {
		case errors.Is(err, io.EOF) && s.End().ErrorCode != "":
			return nil, first, fmt.Errorf("the function failed: %.500s", s.End().ErrorDetails)
		case errors.Is(err, io.EOF):
			return all.Bytes(), first, nil
		case err != nil:
			return nil, first, err
		}
	}
}

// WriteTable writes r for people.
func (r *StreamReport) WriteTable(w io.Writer) error {
	_, err := fmt.Fprintf(w, "streamed answers, %s %s\n\nfirst byte after the function's write   %s%s\n%d bytes, unthrottled   %.0f MB/s (median of %d)\n",
		r.Runtime, r.where(r.Engine), r.First, r.Clock, r.Bytes, r.Rate, streamAnswers)
	return err
}

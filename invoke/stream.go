package invoke

import (
	"context"
	"time"

	"thaw.dev/thaw/link"
)

// StreamBurst is how many bytes of a streamed answer pass at any rate, and DefaultStreamRate the average rate after
// that, in bytes per second. Source: AWS Lambda developer guide, "Response streaming", bandwidth limits.
const (
	StreamBurst       = 6 << 20
	DefaultStreamRate = 2 << 20
)

// Sink takes a streamed answer as the function makes it. Its calls come from the goroutine that called Stream, in order.
type Sink interface {
	// Begin is called once, before the first Write, when the function begins to answer; not at all if the invocation
	// fails before that.
	Begin(StreamHead)
	// Write takes the next bytes, at least one and at most 64 KiB, which are valid until it returns. They are to be on
	// their way to the caller by then: nothing else flushes them. It must return by the time given; until it does, the
	// function waits as soon as it has filled the channel between. An error, which nobody reads, means that the caller
	// takes no more: Write is not called again, and the function runs to its end.
	Write(p []byte, by time.Time) error
}

// StreamHead is what is known of a streamed answer before its first byte.
type StreamHead struct {
	ExecutedVersion string  // "$LATEST" or a number
	ContentType     string  // what the function said; "" if nothing; not to be trusted to be of any form
	Phases          []Phase // all but PhaseInvoke, as in Result
	TraceID         string  // as in Result
}

// StreamResult is the end of a streamed answer, also of one that failed.
type StreamResult struct {
	ExecutedVersion string
	// ErrorType is what failed, as in the REPORT line: "Runtime.ExitError", "Sandbox.Timedout", …; "" if nothing did.
	// The function may have answered in part before.
	ErrorType    string
	ErrorPayload []byte // the error object; empty without ErrorType
	Begun        bool   // Sink.Begin was called
	Bytes        int64  // how many bytes the function answered with, whoever took them
	LogTail      []byte // as in Result
	Phases       []Phase
	TraceID      string // as in Result
}

// Stream runs one invocation as Sync does and gives the answer to to: bit by bit if the function streams it, else when
// it is complete. The first StreamBurst bytes pass at any rate, later ones at Options.StreamRate on average; like a slow
// caller, that makes the function wait, within its timeout. A caller that does not take the answer does not end the
// invocation. Errors are those of Sync; nothing was given to to then.
func (i *Invoker) Stream(ctx context.Context, req *Request, to Sink) (*StreamResult, error) {
	out := &output{to: to, rate: i.streamRate}
	result, err := i.run(ctx, req, out)
	if err != nil {
		return nil, err
	}
	s := &StreamResult{
		ExecutedVersion: result.ExecutedVersion, ErrorType: result.ErrorType, Bytes: result.StreamedBytes,
		LogTail: result.LogTail, Phases: result.Phases, TraceID: result.TraceID,
	}
	switch {
	case s.ErrorType != "":
		s.ErrorPayload = result.Payload
	case !out.begun: // the function did not stream; its environment is free already
		s.Bytes = int64(len(result.Payload))
		out.whole(result)
	}
	s.Begun = out.begun
	return s, nil
}

// Patience with callers that do not take what they asked for.
const (
	// maxStall is how long a caller may take for one write before it counts as gone. The function's own time bounds it
	// further: half of what it has left, so that it comes to its end although nobody listens.
	maxStall = 30 * time.Second
	// minStall is what a caller has even when the function has no time left.
	minStall = 250 * time.Millisecond
	// maxWrite is the largest write, which makes maxStall a rate of some 2 KB/s.
	maxWrite = 64 << 10
)

// output stands between a runtime and a Sink: it holds the rate and notices who left.
type output struct {
	to       Sink
	rate     int64 // bytes per second; 0: any
	head     StreamHead
	deadline time.Time // the invocation's
	begun    bool
	gone     bool // nobody takes what still comes
	credit   float64
	since    time.Time // when credit was right
}

// from prepares the output for an answer of r's environment.
func (o *output) from(r *run) link.Receiver {
	o.head = StreamHead{ExecutedVersion: r.env.Function.Version, Phases: phases(r.env, r.first, 0), TraceID: r.trace.header}
	o.head.Phases = o.head.Phases[:len(o.head.Phases)-1] // the invocation itself goes on
	o.deadline = r.deadline
	return o
}

// Open begins the answer.
func (o *output) Open(contentType string) {
	o.head.ContentType = contentType
	o.credit, o.since = StreamBurst, time.Now()
	o.begun = true
	o.to.Begin(o.head)
}

// Receive passes bytes on, no faster than allowed.
func (o *output) Receive(p []byte) {
	for len(p) > 0 && !o.gone {
		part := p[:min(len(p), maxWrite)]
		p = p[len(part):]
		if o.wait(len(part)); !time.Now().Before(o.deadline) {
			return // the caller has time left, the function has none: it is told so when it is read from next
		}
		o.write(part)
	}
}

// whole passes on an answer that was not streamed. The caller's time is all its own: no function waits for it.
func (o *output) whole(result *Result) {
	o.deadline = time.Time{}
	o.begun = true
	o.to.Begin(StreamHead{
		ExecutedVersion: result.ExecutedVersion, ContentType: "application/json",
		Phases: result.Phases[:max(0, len(result.Phases)-1)], TraceID: result.TraceID,
	})
	for p := result.Payload; len(p) > 0 && !o.gone; {
		part := p[:min(len(p), maxWrite)]
		p = p[len(part):]
		o.write(part)
	}
}

func (o *output) write(p []byte) {
	patience := maxStall
	if !o.deadline.IsZero() {
		patience = max(minStall, min(patience, time.Until(o.deadline)/2))
	}
	o.gone = o.to.Write(p, time.Now().Add(patience)) != nil
}

// wait returns when n more bytes are within the rate, or at the deadline. It is a bucket of StreamBurst bytes that fills
// at the rate.
func (o *output) wait(n int) {
	if o.rate == 0 {
		return
	}
	now := time.Now()
	o.credit = min(StreamBurst, o.credit+now.Sub(o.since).Seconds()*float64(o.rate)) - float64(n)
	o.since = now
	if o.credit < 0 {
		pause := time.Duration(-o.credit / float64(o.rate) * float64(time.Second))
		time.Sleep(min(pause, time.Until(o.deadline)))
	}
}

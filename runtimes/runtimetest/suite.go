package runtimetest

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
)

// WantLimits asks for answers on both sides of every limit a function that answers a number with a string of that length,
// and another event with that and around bytes more; "exit" ends it with status 9.
func (p *Process) WantLimits(t *testing.T, around int) {
	t.Helper()
	const most = lambda.MaxResponseBytes
	for size, tooLarge := range map[int]bool{lambda.MaxSyncPayloadBytes: false, most - around + 1: true} {
		reply, err := p.Call(t, "id-3", `"`+strings.Repeat("e", size-2)+`"`)
		if err != nil || reply.Failed || reply.TooLarge != tooLarge || !tooLarge && len(reply.Payload) != size+around {
			t.Errorf("answer of %d bytes, too large %v, failed %v, error %v", len(reply.Payload), reply.TooLarge, reply.Failed, err)
		}
	}
	for size, tooLarge := range map[int]bool{0: false, most - 2: false, most - 1: true, 20_000_000: true} { // and two quotes
		reply, err := p.Call(t, "id-4", strconv.Itoa(size))
		if err != nil || reply.Failed || !reply.Idle || reply.TooLarge != tooLarge {
			t.Errorf("answer of %d bytes: too large %v, idle %v, error %v", size, reply.TooLarge, reply.Idle, err)
		}
	}
	var exit *link.ExitError
	if _, err := p.Call(t, "id-5", `"exit"`); !errors.As(err, &exit) || exit.Code != 9 {
		t.Errorf("got %v, want exit status 9", err)
	}
}

// LogComesBeforeResult has code, which writes as many x to its standard output as its event says, write far more than the
// log pipe holds.
func LogComesBeforeResult(t *testing.T, boot Bootstrap, code string) {
	t.Helper()
	p := Start(t, boot)
	if err := p.Become(t, code); err != nil {
		t.Fatal(err)
	}
	var seen int
	logs, err := link.NewLogs(p.Logs, func(b []byte) { seen += bytes.Count(b, []byte("x")) })
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan struct{})
	go func() { // ends with the process, since the pipe then does
		defer close(ran)
		logs.Run()
	}()
	for total := 0; total < 10<<19; {
		total += 1 << 19
		if _, err := p.Call(t, "id", "524288"); err != nil {
			t.Fatal(err)
		}
		logs.Drain()
		logs.Drain() // waits for a sink that is running, so that seen can be read
		if seen != total {
			t.Fatalf("%d bytes of log came with the result, want %d", seen, total)
		}
	}
	p.Kill()
	<-ran
}

// BenchmarkWarm measures a round trip between the host and a warm function over a socket pair, without a sandbox. code
// answers an event's name.
func BenchmarkWarm(b *testing.B, boot Bootstrap, code string) {
	b.Helper()
	p := Start(b, boot)
	if err := p.Become(b, code); err != nil {
		b.Fatal(err)
	}
	ev := link.Event{EventMeta: link.EventMeta{ID: "8476a536-e9f4-11e8-9739-2dfe598c3fcd", ARN: "arn"}, Payload: []byte(`{"name":"world"}`)}
	deadline := time.Now().Add(time.Hour)
	var took []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		begin := time.Now()
		reply, err := p.Invoke(&ev, deadline, lambda.MaxResponseBytes)
		if err != nil || reply.Failed || !reply.Idle {
			b.Fatalf("reply %+v, error %v", reply, err)
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
}

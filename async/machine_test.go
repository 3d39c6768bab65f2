package async_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"thaw.dev/thaw/destination"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

const (
	queueARN = "arn:aws:sqs:us-east-1:000000000000:q"
	topicARN = "arn:aws:sns:us-east-1:000000000000:t"
	busARN   = "arn:aws:events:us-east-1:000000000000:event-bus/b"
)

// gaps are the times between calls, and from begin to the first.
func gaps(begin time.Time, calls []call) []time.Duration {
	var d []time.Duration
	for _, c := range calls {
		d = append(d, c.at.Sub(begin).Round(10*time.Millisecond))
		begin = c.at
	}
	return d
}

func TestSuccess(t *testing.T) {
	inBubble(t, ok, func(r *lambda.EventRules) { r.OnSuccess, r.OnFailure, r.DeadLetter = queueARN, topicARN, topicARN }, func(t *testing.T, b *bench) {
		id := b.send(t, "f", "", `{"a":"<1>"}`)
		synctest.Wait()
		sent := b.out.got()
		if len(sent) != 1 || sent[0].Target != queueARN || !sent[0].Success || sent[0].DeadLetter {
			t.Fatalf("sent %+v", sent)
		}
		want := `{"version":"1.0","timestamp":"2000-01-01T00:00:00.000Z","requestContext":{"requestId":"` + id +
			`","functionArn":"arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST","condition":"Success","approximateInvokeCount":1},` +
			`"requestPayload":{"a":"<1>"},"responseContext":{"statusCode":200,"executedVersion":"$LATEST"},"responsePayload":"done"}`
		if string(sent[0].Body) != want {
			t.Errorf("got  %s\nwant %s", sent[0].Body, want)
		}
		if n := b.store.left(); n != 0 {
			t.Errorf("%d events left in the store", n)
		}
		if got := b.Totals(); got.Accepted != 1 || got.Succeeded != 1 || got.Delivered != 1 {
			t.Errorf("totals %+v", got)
		}
	})
}

// A function that fails: three attempts with the same request id, a minute and two minutes apart; then destination and
// dead letter queue both.
func TestRetriesExhausted(t *testing.T) {
	inBubble(t, failing, nil, func(t *testing.T, b *bench) {
		r := defaults()
		r.OnSuccess, r.OnFailure, r.DeadLetter = busARN, queueARN, topicARN
		b.plane.set("f:live", r)
		begin := time.Now()
		id := b.send(t, "f", "live", `{"a":1}`)
		time.Sleep(10 * time.Minute)
		calls := b.runs.made()
		if got := gaps(begin, calls); !reflect.DeepEqual(got, []time.Duration{0, time.Minute, 2 * time.Minute}) {
			t.Errorf("attempts after %v", got)
		}
		for _, c := range calls {
			if c.id != id || c.payload != `{"a":1}` {
				t.Errorf("attempt %+v of request %s", c, id)
			}
		}
		sent := b.out.got()
		if len(sent) != 2 {
			t.Fatalf("sent %+v", sent)
		}
		if sent[0].Target != queueARN {
			sent[0], sent[1] = sent[1], sent[0]
		}
		want := `{"requestId":"` + id + `","functionArn":"arn:aws:lambda:us-east-1:000000000000:function:f:live","condition":"RetriesExhausted","approximateInvokeCount":3},` +
			`"requestPayload":{"a":1},"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},` +
			`"responsePayload":{"errorMessage":"boom","errorType":"E"}}`
		if !strings.HasSuffix(string(sent[0].Body), want) {
			t.Errorf("got  %s\nwant …%s", sent[0].Body, want)
		}
		dlq := sent[1]
		if dlq.Target != topicARN || !dlq.DeadLetter || string(dlq.Body) != `{"a":1}` || dlq.RequestID != id || dlq.ErrorCode != 200 || dlq.ErrorMessage != "boom" {
			t.Errorf("dead letter %+v", dlq)
		}
		if b.store.left() != 0 || len(b.Depths()) != 0 {
			t.Errorf("left: %d events, lanes %+v", b.store.left(), b.Depths())
		}
	})
}

func TestNumberOfAttempts(t *testing.T) {
	for retries := range 3 {
		inBubble(t, failing, func(r *lambda.EventRules) { r.MaxRetries, r.OnFailure = retries, queueARN }, func(t *testing.T, b *bench) {
			b.send(t, "f", "", `1`)
			time.Sleep(time.Hour)
			if n := len(b.runs.made()); n != retries+1 {
				t.Errorf("%d attempts with %d retries", n, retries)
			}
			b.wantRecord(t, `"condition":"RetriesExhausted"`)
		})
	}
}

// A throttle is tried again after a second, doubling up to five minutes, and does not count as an attempt.
func TestThrottlesDoNotCount(t *testing.T) {
	n := 0
	do := func(ctx context.Context, req *invoke.Request) (*invoke.Result, error) {
		if n++; n <= 12 {
			return throttled("ConcurrentInvocationLimitExceeded")(ctx, req)
		}
		return failing(ctx, req)
	}
	inBubble(t, do, func(r *lambda.EventRules) { r.OnFailure = queueARN }, func(t *testing.T, b *bench) {
		begin := time.Now()
		b.send(t, "f", "", `1`)
		time.Sleep(5 * time.Hour)
		var want []time.Duration
		for _, s := range []int{0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 60, 120} {
			want = append(want, time.Duration(s)*time.Second)
		}
		if got := gaps(begin, b.runs.made()); !reflect.DeepEqual(got, want) {
			t.Errorf("tries after\n%v, want\n%v", got, want)
		}
		b.wantRecord(t, `"condition":"RetriesExhausted","approximateInvokeCount":3`)
	})
}

func TestEventAgeExceeded(t *testing.T) {
	for name, do := range map[string]func(context.Context, *invoke.Request) (*invoke.Result, error){
		"throttled": throttled("ConcurrentInvocationLimitExceeded"),
		"ours":      func(context.Context, *invoke.Request) (*invoke.Result, error) { return nil, errors.New("disk on fire") },
		"failing":   failing,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, do, func(r *lambda.EventRules) { r.MaxAge, r.OnFailure, r.DeadLetter = 100*time.Second, queueARN, topicARN }, func(t *testing.T, b *bench) {
				b.send(t, "f", "", `1`)
				time.Sleep(99 * time.Second)
				synctest.Wait()
				if name != "failing" && len(b.out.got()) != 0 {
					t.Error("given up too early")
				}
				time.Sleep(2 * time.Second)
				synctest.Wait()
				sent := b.out.got()
				if len(sent) != 2 {
					t.Fatalf("sent %+v", sent)
				}
				for _, m := range sent {
					if m.DeadLetter {
						if code := m.ErrorCode; (code == 200) != (name == "failing") || m.ErrorMessage == "" {
							t.Errorf("dead letter %+v", m)
						}
						continue
					}
					rec := record(t, m.Body)
					if rec["requestContext"].(map[string]any)["condition"] != "EventAgeExceeded" {
						t.Errorf("record %s", m.Body)
					}
					if _, ran := rec["responseContext"]; ran != (name == "failing") {
						t.Errorf("record %s", m.Body)
					}
				}
			})
		})
	}
}

func TestZeroReservedConcurrency(t *testing.T) {
	inBubble(t, ok, func(r *lambda.EventRules) { r.Share.Reserved, r.OnFailure, r.DeadLetter = 0, queueARN, topicARN }, func(t *testing.T, b *bench) {
		b.send(t, "f", "", `1`)
		synctest.Wait()
		if len(b.runs.made()) != 0 {
			t.Error("it ran")
		}
		sent := b.out.got()
		if len(sent) != 2 {
			t.Fatalf("sent %+v", sent)
		}
		for _, m := range sent {
			if rec := string(m.Body); !m.DeadLetter && (!strings.Contains(rec, `"condition":"ZeroReservedConcurrency","approximateInvokeCount":0}`) || strings.Contains(rec, "response")) {
				t.Errorf("record %s", rec)
			}
		}
	})
}

func TestLoop(t *testing.T) {
	do := func(context.Context, *invoke.Request) (*invoke.Result, error) {
		return nil, lambda.Errorf(lambda.KindRecursive, "a loop")
	}
	inBubble(t, do, func(r *lambda.EventRules) { r.OnFailure = queueARN }, func(t *testing.T, b *bench) {
		b.send(t, "f", "", `1`)
		synctest.Wait()
		b.wantRecord(t, `"condition":"RecursiveInvocation","approximateInvokeCount":0`)
	})
}

func TestDroppedWhenTheFunctionIsGone(t *testing.T) {
	inBubble(t, failing, nil, func(t *testing.T, b *bench) {
		b.send(t, "f", "", `1`)
		b.send(t, "g", "", `1`)
		synctest.Wait()
		if b.Totals().Dropped != 1 || b.store.left() != 1 {
			t.Errorf("totals %+v, %d left", b.Totals(), b.store.left())
		}
		b.plane.mu.Lock()
		delete(b.plane.rules, "f")
		b.plane.mu.Unlock()
		time.Sleep(2 * time.Minute)
		if b.Totals().Dropped != 2 || b.store.left() != 0 || len(b.runs.made()) != 1 {
			t.Errorf("totals %+v, %d left", b.Totals(), b.store.left())
		}
	})
}

// A destination that is a function gets the record as an asynchronous invocation, with the trace's lineage.
func TestDestinationIsAFunction(t *testing.T) {
	var traces []string
	do := func(ctx context.Context, req *invoke.Request) (*invoke.Result, error) {
		traces = append(traces, req.TraceID)
		return ok(ctx, req)
	}
	toG := func(r *lambda.EventRules) { r.OnSuccess = lambda.FunctionARN("us-east-1", account, "g", "live") }
	inBubble(t, do, toG, func(t *testing.T, b *bench) {
		b.plane.set("g:live", defaults())
		id := b.send(t, "f", "", `1`)
		synctest.Wait()
		calls := b.runs.made()
		if len(calls) != 2 || calls[1].name != "g" || calls[1].id == id || record(t, []byte(calls[1].payload))["requestPayload"] != 1.0 {
			t.Fatalf("calls %+v", calls)
		}
		if _, passes := lambda.Lineage(traces[1], account, "f"); passes != 1 {
			t.Errorf("trace %q", traces[1])
		}
		if b.store.left() != 0 {
			t.Error("events left")
		}
	})
}

// An unreachable target is tried until the event's delivery age is over; then the record is kept, and redrive brings it.
func TestUndelivered(t *testing.T) {
	inBubble(t, ok, func(r *lambda.EventRules) { r.OnSuccess, r.MaxAge = queueARN, time.Hour }, func(t *testing.T, b *bench) {
		b.out.set(errors.New("connection refused"))
		id := b.send(t, "f", "", `1`)
		time.Sleep(30 * time.Minute)
		if d := b.Depths(); len(d) != 1 || d[0].Later != 1 || d[0].Target != queueARN || d[0].LastError != "connection refused" {
			t.Errorf("lanes %+v", d)
		}
		time.Sleep(time.Hour)
		if d := b.Depths(); len(d) != 1 || d[0].Undelivered != 1 {
			t.Errorf("lanes %+v", d)
		}
		failures := b.Totals().DeliveryFailures
		time.Sleep(24 * time.Hour)
		if b.Totals().DeliveryFailures != failures || len(b.runs.made()) != 1 {
			t.Error("it is tried still")
		}

		b.Close() // and a process that starts anew
		b.open()
		if e := b.Entries(asyncID(id), 10); len(e) != 1 || e[0].State != "undelivered" || e[0].LastError != "connection refused" || e[0].RequestID != id {
			t.Errorf("entries %+v", e)
		}
		b.out.set(nil)
		if n := b.Redrive(asyncID(id)); n != 1 {
			t.Errorf("%d redriven", n)
		}
		synctest.Wait()
		if sent := b.out.got(); len(sent) != 1 || sent[0].RequestID != id || b.store.left() != 0 {
			t.Errorf("sent %+v, %d left", sent, b.store.left())
		}
	})
}

func TestPurge(t *testing.T) {
	inBubble(t, failing, nil, func(t *testing.T, b *bench) {
		b.plane.set("g", defaults())
		b.send(t, "f", "", `1`)
		b.send(t, "g", "", `1`)
		synctest.Wait()
		n, err := b.Purge(t.Context(), selection("f"))
		if err != nil || n != 1 || b.store.left() != 1 {
			t.Errorf("%d purged, %v, %d left", n, err, b.store.left())
		}
		time.Sleep(time.Hour)
		if calls := b.runs.made(); len(calls) != 4 {
			t.Errorf("calls %+v", calls)
		}
	})
}

func TestTooLargeForTheTarget(t *testing.T) {
	inBubble(t, ok, func(r *lambda.EventRules) { r.OnSuccess = queueARN }, func(t *testing.T, b *bench) {
		b.out.set(destination.ErrTooLarge)
		b.send(t, "f", "", `1`)
		synctest.Wait()
		if d := b.Depths(); len(d) != 1 || d[0].Undelivered != 1 {
			t.Errorf("lanes %+v", d)
		}
	})
}

// Progress survives the process: the attempts that were made count, and the time of the next one stays.
func TestRestartBetweenAttempts(t *testing.T) {
	inBubble(t, failing, func(r *lambda.EventRules) { r.OnFailure = queueARN }, func(t *testing.T, b *bench) {
		begin := time.Now()
		b.send(t, "f", "", `1`)
		time.Sleep(30 * time.Second)
		b.Close()
		b.open()
		time.Sleep(45 * time.Second)
		b.Close()
		time.Sleep(10 * time.Minute)
		b.open()
		synctest.Wait()
		if got := gaps(begin, b.runs.made()); !reflect.DeepEqual(got, []time.Duration{0, time.Minute, 615 * time.Second}) {
			t.Errorf("attempts after %v", got)
		}
		b.wantRecord(t, `"approximateInvokeCount":3`)
	})
}

// What the end of the server ends is not the function's failure.
func TestStopWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		b := newBench(func(ctx context.Context, req *invoke.Request) (*invoke.Result, error) {
			<-end
			return failing(ctx, req)
		}).open()
		b.send(t, "f", "", `1`)
		synctest.Wait()
		b.Stop()
		close(end)
		b.Close()
		if heads := b.store.Recovered(); len(heads) != 1 || heads[0].Progress.Attempts != 0 {
			t.Errorf("left %+v", heads)
		}
	})
}

// A store that cannot be written loses nothing that was accepted.
func TestStoreFails(t *testing.T) {
	inBubble(t, ok, func(r *lambda.EventRules) { r.OnSuccess = queueARN }, func(t *testing.T, b *bench) {
		b.runs.do = func(ctx context.Context, req *invoke.Request) (*invoke.Result, error) {
			b.store.mu.Lock()
			b.store.fail = errors.New("no space left on device")
			b.store.mu.Unlock()
			return ok(ctx, req)
		}
		b.send(t, "f", "", `1`)
		time.Sleep(time.Minute)
		if err := b.Enqueue(t.Context(), &invoke.Request{ID: "x", Function: "f"}); err == nil {
			t.Error("an event was accepted that is nowhere")
		}
		b.runs.mu.Lock()
		b.runs.do = ok
		b.runs.mu.Unlock()
		b.store.mu.Lock()
		b.store.fail = nil
		b.store.mu.Unlock()
		time.Sleep(10 * time.Minute)
		if sent := b.out.got(); len(sent) != 1 || b.store.left() != 0 {
			t.Errorf("sent %+v, %d left", sent, b.store.left())
		}
	})
}

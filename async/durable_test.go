package async_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/async"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// begun tells of each invocation of one function that begins.
type begun struct {
	function string
	at       chan time.Time
}

func (b *begun) invoke(ctx context.Context, req *invoke.Request) (*invoke.Result, error) {
	if req.Function == b.function {
		b.at <- time.Now()
	}
	return ok(ctx, req)
}

// openStore opens the real queue on disk.
func openStore(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// With 100,000 events of one function on disk, taken up by a start, those of another begin within a second.
func TestDurableBacklogDoesNotDelayOthers(t *testing.T) {
	testenv.Short(t)
	const backlog, probes, writers = 100_000, 100, 64
	dir := t.TempDir()
	s := openStore(t, dir)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := w; i < backlog; i += writers {
				_, err := s.Events().Add(t.Context(), &store.Event{
					EventHead: store.EventHead{ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), Account: account, Function: "f", Accepted: time.Now().UTC()},
					Payload:   []byte(`{"some":"event"}`),
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir)
	defer func() { _ = s.Close() }()

	p := &plane{}
	p.set("f", defaults())
	p.set("g", defaults())
	runs := &begun{function: "g", at: make(chan time.Time, probes)}
	q := async.Open(async.Options{
		Region: "us-east-1", Store: s.Events(), Functions: p, Invoker: &runner{do: runs.invoke}, Sender: &outside{}, Logger: discard(),
	})
	defer q.Close()
	if q.Depths()[0].Due < backlog*9/10 {
		t.Fatalf("the start took up %+v", q.Depths())
	}
	var worst time.Duration
	for i := range probes {
		sent := time.Now()
		id := fmt.Sprintf("00000000-0000-4000-9000-%012d", i)
		if err := q.Enqueue(t.Context(), &invoke.Request{ID: id, Account: account, Function: "g", ARN: lambda.FunctionARN("us-east-1", account, "g", "")}); err != nil {
			t.Fatal(err)
		}
		worst = max(worst, (<-runs.at).Sub(sent))
	}
	left := 0
	for _, d := range q.Depths() {
		if d.Function == "f" {
			left = d.Due
		}
	}
	t.Logf("longest delay %s, %d of the backlog left", worst, left)
	if worst > time.Second {
		t.Errorf("an event of another function began %s after it was sent", worst)
	}
	if left == 0 {
		t.Error("the backlog was over before the last event of the other function was sent")
	}
}

package async_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"thaw.dev/thaw/async"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

func selection(function string) async.Selection { return async.Selection{Function: function} }

func asyncID(id string) async.Selection { return async.Selection{RequestID: id} }

// host admits as many invocations at once as it has room for, and no more than reserved of the function called few.
type host struct {
	room, few int
	takes     time.Duration

	mu      sync.Mutex
	running map[string]int
	most    map[string]int
}

func (h *host) invoke(ctx context.Context, req *invoke.Request) (*invoke.Result, error) {
	h.mu.Lock()
	all := 0
	for _, n := range h.running {
		all += n
	}
	if all >= h.room {
		h.mu.Unlock()
		return throttled("ConcurrentInvocationLimitExceeded")(ctx, req)
	}
	h.running[req.Function]++
	h.most[req.Function] = max(h.most[req.Function], h.running[req.Function])
	h.mu.Unlock()
	time.Sleep(h.takes)
	h.mu.Lock()
	h.running[req.Function]--
	h.mu.Unlock()
	return ok(ctx, req)
}

// mostOf is how many invocations of a function there were at once.
func (h *host) mostOf(function string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.most[function]
}

// fill leaves the host with no more room than its invocations take now.
func (h *host) fill() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.room = 0
	for _, n := range h.running {
		h.room += n
	}
}

func newHost(room int, takes time.Duration) *host {
	return &host{room: room, takes: takes, running: map[string]int{}, most: map[string]int{}}
}

// A function with a backlog of 100,000 events does not delay another's event by more than a second; neither on a host with
// room for the account's concurrency, nor on one with room for 20 environments.
func TestBacklogDoesNotDelayOthers(t *testing.T) {
	for name, room := range map[string]int{"account": 1000, "host": 20} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(room, 50*time.Millisecond)
				b := newBench(h.invoke)
				b.plane.set("g", defaults())
				b.open()
				defer b.Close()
				const backlog = 100_000
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				for range backlog {
					b.send(t, "f", "", `1`)
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
				t.Logf("%d bytes of memory for each event, those of the store's double included", (int64(after.HeapAlloc)-int64(before.HeapAlloc))/backlog)
				refused := 0
				for i := range 40 {
					time.Sleep(time.Duration(100+37*i) * time.Millisecond)
					id := b.send(t, "g", "", `1`)
					synctest.Wait()
					e := b.Entries(asyncID(id), 1)
					if len(e) == 1 && e[0].State == "later" {
						refused++
						time.Sleep(time.Second)
						synctest.Wait()
						e = b.Entries(asyncID(id), 1)
					}
					if len(e) == 1 && e[0].State != "running" {
						t.Fatalf("event %d of the other function did not begin within a second: %+v", i, e)
					}
				}
				if refused > 4 {
					t.Errorf("%d of 40 events of the other function were refused at first", refused)
				}
				if most := h.mostOf("f"); most < room/2 {
					t.Errorf("the backlog had %d of %d places at most", most, room)
				}
				_, err := b.Purge(t.Context(), selection("f"))
				if err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// A backlog that was refused a moment ago, and has all the room that is left, makes room for another function's event
// all the same.
func TestBacklogMakesRoomAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(16, 50*time.Millisecond)
		b := newBench(h.invoke)
		b.plane.set("g", defaults())
		b.open()
		defer b.Close()
		for range 10_000 {
			b.send(t, "f", "", `1`)
		}
		for b.Totals().Refused == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(110 * time.Millisecond) // as many as its window allows now run
		h.fill()
		id := b.send(t, "g", "", `1`)
		time.Sleep(1100 * time.Millisecond) // an event that found no room is tried again after a second
		if e := b.Entries(asyncID(id), 1); len(e) == 1 {
			t.Errorf("the event did not run within a second: %+v", e)
		}
		if _, err := b.Purge(t.Context(), selection("f")); err != nil {
			t.Fatal(err)
		}
	})
}

// No more of a function run at once than its reserved concurrency, so that nothing is throttled.
func TestReservedConcurrencyBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(1000, time.Second)
		b := newBench(h.invoke).open()
		defer b.Close()
		r := defaults()
		r.Share = lambda.Share{Reserved: 3, Unreserved: 900}
		b.plane.set("f", r)
		for range 30 {
			b.send(t, "f", "", `1`)
		}
		time.Sleep(11 * time.Second) // one more than three at once need: the lane grows to that first
		if most := h.mostOf("f"); most != 3 || len(b.runs.made()) != 30 || b.store.left() != 0 {
			t.Errorf("%d at once, %d runs, %d left", most, len(b.runs.made()), b.store.left())
		}
	})
}

// The queue is bounded.
func TestFullQueueRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(failing)
		b.Queue = async.Open(async.Options{
			Region: "us-east-1", Store: b.store, Functions: b.plane, Invoker: b.runs, Sender: b.out, MaxEvents: 3, Logger: discard(),
		})
		defer b.Close()
		for range 3 {
			b.send(t, "f", "", `1`)
		}
		synctest.Wait()
		if err := b.Enqueue(t.Context(), &invoke.Request{ID: "x", Account: account, Function: "f"}); lambda.KindOf(err) != lambda.KindThrottled {
			t.Errorf("the fourth: %v", err)
		}
	})
}

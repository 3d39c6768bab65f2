package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/store"
)

func queued(i int) *store.Event {
	return &store.Event{
		EventHead: store.EventHead{
			ID: fmt.Sprintf("id-%05d", i), Account: account, Function: fmt.Sprintf("f-%d", i%3), Qualifier: "live",
			Accepted: time.UnixMilli(1_700_000_000_000 + int64(i)).UTC(),
		},
		ARN: "arn", TraceID: "Root=1", Payload: fmt.Appendf(nil, `{"n":%d}`, i),
	}
}

func add(t testing.TB, s *store.Store, e *store.Event) store.EventKey {
	t.Helper()
	key, err := s.Events().Add(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func mark(t testing.TB, s *store.Store, m store.Mark) {
	t.Helper()
	if err := s.Events().Mark(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func TestEventsSurviveWithTheirProgress(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	keys := make([]store.EventKey, 300)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() { keys[i] = add(t, s, queued(i)) })
	}
	wg.Wait()
	want := map[string]store.Progress{}
	for i, key := range keys {
		switch {
		case i%3 == 0:
			mark(t, s, store.Mark{Key: key, Finished: true})
		case i%3 == 1:
			p := store.Progress{Attempts: 1, Refusals: i, Next: time.UnixMilli(1_700_000_060_000).UTC(), LastError: "it failed"}
			mark(t, s, store.Mark{Key: key, Progress: store.Progress{Attempts: 9}})
			mark(t, s, store.Mark{Key: key, Progress: p})
			want[queued(i).ID] = p
		default:
			want[queued(i).ID] = store.Progress{}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(t, dir)
	heads := s.Events().Recovered()
	if len(heads) != len(want) {
		t.Errorf("%d events recovered, %d were unfinished", len(heads), len(want))
	}
	for _, h := range heads {
		var i int
		if _, err := fmt.Sscanf(h.ID, "id-%d", &i); err != nil {
			t.Fatal(err)
		}
		if p, ok := want[h.ID]; !ok || p != h.Progress {
			t.Errorf("%s: progress %+v, want %+v", h.ID, h.Progress, p)
		}
		e, err := s.Events().Read(t.Context(), h.Key)
		if err != nil {
			t.Fatal(err)
		}
		expect := queued(i)
		expect.Key = h.Key
		if e.EventHead != expect.EventHead || e.ARN != expect.ARN || e.TraceID != expect.TraceID || !bytes.Equal(e.Payload, expect.Payload) {
			t.Errorf("read %+v, added %+v", e, expect)
		}
		mark(t, s, store.Mark{Key: h.Key, Finished: true})
	}
	if again := s.Events().Recovered(); len(again) != 0 {
		t.Errorf("%d events recovered twice", len(again))
	}
}

// What is finished leaves the disk, also next to an event that stays.
func TestFinishedEventsLeaveNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	stays := add(t, s, queued(0))
	for i := range 200 {
		key := add(t, s, queued(i+1))
		mark(t, s, store.Mark{Key: stays, Progress: store.Progress{Refusals: i}})
		mark(t, s, store.Mark{Key: key, Finished: true})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = store.Open(t.Context(), store.Options{Dir: dir}) // removes what the one before did not get to
	if err != nil {
		t.Fatal(err)
	}
	if heads := s.Events().Recovered(); len(heads) != 1 || heads[0].Key != stays || heads[0].Progress.Refusals != 199 {
		t.Errorf("recovered %+v", heads)
	}
	for s.Events().Messages(t.Context()) > 2 { // the event and its mark
		if t.Context().Err() != nil {
			t.Fatal("messages stay")
		}
	}
	mark(t, s, store.Mark{Key: stays, Finished: true})
	for s.Events().Messages(t.Context()) > 0 {
		if t.Context().Err() != nil {
			t.Fatal("messages stay")
		}
	}
	if _, err := s.Events().Read(t.Context(), stays); !errors.Is(err, store.ErrNoEvent) {
		t.Errorf("a finished event can be read: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestLargeEvents(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	e := queued(0)
	e.Payload = []byte(strings.Repeat("x", store.MaxEventBytes))
	if _, err := s.Events().Add(t.Context(), e); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("an event over the limit: %v", err)
	}
	e.Payload = e.Payload[:store.MaxEventBytes-4096]
	got, err := s.Events().Read(t.Context(), add(t, s, e))
	if err != nil || !bytes.Equal(got.Payload, e.Payload) {
		t.Errorf("a large event: %v", err)
	}
}

func BenchmarkAddEvent(b *testing.B) {
	for _, callers := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := open(b, b.TempDir())
			payload := []byte(strings.Repeat("x", 1024))
			took := make([]time.Duration, b.N)
			work := make(chan int, callers)
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for i := range work {
						e := queued(i)
						e.Payload = payload
						start := time.Now()
						add(b, s, e)
						took[i] = time.Since(start)
					}
				})
			}
			b.ResetTimer()
			for i := range b.N {
				work <- i
			}
			close(work)
			wg.Wait()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

package async_test

import (
	"testing"
	"testing/synctest"
	"time"

	"thaw.dev/thaw/store"
)

// The summary counts all lanes, returns the longest, and knows the age of the oldest event whatever became of the others.
func TestSummary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(failing)
		b.plane.set("g", defaults())
		b.open()
		defer b.Close()
		begin := time.Now()
		oldest := b.send(t, "g", "", `1`)
		time.Sleep(10 * time.Second)
		for range 5 {
			b.send(t, "f", "", `1`)
		}
		time.Sleep(time.Second)
		s := b.Summary(1)
		if s.Later != 6 || s.Due+s.Running+s.Undelivered != 0 || s.Totals.Accepted != 6 || s.Totals.Retried != 6 {
			t.Errorf("got %+v", s)
		}
		if len(s.Lanes) != 1 || s.Lanes[0].Function != "f" || s.Lanes[0].Later != 5 || s.Lanes[0].LastError != "boom" || s.Lanes[0].Attempts != 1 {
			t.Errorf("lanes: %+v", s.Lanes)
		}
		if !s.Oldest.Equal(begin.UTC().Truncate(time.Millisecond)) {
			t.Errorf("the oldest is of %s, want %s", s.Oldest, begin)
		}
		if n, err := b.Purge(t.Context(), asyncID(oldest)); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if s := b.Summary(9); len(s.Lanes) != 1 || s.Oldest.Before(begin.Add(9*time.Second)) {
			t.Errorf("without the oldest: %+v", s)
		}
		first := b.Entries(selection("f"), 1)[0]
		if _, err := b.Purge(t.Context(), asyncID(first.RequestID)); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Purge(t.Context(), selection("")); err != nil {
			t.Fatal(err)
		}
		if s := b.Summary(9); len(s.Lanes) != 0 || !s.Oldest.IsZero() || b.store.left() != 0 {
			t.Errorf("empty: %+v", s)
		}
	})
}

// What a start takes up has its errors and its age.
func TestSummaryAfterStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(ok)
		now := time.Now().UTC().Truncate(time.Millisecond)
		_, err := b.store.Add(t.Context(), &store.Event{EventHead: store.EventHead{
			ID: "a", Account: account, Function: "f", Target: queueARN, Accepted: now.Add(-time.Hour),
			Progress: store.Progress{Attempts: 7, Undelivered: true, LastError: "refused"},
		}, Delivery: &store.Delivery{}})
		if err != nil {
			t.Fatal(err)
		}
		b.open()
		defer b.Close()
		s := b.Summary(9)
		if s.Undelivered != 1 || len(s.Lanes) != 1 || s.Lanes[0].Target != queueARN || s.Lanes[0].LastError != "refused" || s.Lanes[0].Attempts != 7 || !s.Oldest.Equal(now.Add(-time.Hour)) {
			t.Errorf("got %+v", s)
		}
	})
}

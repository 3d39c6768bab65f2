package store_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/logpattern"
	"thaw.dev/thaw/store"
)

const group = "/aws/lambda/hello"

// past is a time long enough ago that nothing in it is yet to come.
var past = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func event(ms int, message string) store.LogEvent {
	return store.LogEvent{Time: past.Add(time.Duration(ms) * time.Millisecond), Message: message}
}

func messages(events []store.LogEvent) []string {
	list := []string{}
	for _, e := range events {
		list = append(list, e.Message)
	}
	return list
}

// filterAll returns all pages of q.
func filterAll(t *testing.T, logs *store.Logs, q store.LogQuery) (events []store.LogEvent, pages int) {
	t.Helper()
	for {
		page, err := logs.Filter(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if pages++; pages > 10000 {
			t.Fatal("the pages have no end")
		}
		events = append(events, page.Events...)
		if q.NextToken = page.NextToken; q.NextToken == "" {
			return events, pages
		}
	}
}

func pattern(t *testing.T, s string) logpattern.Pattern {
	t.Helper()
	p, err := logpattern.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func groupNames(ctx context.Context, logs *store.Logs) (names []string, err error) {
	groups, err := logs.Groups(ctx, account)
	for _, g := range groups {
		names = append(names, g.Name)
	}
	return names, err
}

func TestLogFilter(t *testing.T) {
	t.Parallel()
	logs := open(t, t.TempDir()).Logs()
	logs.Append(account, group, "2026/01/31/[$LATEST]aa", []store.LogEvent{event(0, "START RequestId: 1"), event(20, "[ERROR] boom: disk full"), event(40, "END RequestId: 1")})
	logs.Append(account, group, "2026/01/31/[$LATEST]bb", []store.LogEvent{event(10, "START RequestId: 2"), event(30, "[INFO] all is well"), event(30, "END RequestId: 2")})
	logs.Append(account, "/aws/lambda/other", "s", []store.LogEvent{event(5, "of another group")})
	logs.Append("111111111111", group, "s", []store.LogEvent{event(5, "of another account")})

	all := []string{"START RequestId: 1", "START RequestId: 2", "[ERROR] boom: disk full", "[INFO] all is well", "END RequestId: 2", "END RequestId: 1"}
	at := func(ms int) time.Time { return past.Add(time.Duration(ms) * time.Millisecond) }
	for _, test := range []struct {
		name  string
		query store.LogQuery
		want  []string
	}{
		{"all, by time", store.LogQuery{}, all},
		{"stream", store.LogQuery{Streams: []string{"2026/01/31/[$LATEST]aa"}}, []string{all[0], all[2], all[5]}},
		{"two streams", store.LogQuery{Streams: []string{"2026/01/31/[$LATEST]bb", "2026/01/31/[$LATEST]aa"}}, all},
		{"unknown stream", store.LogQuery{Streams: []string{"x"}}, []string{}},
		{"prefix", store.LogQuery{StreamPrefix: "2026/01/31/[$LATEST]b"}, []string{all[1], all[3], all[4]}},
		{"start is inclusive", store.LogQuery{Start: at(30)}, all[3:]},
		{"end is inclusive", store.LogQuery{End: at(20)}, all[:3]},
		{"both", store.LogQuery{Start: at(10), End: at(20)}, all[1:3]},
		{"none in the time", store.LogQuery{Start: at(41)}, []string{}},
		{"later than anything stored", store.LogQuery{Start: time.Now().Add(time.Hour)}, []string{}},
		{"word", store.LogQuery{Pattern: pattern(t, "START")}, all[:2]},
		{"words", store.LogQuery{Pattern: pattern(t, "RequestId: 2 END")}, []string{all[4]}},
		{"case matters", store.LogQuery{Pattern: pattern(t, "start")}, []string{}},
		{"phrase", store.LogQuery{Pattern: pattern(t, `"disk full"`)}, []string{all[2]}},
		{"phrase with brackets", store.LogQuery{Pattern: pattern(t, `"[ERROR]"`)}, []string{all[2]}},
		{"any of", store.LogQuery{Pattern: pattern(t, "?ERROR ?well")}, all[2:4]},
		{"none of", store.LogQuery{Pattern: pattern(t, "-RequestId -ERROR")}, []string{all[3]}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			q := test.query
			q.Account, q.Group = account, group
			events, _ := filterAll(t, logs, q)
			if got := messages(events); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			q.Limit = 1
			events, pages := filterAll(t, logs, q)
			if got := messages(events); len(got) != len(test.want) || pages < len(test.want) {
				t.Errorf("one by one: %q in %d pages", got, pages)
			}
		})
	}
}

func TestLogEvent(t *testing.T) {
	t.Parallel()
	logs := open(t, t.TempDir()).Logs()
	before := time.Now().Truncate(time.Millisecond)
	future := store.LogEvent{Time: before.Add(time.Hour), Message: "future"}
	logs.Append(account, group, "s", []store.LogEvent{
		{Time: past.Add(1500 * time.Microsecond), Message: "line\nwith \x00 <&> ü \u2028"},
		{Message: "no time"},
		future,
	})
	events, _ := filterAll(t, logs, store.LogQuery{Account: account, Group: group})
	if len(events) != 3 {
		t.Fatalf("%d events", len(events))
	}
	e := events[0]
	if e.Message != "line\nwith \x00 <&> ü \u2028" || !e.Time.Equal(past.Add(time.Millisecond)) || e.Stream != "s" {
		t.Errorf("event = %+v", e)
	}
	if e.Ingested.Before(before) || e.Ingested.After(time.Now()) {
		t.Errorf("ingested at %v", e.Ingested)
	}
	for _, e := range events[1:] {
		if e.Time.Before(before) || e.Time.After(e.Ingested) {
			t.Errorf("%s has time %v, want now", e.Message, e.Time)
		}
	}
	ids := []string{}
	for _, e := range events {
		if len(e.ID) != 56 {
			t.Errorf("id %q", e.ID)
		}
		ids = append(ids, e.ID)
	}
	if !slices.IsSorted(ids) || len(slices.Compact(ids)) != 3 {
		t.Errorf("ids = %q", ids)
	}
}

func TestLogPages(t *testing.T) {
	t.Parallel()
	logs := open(t, t.TempDir()).Logs()
	const n = 1000
	want := []string{}
	for i := range n {
		message := fmt.Sprint("event ", i)
		want = append(want, message)
		logs.Append(account, group, fmt.Sprint("stream-", i%3), []store.LogEvent{event(i, message)})
		if i%10 == 9 { // many batches
			if err := logs.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, limit := range []int{0, 7, 10, 999, 1000, 1001} {
		events, pages := filterAll(t, logs, store.LogQuery{Account: account, Group: group, Limit: limit})
		if got := messages(events); !reflect.DeepEqual(got, want) {
			t.Errorf("limit %d: %d events in %d pages, in order: %v", limit, len(got), pages, slices.IsSorted(got))
		}
		if limit > 0 && pages < n/limit {
			t.Errorf("limit %d: %d pages", limit, pages)
		}
		ids := map[string]bool{}
		for _, e := range events {
			ids[e.ID] = true
		}
		if len(ids) != n {
			t.Errorf("limit %d: %d different ids", limit, len(ids))
		}
	}
}

// A page holds a megabyte of text at most; long messages are cut into events without cutting a character.
func TestLogSizes(t *testing.T) {
	t.Parallel()
	logs := open(t, t.TempDir()).Logs()
	long := "x" + strings.Repeat("ü", 3<<20/2)
	logs.Append(account, group, "s", []store.LogEvent{event(0, long)})
	events, pages := filterAll(t, logs, store.LogQuery{Account: account, Group: group})
	if got := strings.Join(messages(events), ""); got != long {
		t.Errorf("read %d bytes in %d events, want the %d bytes written", len(got), len(events), len(long))
	}
	if len(events) < 12 || pages < 3 {
		t.Errorf("%d events in %d pages", len(events), pages)
	}
	for _, e := range events {
		if len(e.Message) > 256<<10 {
			t.Errorf("an event of %d bytes", len(e.Message))
		}
	}
	// Text that JSON makes six times as long still is stored.
	logs.Append(account, "/control", "s", []store.LogEvent{event(0, strings.Repeat("\x01", 1<<20))})
	if err := logs.Flush(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLogGroups(t *testing.T) {
	t.Parallel()
	logs := open(t, t.TempDir()).Logs()
	ctx := t.Context()
	if groups, err := groupNames(ctx, logs); err != nil || len(groups) != 0 {
		t.Errorf("Groups of nothing = %q, %v", groups, err)
	}
	for _, g := range []string{"/b", "/a.b*>", "", "/a"} {
		logs.Append(account, g, "s", []store.LogEvent{event(0, "m")})
	}
	logs.Append("111111111111", "/c", "s", []store.LogEvent{event(0, "m")})
	if groups, err := groupNames(ctx, logs); err != nil || !reflect.DeepEqual(groups, []string{"", "/a", "/a.b*>", "/b"}) {
		t.Errorf("Groups = %q, %v", groups, err)
	}
	if err := logs.DeleteGroup(ctx, account, "/a"); err != nil {
		t.Error(err)
	}
	if err := logs.DeleteGroup(ctx, account, "/a"); !errors.Is(err, store.ErrNoLogGroup) {
		t.Errorf("second DeleteGroup: %v, want ErrNoLogGroup", err)
	}
	if err := logs.DeleteGroup(ctx, account, "/c"); !errors.Is(err, store.ErrNoLogGroup) {
		t.Errorf("DeleteGroup of another account's: %v, want ErrNoLogGroup", err)
	}
	if _, err := logs.Filter(ctx, store.LogQuery{Account: account, Group: "/a"}); !errors.Is(err, store.ErrNoLogGroup) {
		t.Errorf("Filter of a deleted group: %v, want ErrNoLogGroup", err)
	}
	if groups, err := groupNames(ctx, logs); err != nil || !reflect.DeepEqual(groups, []string{"", "/a.b*>", "/b"}) {
		t.Errorf("Groups after DeleteGroup = %q, %v", groups, err)
	}
}

func TestLogFilterRefuses(t *testing.T) {
	t.Parallel()
	logs := open(t, t.TempDir()).Logs()
	logs.Append(account, group, "s", []store.LogEvent{event(0, "m")})
	for _, token := range []string{"x", "MQ", "MS4wLjA", "MS4xLi0x", "MS4wMS4w", "Mi4xLjA", "MS4xLjA=", "MS4xLjk5OTk5OTk5OTk5OTk5OQ"} {
		if _, err := logs.Filter(t.Context(), store.LogQuery{Account: account, Group: group, NextToken: token}); !errors.Is(err, store.ErrBadToken) {
			t.Errorf("token %q: %v, want ErrBadToken", token, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := logs.Filter(ctx, store.LogQuery{Account: account, Group: group}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled Filter: %v", err)
	}
}

// Closing the store writes what is queued.
func TestLogsSurviveClose(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	s.Logs().Append(account, group, "s", []store.LogEvent{event(0, "last words")})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.Logs().Append(account, group, "s", []store.LogEvent{event(0, "too late")})
	if err := s.Logs().Flush(t.Context()); err == nil {
		t.Error("Flush succeeds after Close")
	}
	events, _ := filterAll(t, open(t, dir).Logs(), store.LogQuery{Account: account, Group: group})
	if got := messages(events); !reflect.DeepEqual(got, []string{"last words"}) {
		t.Errorf("after reopening: %q", got)
	}
}

// What does not fit is discarded from the old end.
func TestLogBytes(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), LogBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	logs := s.Logs()
	logs.Append(account, group, "s", []store.LogEvent{event(0, "first")})
	for i := range 40 {
		logs.Append(account, group, "s", []store.LogEvent{event(i+1, strings.Repeat("x", 50<<10))})
		if err := logs.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	events, _ := filterAll(t, logs, store.LogQuery{Account: account, Group: group})
	if len(events) < 10 || len(events) > 20 || events[0].Message == "first" || !events[len(events)-1].Time.Equal(event(40, "").Time) {
		t.Errorf("%d events, from %v to %v", len(events), events[0].Time, events[len(events)-1].Time)
	}
}

// Under a flood, appending does not block; every event is either stored or counted.
func TestLogFlood(t *testing.T) {
	t.Parallel()
	logs := open0(t).Logs()
	const writers, events, size = 4, 2000, 8 << 10 // 64 MB, far more than the queue holds
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			message := strings.Repeat("x", size)
			for i := range events {
				logs.Append(account, group, fmt.Sprint("stream-", w), []store.LogEvent{event(i, message)})
			}
		})
	}
	wg.Wait()
	if err := logs.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	stored, dropped := 0, 0
	got, _ := filterAll(t, logs, store.LogQuery{Account: account, Group: group})
	for _, e := range got {
		var n int
		if _, err := fmt.Sscanf(e.Message, "[thaw] %d log events were dropped here", &n); err == nil {
			dropped += n
		} else {
			stored++
		}
	}
	t.Logf("%d stored, %d dropped", stored, dropped)
	if stored+dropped != writers*events {
		t.Errorf("%d stored + %d dropped, want %d in all", stored, dropped, writers*events)
	}
	if dropped == 0 {
		t.Error("nothing was dropped: the queue was never full")
	}
}

// open0 is open with a log that nobody reads.
func open0(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

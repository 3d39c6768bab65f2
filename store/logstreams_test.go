package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/store"
)

func streamNames(t *testing.T, logs *store.Logs) (names []string) {
	t.Helper()
	streams, err := logs.Streams(t.Context(), account, group)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range streams {
		names = append(names, s.Name)
	}
	return names
}

func TestLogStreams(t *testing.T) {
	t.Parallel()
	dir, ctx := t.TempDir(), t.Context()
	s, err := store.Open(ctx, store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	logs := s.Logs()
	if _, err := logs.Streams(ctx, account, group); !errors.Is(err, store.ErrNoLogGroup) {
		t.Errorf("streams of no group: %v", err)
	}
	if err := logs.CreateStream(ctx, account, group, "s"); !errors.Is(err, store.ErrNoLogGroup) {
		t.Errorf("stream in no group: %v", err)
	}
	logs.Append(account, group, "b", []store.LogEvent{event(5, "b1")})
	logs.Append(account, group, "a", []store.LogEvent{event(7, "a1"), event(9, "a2")})
	if err := logs.CreateStream(ctx, account, group, "empty"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"a", "empty"} {
		if err := logs.CreateStream(ctx, account, group, name); !errors.Is(err, store.ErrLogStreamExists) {
			t.Errorf("create %s again: %v", name, err)
		}
	}
	if got := streamNames(t, logs); !slices.Equal(got, []string{"a", "b", "empty"}) {
		t.Errorf("streams %q", got)
	}
	a, err := logs.Stream(ctx, account, group, "a")
	if err != nil || !a.First.Equal(event(7, "").Time) || !a.Last.Equal(event(9, "").Time) || a.Ingested.IsZero() {
		t.Errorf("stream a: %+v, %v", a, err)
	}
	logs.Append(account, group, "a", []store.LogEvent{event(11, "a3")})
	if a, err = logs.Stream(ctx, account, group, "a"); err != nil || !a.Last.Equal(event(11, "").Time) {
		t.Errorf("stream a later: %+v, %v", a, err)
	}
	if err := logs.DeleteStream(ctx, account, group, "a"); err != nil {
		t.Error(err)
	}
	if err := logs.DeleteStream(ctx, account, group, "a"); !errors.Is(err, store.ErrNoLogStream) {
		t.Errorf("delete again: %v", err)
	}
	check := func(logs *store.Logs, when string, want ...string) {
		t.Helper()
		events, _ := filterAll(t, logs, store.LogQuery{Account: account, Group: group})
		if got := messages(events); !slices.Equal(got, want) {
			t.Errorf("%s: events %q, want %q", when, got, want)
		}
	}
	check(logs, "after the deletion", "b1")
	logs.Append(account, group, "a", []store.LogEvent{event(13, "a4")})
	check(logs, "logged to again", "b1", "a4")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	logs = open(t, dir).Logs()
	check(logs, "reopened", "b1", "a4")
	if got := streamNames(t, logs); !slices.Equal(got, []string{"a", "b", "empty"}) {
		t.Errorf("reopened: streams %q", got)
	}
	if a, err = logs.Stream(ctx, account, group, "a"); err != nil || !a.First.Equal(event(13, "").Time) {
		t.Errorf("reopened: stream a: %+v, %v", a, err)
	}
	if err := logs.DeleteGroup(ctx, account, group); err != nil {
		t.Error(err)
	}
	logs.Append(account, group, "c", []store.LogEvent{event(0, "c1")})
	if got := streamNames(t, logs); !slices.Equal(got, []string{"c"}) {
		t.Errorf("a new group of the name has streams %q", got)
	}
}

func TestLogGroupRecords(t *testing.T) {
	t.Parallel()
	logs, ctx := open(t, t.TempDir()).Logs(), t.Context()
	if err := logs.CreateGroup(ctx, account, group, map[string]string{"team": "ice"}); err != nil {
		t.Fatal(err)
	}
	logs.Append(account, "/logged", "s", []store.LogEvent{event(0, "m")})
	for _, name := range []string{group, "/logged"} {
		if err := logs.CreateGroup(ctx, account, name, nil); !errors.Is(err, store.ErrLogGroupExists) {
			t.Errorf("create %s again: %v", name, err)
		}
	}
	if err := logs.UpdateGroup(ctx, account, "/none", nil); !errors.Is(err, store.ErrNoLogGroup) {
		t.Errorf("update of none: %v", err)
	}
	g, err := logs.Group(ctx, account, group)
	if err != nil || g.Tags["team"] != "ice" || time.Since(g.Created) > time.Minute {
		t.Errorf("group: %+v, %v", g, err)
	}
}

// What is older than the retention is not seen from the moment it is set, and its space is freed.
func TestLogRetention(t *testing.T) {
	t.Parallel()
	logs, ctx := open(t, t.TempDir()).Logs(), t.Context()
	now := time.Now()
	logs.Append(account, group, "old", []store.LogEvent{{Time: now.AddDate(0, 0, -8), Message: "old"}})
	logs.Append(account, group, "new", []store.LogEvent{{Time: now.AddDate(0, 0, -6), Message: "young"}})
	retain := func(days int) {
		t.Helper()
		err := logs.UpdateGroup(ctx, account, group, func(g store.LogGroup) (store.LogGroup, error) {
			g.RetentionDays = days
			return g, nil
		})
		if err == nil {
			err = logs.Expire(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	retain(7)
	events, _ := filterAll(t, logs, store.LogQuery{Account: account, Group: group})
	if got := messages(events); !slices.Equal(got, []string{"young"}) {
		t.Errorf("events %q", got)
	}
	if got := streamNames(t, logs); !slices.Equal(got, []string{"new"}) {
		t.Errorf("streams %q", got)
	}
	retain(5)
	if events, _ = filterAll(t, logs, store.LogQuery{Account: account, Group: group}); len(events) != 0 {
		t.Errorf("events %q", messages(events))
	}
	if _, err := logs.Group(ctx, account, group); err != nil {
		t.Errorf("the group without events: %v", err)
	}
}

func TestLogGetPages(t *testing.T) {
	t.Parallel()
	logs, ctx := open(t, t.TempDir()).Logs(), t.Context()
	q := store.StreamQuery{Account: account, Group: group, Stream: "s", Limit: 4}
	for i := range 10 {
		logs.Append(account, group, "s", []store.LogEvent{event(i, fmt.Sprint(i))})
		logs.Append(account, group, "other", []store.LogEvent{event(i, "x")})
		if err := logs.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	var page store.StreamPage
	get := func(q store.StreamQuery) string {
		t.Helper()
		var err error
		if page, err = logs.Get(ctx, q); err != nil {
			t.Fatal(err)
		}
		return strings.Join(messages(page.Events), "")
	}
	walk := func(q store.StreamQuery, next func() string, want ...string) {
		t.Helper()
		for _, w := range want {
			if got := get(q); got != w {
				t.Errorf("page %q, want %q", got, w)
			}
			q.Token = next()
		}
		if got := get(q); got != "" || next() != q.Token {
			t.Errorf("behind the end: %q, the token changed: %t", got, next() != q.Token)
		}
	}
	forward, backward := func() string { return page.Forward }, func() string { return page.Backward }
	head := q
	head.FromHead = true
	walk(head, forward, "0123", "4567", "89")
	atEnd := page.Forward
	walk(q, backward, "6789", "2345", "01")
	walk(q, forward, "6789")
	logs.Append(account, group, "s", []store.LogEvent{event(10, "a"), event(11, "b")})
	q.Token = atEnd
	if got := get(q); got != "ab" {
		t.Errorf("what came later: %q", got)
	}
	bounded := head
	bounded.Start, bounded.End = event(2, "").Time, event(4, "").Time
	if got := get(bounded); got != "23" {
		t.Errorf("from 2 to 4: %q", got)
	}
	for _, token := range []string{"x", "f/", "g/MS4xLjA", "f/MS4wLjA"} {
		q.Token = token
		if _, err := logs.Get(ctx, q); !errors.Is(err, store.ErrBadToken) {
			t.Errorf("token %q: %v", token, err)
		}
	}
	if _, err := logs.Get(ctx, store.StreamQuery{Account: account, Group: group, Stream: "none"}); !errors.Is(err, store.ErrNoLogStream) {
		t.Errorf("no stream: %v", err)
	}
}

func TestLogWatch(t *testing.T) {
	t.Parallel()
	logs, ctx := open(t, t.TempDir()).Logs(), t.Context()
	w := logs.Watch(account, []string{group})
	logs.Append(account, "/another", "s", []store.LogEvent{event(0, "not this")})
	logs.Append("111111111111", group, "s", []store.LogEvent{event(0, "nor this")})
	logs.Append(account, group, "s", []store.LogEvent{event(0, "one"), event(1, "two")})
	if batch := <-w.C; batch.Group != group || !slices.Equal(messages(batch.Events), []string{"one", "two"}) || batch.Events[0].Stream != "s" {
		t.Errorf("got %+v", batch)
	}
	for range 100 { // more than wait for a slow reader
		logs.Append(account, group, "s", []store.LogEvent{event(0, "m")})
		if err := logs.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	logs.Unwatch(w)
	if got := len(w.C) + w.Dropped(); got != 100 || len(w.C) == 100 || w.Dropped() != 0 {
		t.Errorf("%d batches and dropped ones, %d batches", got, len(w.C))
	}
}

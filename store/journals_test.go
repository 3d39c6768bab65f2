package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"thaw.dev/thaw/store"
)

func TestJournalsSurviveWithTheirSummaries(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() *store.Store {
		s, err := store.Open(context.Background(), store.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	if found := s.Journals().Recovered(); len(found) != 0 {
		t.Fatalf("a new store has journals: %v", found)
	}
	large := bytes.Repeat([]byte("0123456789abcdef"), 9<<20/16)
	for i := range 3 {
		for n := range i + 1 {
			if err := s.Journals().Append(t.Context(), fmt.Sprint("j.", i), fmt.Appendf(nil, "summary %d.%d", i, n), fmt.Appendf(nil, "entry %d.%d", i, n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Journals().Append(t.Context(), "j.1", []byte("large"), large); err != nil {
		t.Fatal(err)
	}
	if err := s.Journals().Append(t.Context(), "j.0", make([]byte, store.MaxSummaryBytes+1), nil); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("summary of %d bytes: %v", store.MaxSummaryBytes+1, err)
	}
	check := func(s *store.Store, id string, want ...string) {
		t.Helper()
		entries, err := s.Journals().Read(t.Context(), id)
		if err != nil || len(entries) != len(want) {
			t.Fatalf("%s has %d entries, %v; want %d", id, len(entries), err, len(want))
		}
		for i, e := range entries {
			if string(e) != want[i] {
				t.Errorf("%s: entry %d has %d bytes %.40q, want %d %.40q", id, i, len(e), e, len(want[i]), want[i])
			}
		}
	}
	check(s, "j.1", "entry 1.0", "entry 1.1", string(large))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open()
	defer func() { _ = s.Close() }()
	found := s.Journals().Recovered()
	if len(found) != 3 || string(found["j.0"]) != "summary 0.0" || string(found["j.1"]) != "large" || string(found["j.2"]) != "summary 2.2" {
		t.Errorf("recovered %d summaries: %q", len(found), found)
	}
	check(s, "j.1", "entry 1.0", "entry 1.1", string(large))
	check(s, "j.2", "entry 2.0", "entry 2.1", "entry 2.2")
	if err := s.Journals().Remove(t.Context(), "j.1"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Journals().Read(t.Context(), "j.1"); !errors.Is(err, store.ErrNoJournal) {
		t.Errorf("a removed journal: %v", err)
	}
	check(s, "j.0", "entry 0.0")
}

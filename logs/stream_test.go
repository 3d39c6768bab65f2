package logs_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/logs"
)

func collect(tail int) (*logs.Stream, *[]string) {
	var got []string
	s := logs.NewStream("g", "n", tail, func(events []logs.Event) {
		for _, e := range events {
			got = append(got, e.Message)
		}
	})
	return s, &got
}

func TestLinesArePutTogether(t *testing.T) {
	t.Parallel()
	s, got := collect(100)
	for _, part := range []string{"a", "b\nc", "\n\nd"} {
		_, _ = s.Write([]byte(part))
	}
	s.Printf("END %d", 1)
	s.Flush()
	if want := []string{"ab", "c", "", "d", "END 1"}; !slices.Equal(*got, want) {
		t.Errorf("got %q, want %q", *got, want)
	}
	if tail := string(s.Tail()); tail != "ab\nc\n\nd\nEND 1\n" {
		t.Errorf("tail %q", tail)
	}
}

func TestTailIsTheEndOfThisInvocation(t *testing.T) {
	t.Parallel()
	s, _ := collect(10)
	s.Printf("before")
	s.Begin()
	for range 5 {
		_, _ = s.Write([]byte("1234567\n"))
	}
	if tail := string(s.Tail()); tail != "7\n1234567\n" {
		t.Errorf("tail %q", tail)
	}
	_, _ = s.Write([]byte(strings.Repeat("x", 1000) + "y"))
	if tail := string(s.Tail()); tail != "xxxxxxxxxy" {
		t.Errorf("tail %q", tail)
	}
	s.Begin()
	if tail := s.Tail(); len(tail) != 0 {
		t.Errorf("tail %q after Begin", tail)
	}
}

func TestALineWithoutEndIsSplit(t *testing.T) {
	t.Parallel()
	s, got := collect(10)
	for range 9 {
		_, _ = s.Write([]byte(strings.Repeat("x", logs.MaxLineBytes/4)))
	}
	s.Flush()
	if len(*got) != 3 || len((*got)[0]) != logs.MaxLineBytes || len((*got)[2]) != logs.MaxLineBytes/4 {
		t.Errorf("%d lines", len(*got))
	}
}

func TestStreamName(t *testing.T) {
	t.Parallel()
	name := logs.StreamName("", "$LATEST", time.Date(2026, 3, 1, 23, 0, 0, 0, time.FixedZone("", -7200)))
	if !regexp.MustCompile(`^2026/03/02/\[\$LATEST\][0-9a-f]{32}$`).MatchString(name) {
		t.Errorf("got %q", name)
	}
}

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"thaw.dev/thaw/client"
)

type logLine struct {
	ID   string `json:"eventId"`
	Time int64  `json:"timestamp"`
	Text string `json:"message"`
}

// logServer answers FilterLogEvents with lines at or after the start, two to a page.
func logServer(t *testing.T, lines *[]logLine) *client.Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			StartTime int64
			NextToken string
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		skip := 0
		_, _ = fmt.Sscan(in.NextToken, &skip)
		var fit []logLine
		for _, l := range *lines {
			if l.Time >= in.StartTime {
				fit = append(fit, l)
			}
		}
		next := ""
		page := fit[min(skip, len(fit)):]
		if len(page) > 2 {
			page, next = page[:2], fmt.Sprint(skip+2)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"events": page, "nextToken": next})
	}))
	t.Cleanup(s.Close)
	c, err := client.New(client.Options{Endpoint: s.URL, AccessKey: "a", SecretKey: "b"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestLogReaderReadsEachEventOnce(t *testing.T) {
	t.Parallel()
	second := func(s int64) int64 { return 1_700_000_000_000 + s*1000 }
	lines := []logLine{{"a", second(0), "a"}, {"b", second(1), "b"}, {"c", second(2), "c"}, {"d", second(20), "d"}}
	r := logReader{client: logServer(t, &lines), from: time.UnixMilli(second(1))}
	read := func() []string {
		var got []string
		if err := r.read(t.Context(), func(e client.LogEvent) error { got = append(got, e.Message); return nil }); err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := read(); !slices.Equal(got, []string{"b", "c", "d"}) {
		t.Errorf("first: got %v", got)
	}
	if got := read(); got != nil {
		t.Errorf("nothing new: got %v", got)
	}
	// Another environment's line arrives late, with an earlier time.
	lines = append(lines, logLine{"e", second(17), "e"}, logLine{"f", second(21), "f"})
	if got := read(); !slices.Equal(got, []string{"e", "f"}) {
		t.Errorf("late line: got %v", got)
	}
	if len(r.seen) != 3 { // d, e, f
		t.Errorf("remembers %v", r.seen)
	}
}

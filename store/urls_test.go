package store

import (
	"testing"

	"thaw.dev/thaw/lambda"
)

// The index of function URLs follows the functions' records, whichever way they come.
func TestURLIndex(t *testing.T) {
	f := func(seq uint64, urls map[string]string) *Function {
		f := Function{Seq: seq}
		for qualifier, id := range urls {
			f = f.WithQualified(qualifier, lambda.Qualified{URL: &lambda.FunctionURL{ID: id}})
		}
		return &f
	}
	s := &Functions{view: newView()}
	key := recordKey{account: "a", name: "f"}
	expect := func(want map[string]string) {
		t.Helper()
		if len(s.view.urls) != len(want) {
			t.Errorf("index %v, want %v", s.view.urls, want)
		}
		for id, qualifier := range want {
			if got, ok := s.URL(id); !ok || got != (URLOwner{"a", "f", qualifier}) {
				t.Errorf("%s belongs to %+v, %v", id, got, ok)
			}
		}
	}
	s.view.watch(key, record{seq: 1, function: f(1, map[string]string{"": "u1", "live": "u2"})})
	expect(map[string]string{"u1": "", "u2": "live"})
	s.view.wrote(key, record{seq: 3, function: f(3, map[string]string{"live": "u3"})})
	s.view.watch(key, record{seq: 2, function: f(2, map[string]string{"": "u1"})})
	expect(map[string]string{"u3": "live"})
	s.view.wrote(key, record{seq: 4})
	expect(nil)
	if allocs := testing.AllocsPerRun(100, func() { s.URL("u3") }); allocs != 0 {
		t.Errorf("looking up a URL allocates %v times", allocs)
	}
}

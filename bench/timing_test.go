package bench

import (
	"testing"

	"thaw.dev/thaw/pool"
)

func TestParseTiming(t *testing.T) {
	t.Parallel()
	cold := Phases{Place: 80.1, Code: 1.2, Init: 40.3, Invoke: 1.1}
	for header, want := range map[string]timing{
		"":                 {},
		"invoke;dur=0.812": {Phases: Phases{Invoke: 0.812}},
		"place;dur=80.1, code;dur=1.2, init;dur=40.3, invoke;dur=1.1":            {Phases: cold},
		`place;desc="hot";dur=80.1, code;dur=1.2, init;dur=40.3, invoke;dur=1.1`: {cold, pool.SourceHot},
		"place;dur=80.1;desc=none, code;dur=1.2, init;dur=40.3, invoke;dur=1.1":  {cold, pool.SourceNone},
		"thaw;dur=0.4, invoke;dur=1":                                             {Phases: Phases{Thaw: 0.4, Invoke: 1}},
		"total;dur=9,invoke;dur=1, cache;desc=warm":                              {Phases: Phases{Invoke: 1}},
	} {
		if got, err := parseTiming(header); err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", header, got, err, want)
		}
	}
	if _, err := parseTiming("invoke;dur=soon"); err == nil {
		t.Error("a duration that is no number was accepted")
	}
}

// TestSourceOfASample: a sample counts only if its cold start began with what is measured.
func TestSourceOfASample(t *testing.T) {
	t.Parallel()
	for _, from := range Sources {
		for _, other := range Sources {
			err := timing{Phases: Phases{Place: 1, Init: 2}, source: other}.coldFrom(from)
			if (err == nil) != (from == other) {
				t.Errorf("want %s, a start from %s: %v", from, other, err)
			}
		}
		if err := (timing{Phases: Phases{Invoke: 1}}).coldFrom(from); err == nil {
			t.Errorf("a warm invocation passed for a start from %s", from)
		}
		if err := (timing{Phases: Phases{Place: 1, Init: 2}}).coldFrom(from); err == nil {
			t.Errorf("a start from who knows what passed for one from %s", from)
		}
		if err := (timing{source: from}).warm(); err == nil {
			t.Errorf("a start from %s passed for a warm invocation", from)
		}
	}
	if err := (timing{Phases: Phases{Thaw: 1, Invoke: 1}}).warm(); err != nil {
		t.Errorf("a thawed environment: %v", err)
	}
}

func FuzzParseTiming(f *testing.F) {
	f.Add(`place;dur=80.1;desc="hot", code;dur=1.2`)
	f.Add("invoke;dur=,;;=,")
	f.Fuzz(func(t *testing.T, header string) {
		if got, err := parseTiming(header); err != nil && got != (timing{}) {
			t.Errorf("%+v with %v", got, err)
		}
	})
}

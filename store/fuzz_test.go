package store

import (
	"errors"
	"strings"
	"testing"
)

// FuzzPattern parses patterns of tenants: each is understood or refused, and none costs more than its length.
func FuzzPattern(f *testing.F) {
	f.Add(`ERROR "disk full" ?a ?b -c`, "ERROR: disk full a")
	f.Add(`"a \" b \\"`, `a " b \`)
	f.Fuzz(func(t *testing.T, text, message string) {
		p, err := parsePattern(text)
		if err != nil {
			if !errors.Is(err, ErrBadPattern) {
				t.Fatal(err)
			}
			return
		}
		if n := len(strings.Join(p.all, "") + strings.Join(p.some, "") + strings.Join(p.none, "")); n > len(text) {
			t.Errorf("%d bytes of words from %d bytes of pattern", n, len(text))
		}
		if !p.matches(message) {
			return
		}
		for _, word := range p.all {
			if !strings.Contains(message, word) {
				t.Errorf("%q matches without %q", message, word)
			}
		}
		for _, word := range p.none {
			if strings.Contains(message, word) {
				t.Errorf("%q matches with %q", message, word)
			}
		}
	})
}

// FuzzLogToken parses tokens of tenants: only those that token writes are taken.
func FuzzLogToken(f *testing.F) {
	f.Add(logPosition{1, 0}.token())
	f.Add(logPosition{1<<64 - 1, 1<<31 - 1}.token())
	f.Add("MS4wLjA")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parseLogToken(s)
		if s != "" && err == nil && (p.token() != s || p.seq == 0 || p.index < 0) {
			t.Errorf("%q was taken as %+v", s, p)
		}
		if err != nil && p != (logPosition{}) {
			t.Errorf("%q was refused and is %+v", s, p)
		}
	})
}

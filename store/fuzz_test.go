package store

import "testing"

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

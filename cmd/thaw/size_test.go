package main

import "testing"

func TestByteSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"0": 0, "1024": 1024, "64KiB": 64 << 10, "512MiB": 512 << 20, "8 GiB": 8 << 30, "1TiB": 1 << 40, "1500MiB": 1500 << 20,
	} {
		var s byteSize
		if err := s.Set(text); err != nil || int64(s) != want {
			t.Errorf("%s: got %d, %v, want %d", text, s, err, want)
		}
		var again byteSize
		if err := again.Set(s.String()); err != nil || again != s {
			t.Errorf("%s is written as %s, which reads as %d, %v", text, s.String(), again, err)
		}
	}
	for _, text := range []string{"", "x", "-1", "8GB", "8GiBs", "1.5GiB", "9223372036854775807TiB"} {
		var s byteSize
		if err := s.Set(text); err == nil {
			t.Errorf("%q was accepted as %d", text, s)
		}
	}
}

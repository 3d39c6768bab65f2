package code_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

func TestHasLibraries(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	for name, want := range map[string]bool{
		"lib/libx.so": true, "lib/libx.so.1.2": true, "./lib/libx.so": true,
		"lib/index.js": false, "lib/deep/libx.so": false, "libx.so": false, "python/lib/libx.so": false, "lib/also.txt": false,
	} {
		c := put(t, s, pack(t, item{name: "app.py", content: "x"}, item{name: name, content: name}))
		for range 2 { // looked up, then remembered
			if got, err := s.HasLibraries(c.SHA256); err != nil || got != want {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		}
	}
	if _, err := s.HasLibraries(strings.Repeat("0", 64)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a package that is not stored: %v", err)
	}
}

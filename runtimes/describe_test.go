package runtimes

import (
	"testing"

	"thaw.dev/thaw/lambda"
)

// An interpreter below a mount point would be hidden inside the sandbox.
func TestCheckPlace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path, library string
		ok            bool
	}{
		{"/usr/bin/python3.11", "/usr/lib/python3.11", true},
		{"/optional/bin/python3.11", "/optional/lib", true},
		{"/opt/python/bin/python3.11", "/opt/python/lib/python3.11", false},
		{"/usr/bin/python3.11", "/mnt/share/python3.11", false},
		{"/tmp/x/python3.11", "/usr/lib/python3.11", false},
	} {
		err := checkPlace(&interpreter{runtime: "python3.11", path: tt.path, python: &pythonPaths{Library: []string{tt.library}}})
		if (err == nil) != tt.ok || err != nil && lambda.KindOf(err) != lambda.KindInvalid {
			t.Errorf("%s with %s: %v", tt.path, tt.library, err)
		}
	}
}

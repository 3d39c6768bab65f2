// Package testenv says what a test needs of the machine. Where it is missing the test is skipped, except under
// THAW_TEST_REQUIRE=all, which CI sets: there a missing need is a failure, so that no test disappears unnoticed.
package testenv

import (
	"os"
	"os/exec"
	"testing"
)

// NeedsRoot is for tests that create sandboxes, cgroups, mounts or network namespaces.
func NeedsRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "root")
	}
}

// NeedsCommand is for tests that run a program of the host; it returns the program's path.
func NeedsCommand(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, "the command "+name)
	}
	return path
}

// Short skips long tests under -short, which CI does not use.
func Short(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("long test, skipped by -short")
	}
}

func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("THAW_TEST_REQUIRE") == "all" {
		t.Fatalf("this test needs %s, and THAW_TEST_REQUIRE=all forbids skipping it", what)
	}
	t.Skipf("needs %s", what)
}

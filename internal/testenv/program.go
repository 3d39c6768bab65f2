package testenv

import (
	"os"
	"syscall"
	"testing"
)

// WriteProgram writes an executable file that can be started at once. After os.WriteFile a process that another goroutine
// starts meanwhile may still have the file open for writing, and the kernel refuses to execute it (ETXTBSY).
func WriteProgram(t testing.TB, path string, content []byte) {
	t.Helper()
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, content, 0o755) //nolint:gosec // sandboxes' processes run as other users
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
}

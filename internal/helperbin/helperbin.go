// Package helperbin builds programs of this module for tests that need them as static executables: under go test the
// running program is the test binary, which may be dynamic and cannot play gVisor's processes or a sandbox's PID 1.
package helperbin

import (
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

const module = "thaw.dev/thaw"

// Sentry returns the path of an executable cmd/thaw-sentry.
func Sentry(t testing.TB) string {
	t.Helper()
	return Build(t, module+"/cmd/thaw-sentry")
}

// Agent returns the path of an executable cmd/thaw-agent.
func Agent(t testing.TB) string {
	t.Helper()
	return Build(t, module+"/cmd/thaw-agent")
}

// Init returns the path of an executable cmd/thaw-init.
func Init(t testing.TB) string {
	t.Helper()
	return Build(t, module+"/cmd/thaw-init")
}

// Jail returns the path of an executable cmd/thaw-jail.
func Jail(t testing.TB) string {
	t.Helper()
	return Build(t, module+"/cmd/thaw-jail")
}

var (
	mu    sync.Mutex
	built = map[string]string{} // guarded by mu; package to path
)

// Build builds a main package of this module and returns the executable's path. It costs one go build per package and
// test process; what that may reuse is the go command's business. Concurrent test processes do not disturb each other.
func Build(t testing.TB, pkg string) string {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	if path, ok := built[pkg]; ok {
		return path
	}
	path, err := build(pkg)
	if err != nil {
		t.Fatal(err)
	}
	built[pkg] = path
	return path
}

// build leaves the program in a directory that outlives the process, because the next test process wants it too.
func build(pkg string) (string, error) {
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output() //nolint:noctx // as below
	if err != nil {
		return "", fmt.Errorf("find %s: %w", module, err)
	}
	// One for each copy of the repository: they may be of different versions.
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("thaw-helperbin-%d-%08x", os.Geteuid(), crc32.ChecksumIEEE(root)))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	// The go command leaves an up-to-date file alone, but writes a stale one in place: build beside it and rename.
	tmp, err := os.MkdirTemp(dir, "build-*")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	name := filepath.Base(pkg)
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(tmp, name), pkg) //nolint:gosec,noctx // fixed arguments, no context in tests' setup
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	path := filepath.Join(dir, name)
	return path, os.Rename(filepath.Join(tmp, name), path)
}

package gvisor_test

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/gvisor"
	"thaw.dev/thaw/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(daemonEnv); dir != "" {
		beDaemon(dir)
		return
	}
	leakcheck.Main(m)
}

// sentryPath replaces the sentry that the tests build, for instance by build/thaw-sentry, which has the patches.
var sentryPath = flag.String("sentry", "", "absolute `path` of the thaw-sentry to test")

func sentryProgram(t testing.TB) string {
	t.Helper()
	if *sentryPath != "" {
		return *sentryPath
	}
	return helperbin.Sentry(t)
}

// newEngine returns an engine with a state directory and cgroups of its own.
func newEngine(t testing.TB, change ...func(*gvisor.Options)) *gvisor.Engine {
	t.Helper()
	testenv.NeedsRoot(t)
	o := gvisor.Options{
		StateDir:   filepath.Join(t.TempDir(), "gvisor"),
		CgroupName: fmt.Sprintf("thaw-test-%d", os.Getpid()),
		SentryPath: sentryProgram(t),
		Logger:     slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	for _, c := range change {
		c(&o)
	}
	e, err := gvisor.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestConformance(t *testing.T) {
	testenv.NeedsRoot(t)
	sandboxtest.Run(t, sandboxtest.Harness{
		New:    func(t testing.TB) sandbox.Engine { return newEngine(t) },
		Root:   sandboxtest.RootImage(t),
		Crash:  crash,
		Traces: traces,
	})
}

// crash kills the sentry of sandbox id.
func crash(t testing.TB, id string) {
	t.Helper()
	for _, s := range sentries(t) {
		if s.id == id {
			if err := syscall.Kill(s.pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("sandbox %s has no sentry", id)
}

type sentry struct {
	pid int
	id  string
}

// sentries returns the sentries that this process started, and theirs.
func sentries(t testing.TB) []sentry {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var found []sentry
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err != nil || !strings.HasPrefix(string(b), "runsc-sandbox") {
			continue
		}
		status, err := os.ReadFile(filepath.Join("/proc", e.Name(), "status"))
		if err != nil || !strings.Contains(string(status), fmt.Sprintf("\nPPid:\t%d\n", os.Getpid())) {
			continue
		}
		args := strings.Split(strings.TrimRight(string(b), "\x00"), "\x00")
		var s sentry
		if _, err := fmt.Sscan(e.Name(), &s.pid); err != nil {
			t.Fatal(err)
		}
		s.id = args[len(args)-1]
		found = append(found, s)
	}
	return found
}

// traces lists what this process's engines have on the host.
func traces(t testing.TB) []string {
	t.Helper()
	var left []string
	for _, s := range sentries(t) {
		left = append(left, fmt.Sprintf("sentry %d of %s", s.pid, s.id))
	}
	for _, pattern := range []string{
		fmt.Sprintf("/sys/fs/cgroup/*/thaw-test-%d/box-*", os.Getpid()),
		fmt.Sprintf("/sys/fs/cgroup/thaw-test-%d/box-*", os.Getpid()),
	} {
		dirs, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, dirs...)
	}
	return left
}

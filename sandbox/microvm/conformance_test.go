package microvm_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/internal/vmtest"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm"
	"thaw.dev/thaw/sandbox/sandboxtest"
)

// treeName is the cgroup of engines with real machines. They run one after the other.
var treeName = vmtest.CgroupName()

// newEngine returns an engine with real machines and a state directory of its own.
func newEngine(t testing.TB, change ...func(*microvm.Options)) *microvm.Engine {
	t.Helper()
	nothingIdle := func(o *microvm.Options) { o.IdleBytes = -1 } // the suite counts descriptors
	return vmtest.Open(t, append([]func(*microvm.Options){nothingIdle}, change...)...)
}

// TestMachines is the part of the conformance suite that is run every time: one case of each kind. The whole suite takes
// minutes under emulation; it is TestConformance, behind the build tag microvm.
func TestMachines(t *testing.T) {
	testConformance(t,
		"HelloAndEcho", "LogsBeforeAnswers", "ExitCode", "Crash", "AttachBeforeStart", "MemoryLimit", "PauseStopsTheGuest", "RestoreGoesOn",
		"RestoreClones", "DestroyLeavesNothing",
	)
}

// testConformance runs these cases of the suite, or all.
func testConformance(t *testing.T, only ...string) {
	testenv.NeedsRoot(t)
	testenv.Short(t)
	sandboxtest.Run(t, sandboxtest.Harness{
		New:    func(t testing.TB) sandbox.Engine { return newEngine(t) },
		Root:   sandboxtest.RootImage(t),
		Crash:  crash,
		Traces: traces,

		Patience: 3 * time.Minute,
		Only:     only,
	})
}

// crash kills the monitor of sandbox id.
func crash(t testing.TB, id string) {
	t.Helper()
	for _, dir := range cgroups(t) {
		if filepath.Base(dir) != id {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range strings.Fields(string(b)) {
			pid, err := strconv.Atoi(word)
			if err == nil {
				err = syscall.Kill(pid, syscall.SIGKILL)
			}
			if err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("sandbox %s has no monitor", id)
}

// cgroups returns those of sandboxes of this process's engines.
func cgroups(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"/sys/fs/cgroup/*/" + treeName + "/box-*", "/sys/fs/cgroup/" + treeName + "/box-*"} {
		dirs, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, dirs...)
	}
	return all
}

// traces lists what this process's engines have on the host.
func traces(t testing.TB) []string {
	t.Helper()
	left := cgroups(t)
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err != nil || !strings.Contains(string(b), "thaw-box-") { // monitors have the sandbox's name
			continue
		}
		status, err := os.ReadFile(filepath.Join("/proc", e.Name(), "status"))
		if err == nil && strings.Contains(string(status), fmt.Sprintf("\nPPid:\t%d\n", os.Getpid())) {
			left = append(left, "process "+e.Name()+": "+string(b))
		}
	}
	return left
}

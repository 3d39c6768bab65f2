package microvm_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm"
	"thaw.dev/thaw/sandbox/microvm/guest"
	"thaw.dev/thaw/sandbox/microvm/qemu"
	"thaw.dev/thaw/sandbox/microvm/vmm"
	"thaw.dev/thaw/sandbox/sandboxtest"
)

// guestFiles builds the guest's files as a user does, once for all test processes.
func guestFiles(t testing.TB) *guest.Files {
	t.Helper()
	dir := testenv.Cached(t, "guest", "debian-1", func(dir string) {
		if err := guest.Build(t.Context(), dir, guest.Source{}, func(step string) { t.Log(step) }); err != nil {
			t.Fatal(err)
		}
	})
	f, err := guest.Open(dir, helperbin.Build(t, "thaw.dev/thaw/cmd/thaw-init"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// treeName is the cgroup of engines with real machines. They run one after the other.
var treeName = fmt.Sprintf("thaw-test-%d", os.Getpid())

// newEngine returns an engine on QEMU, with a state directory of its own.
func newEngine(t testing.TB, change ...func(*microvm.Options)) *microvm.Engine {
	t.Helper()
	testenv.NeedsRoot(t)
	testenv.NeedsCommand(t, "qemu-system-x86_64")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Boot templates have names of their own, so all test processes and engines share them.
	dir := testenv.Cached(t, "microvm-templates", "1", func(string) {})
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	state := filepath.Join(t.TempDir(), "microvm")
	if err := os.MkdirAll(filepath.Join(state, "qemu"), 0o755); err != nil {
		t.Fatal(err)
	}
	monitor, err := qemu.New(t.Context(), qemu.Options{StateDir: filepath.Join(state, "qemu"), Shim: self, Accelerator: vmm.TCG, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	files := guestFiles(t)
	o := microvm.Options{
		StateDir: state, TemplateDir: dir, CgroupName: treeName, VMM: monitor, Guest: files, Logger: log,
		IdleBytes: -1, // the suite counts descriptors
	}
	for _, c := range change {
		c(&o)
	}
	e, err := microvm.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() })
	return e
}

// TestMachines is the part of the conformance suite that is run every time: one case of each kind. The whole suite takes
// minutes under emulation; it is TestConformance, behind the build tag microvm.
func TestMachines(t *testing.T) {
	testConformance(t,
		"HelloAndEcho", "ExitCode", "Crash", "AttachBeforeStart", "MemoryLimit", "PauseStopsTheGuest", "RestoreGoesOn",
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

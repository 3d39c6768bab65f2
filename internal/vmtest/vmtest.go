// Package vmtest opens the engine of virtual machines for tests: on QEMU and with emulation, so that it is the same
// everywhere; or, for hosts that have it and hardware virtualisation, on Firecracker, with the flag -vmm firecracker.
package vmtest

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/sandbox/microvm"
	"thaw.dev/thaw/sandbox/microvm/firecracker"
	"thaw.dev/thaw/sandbox/microvm/guest"
	"thaw.dev/thaw/sandbox/microvm/qemu"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// qemuName is what package qemu calls its monitor.
const qemuName = "qemu"

var monitorName = flag.String("vmm", qemuName, "`monitor` of the virtual machines under test: qemu, which emulates, or firecracker")

// GuestDir returns a directory with a kernel, made as a user has it made, once for all test processes.
func GuestDir(t testing.TB) string {
	t.Helper()
	return testenv.Cached(t, "guest", "debian-2", func(dir string) {
		if err := guest.Build(t.Context(), dir, guest.Source{}, func(step string) { t.Log(step) }); err != nil {
			t.Fatal(err)
		}
	})
}

// CgroupName is the cgroup of this test process's engines, of which there is one at a time.
func CgroupName() string { return fmt.Sprintf("thaw-test-vm-%d", os.Getpid()) }

// Open returns an engine with a state directory of its own, which the caller closes. Boot templates have names of their
// own, so all test processes share them.
func Open(t testing.TB, change ...func(*microvm.Options)) *microvm.Engine {
	t.Helper()
	testenv.NeedsRoot(t)
	state := filepath.Join(t.TempDir(), "microvm")
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	files, err := guest.Open(GuestDir(t), helperbin.Init(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() })
	o := microvm.Options{
		StateDir: state, TemplateDir: testenv.Cached(t, "microvm-templates", "1", func(string) {}),
		CgroupName: CgroupName(), VMM: monitor(t, state, log), Guest: files, Logger: log,
	}
	for _, c := range change {
		c(&o)
	}
	e, err := microvm.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func monitor(t testing.TB, state string, log *slog.Logger) vmm.VMM {
	t.Helper()
	var d vmm.VMM
	var err error
	switch *monitorName {
	case qemuName:
		testenv.NeedsCommand(t, "qemu-system-x86_64")
		d, err = qemu.New(t.Context(), qemu.Options{
			StateDir: filepath.Join(state, qemuName), Shim: helperbin.Jail(t), Accelerator: vmm.TCG, Logger: log,
		})
	case firecracker.Name:
		d, err = firecracker.New(firecracker.Options{
			StateDir: filepath.Join(state, firecracker.Name), Supervisor: helperbin.Jail(t), Logger: log,
		})
	default:
		t.Fatalf("no monitor is called %q", *monitorName)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Engine is Open, with an engine that is closed when the test ends.
func Engine(t testing.TB, change ...func(*microvm.Options)) *microvm.Engine {
	t.Helper()
	e := Open(t, change...)
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

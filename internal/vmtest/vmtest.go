// Package vmtest opens the engine of virtual machines for tests of other packages, on QEMU and with emulation, so that it
// is the same everywhere.
package vmtest

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/sandbox/microvm"
	"thaw.dev/thaw/sandbox/microvm/guest"
	"thaw.dev/thaw/sandbox/microvm/qemu"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// Guest returns what machines boot, made as a user has it made, once for all test processes.
func Guest(t testing.TB) *guest.Files {
	t.Helper()
	dir := testenv.Cached(t, "guest", "debian-1", func(dir string) {
		if err := guest.Build(t.Context(), dir, guest.Source{}, func(step string) { t.Log(step) }); err != nil {
			t.Fatal(err)
		}
	})
	f, err := guest.Open(dir, helperbin.Init(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// Engine returns an engine with a state directory and a cgroup of its own, which is closed when the test ends. Boot
// templates are shared by all test processes.
func Engine(t testing.TB) *microvm.Engine {
	t.Helper()
	testenv.NeedsRoot(t)
	testenv.NeedsCommand(t, "qemu-system-x86_64")
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	state := filepath.Join(t.TempDir(), "microvm")
	monitor, err := qemu.New(t.Context(), qemu.Options{
		StateDir: filepath.Join(state, "qemu"), Shim: helperbin.Jail(t),
		Accelerator: vmm.TCG, Logger: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	e, err := microvm.New(microvm.Options{
		StateDir: state, TemplateDir: testenv.Cached(t, "microvm-templates", "1", func(string) {}),
		CgroupName: fmt.Sprintf("thaw-test-vm-%d", os.Getpid()), VMM: monitor, Guest: Guest(t), Logger: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

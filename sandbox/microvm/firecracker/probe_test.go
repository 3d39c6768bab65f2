package firecracker_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/sandbox/microvm/firecracker"
	"thaw.dev/thaw/sandbox/microvm/kvm"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

func TestProbe(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	if d.Name() != "firecracker" || d.Accelerator() != vmm.KVM {
		t.Errorf("%s, %s", d.Name(), d.Accelerator())
	}
	hardware := kvm.Probe(t.Context()).OK
	seen := map[string]bool{}
	for _, c := range d.Probe(t.Context()) {
		seen[c.Name] = c.OK
		if !c.Must || c.Detail == "" || c.OK == (c.Remedy != "") {
			t.Errorf("%+v", c)
		}
	}
	for name, want := range map[string]bool{"firecracker": true, "kvm": hardware, "root": true, "tap devices": true, "detached mounts": true} {
		if got, ok := seen[name]; !ok || got != want {
			t.Errorf("%s is %t", name, got)
		}
	}
}

func TestWrongProgramsAreNamed(t *testing.T) {
	t.Parallel()
	program, _ := programs(t)
	old := filepath.Join(t.TempDir(), "jailer")
	testenv.WriteProgram(t, old, []byte("#!/bin/sh\necho Jailer v1.7.0\n"))
	d := newDriver(t, func(o *firecracker.Options) { o.Program, o.Jailer = program, old })
	for _, c := range d.Probe(context.Background()) {
		if c.Name == "firecracker" && (c.OK || c.Remedy == "") {
			t.Errorf("%+v", c)
		}
	}
}

func TestFirecrackerIsOptional(t *testing.T) {
	t.Parallel()
	o := firecracker.Options{StateDir: t.TempDir(), Program: "/no/such/firecracker", Logger: slog.New(slog.DiscardHandler)}
	if _, err := firecracker.New(o); !errors.Is(err, firecracker.ErrNotInstalled) {
		t.Errorf("got %v", err)
	}
	if c := firecracker.Probe(t.Context(), o)[0]; firecracker.Installed(o) || c.OK || !c.Must || c.Remedy == "" {
		t.Errorf("%+v", c)
	}
	program, _ := programs(t)
	o.Program = program
	if !firecracker.Installed(o) { // the jailer is found beside it
		t.Error("it is said to be missing")
	}
	if c := firecracker.Probe(t.Context(), o)[0]; !c.OK {
		t.Errorf("%+v", c)
	}
	o.Jailer = "/no/such/jailer"
	if _, err := firecracker.New(o); !errors.Is(err, firecracker.ErrNotInstalled) {
		t.Errorf("got %v", err)
	}
	o.Program = "/bin/sh"
	if _, err := firecracker.New(o); err == nil || errors.Is(err, firecracker.ErrNotInstalled) {
		t.Errorf("got %v", err)
	}
}

func TestFingerprintIsTheProgramsAndTheHosts(t *testing.T) {
	t.Parallel()
	first, err := newDriver(t).Fingerprint()
	if err != nil || len(first) != 64 {
		t.Fatalf("%q, %v", first, err)
	}
	if again, err := newDriver(t).Fingerprint(); err != nil || again != first {
		t.Errorf("another driver with the same program: %q, %v", again, err)
	}
	program, jailer := programs(t)
	f, err := os.OpenFile(program, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("another release"); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	changed, err := newDriver(t, func(o *firecracker.Options) { o.Program, o.Jailer = program, jailer }).Fingerprint()
	if err != nil || changed == first {
		t.Errorf("another program has the fingerprint %q, %v", changed, err)
	}
}

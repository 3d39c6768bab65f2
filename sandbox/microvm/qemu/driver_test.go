package qemu_test

import (
	"slices"
	"strings"
	"testing"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/sandbox/microvm/kvm"
	"thaw.dev/thaw/sandbox/microvm/qemu"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// TestAccelerators: the probe decides unless the operator does, and snapshots of one never fit the other.
func TestAccelerators(t *testing.T) {
	d := newDriver(t)
	want := vmm.TCG
	if kvm.Probe(t.Context()).OK {
		want = vmm.KVM
	}
	if d.Accelerator() != want {
		t.Errorf("accelerator %s, want %s", d.Accelerator(), want)
	}
	prints := map[vmm.Accelerator]string{}
	for _, a := range []vmm.Accelerator{vmm.KVM, vmm.TCG} {
		o := options(t.TempDir())
		o.Accelerator = a
		d, err := qemu.New(t.Context(), o)
		must(t, err)
		prints[a], err = d.Fingerprint()
		must(t, err)
		if d.Accelerator() != a || len(prints[a]) != 64 {
			t.Errorf("accelerator %s, fingerprint %q", d.Accelerator(), prints[a])
		}
		must(t, d.Close())
	}
	same, err := d.Fingerprint()
	must(t, err)
	if prints[vmm.KVM] == prints[vmm.TCG] || prints[want] != same {
		t.Errorf("fingerprints %v and %s", prints, same)
	}
	o := options(t.TempDir())
	o.Accelerator = "hvf"
	if _, err := qemu.New(t.Context(), o); err == nil {
		t.Error("an accelerator that does not exist was accepted")
	}
}

func TestProbe(t *testing.T) {
	testenv.NeedsCommand(t, "qemu-system-x86_64")
	checks := qemu.Probe(t.Context(), options(t.TempDir()+"/not/there/yet"))
	var names []string
	for _, c := range checks {
		names = append(names, c.Name)
		if (c.Must && !c.OK) || (c.OK && c.Remedy != "") || (!c.OK && c.Remedy == "") || c.Detail == "" {
			t.Errorf("%+v", c)
		}
	}
	if want := []string{"qemu", "accelerator", "qemu's directory"}; !slices.Equal(names, want) {
		t.Errorf("checks %q", names)
	}
	if k := kvm.Probe(t.Context()); !k.OK && (checks[1].OK || !strings.Contains(checks[1].Detail, "emulation") || !strings.Contains(checks[1].Detail, k.Detail)) {
		t.Errorf("without KVM: %+v", checks[1])
	}

	o := options(t.TempDir())
	o.Program = "/nowhere/qemu-system-x86_64"
	if c := qemu.Probe(t.Context(), o)[0]; c.OK || !c.Must || !strings.Contains(c.Remedy, "apt-get install") {
		t.Errorf("without QEMU: %+v", c)
	}
	o.Accelerator = vmm.KVM
	if c := qemu.Probe(t.Context(), o)[1]; c.OK != kvm.Probe(t.Context()).OK || (!c.OK && !c.Must) {
		t.Errorf("KVM asked for: %+v", c)
	}
}

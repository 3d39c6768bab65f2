package qemu_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/sandbox/microvm/qemu"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// rig is a machine to start and our ends of its sockets.
type rig struct {
	vmm.Machine
	ports   [vmm.NumPorts]*os.File
	network *os.File
	disk    *os.File // the writable drive's
	ram     *os.File
}

var shape = vmm.Shape{CPUs: 2, MemoryBytes: memoryBytes, Drives: 3, ScratchBytes: 1 << 20, Network: true}

// newRig makes a machine of shape. A nil memory gives it a new one.
func newRig(t testing.TB, id string, memory *os.File) *rig {
	t.Helper()
	r := &rig{Machine: vmm.Machine{ID: id, Shape: shape, MAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}}}
	for i := range r.ports {
		r.ports[i], r.Ports[i] = pair(t, unix.SOCK_STREAM)
	}
	r.network, r.Network = pair(t, unix.SOCK_SEQPACKET)
	var err error
	if r.disk, err = os.CreateTemp(t.TempDir(), "disk"); err == nil {
		err = r.disk.Truncate(shape.ScratchBytes)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.Scratch = again(t, r.disk)
	if memory == nil {
		memory = memfd(t, "ram", memoryBytes)
	}
	r.ram = memory
	r.Memory = again(t, memory)
	t.Cleanup(func() { _ = r.disk.Close() })
	return r
}

func pair(t testing.TB, kind int) (ours, theirs *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		t.Fatal(err)
	}
	ours, theirs = os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	t.Cleanup(func() { _ = ours.Close() })
	if err := ours.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

func memfd(t testing.TB, name string, size int64) *os.File {
	t.Helper()
	f, err := hostfile.Memory(name)
	must(t, err)
	t.Cleanup(func() { _ = f.Close() })
	must(t, f.Truncate(size))
	return f
}

// again returns another descriptor of f's file.
func again(t testing.TB, f *os.File) *os.File {
	t.Helper()
	g, err := hostfile.Reopen(f, os.O_RDWR)
	must(t, err)
	return g
}

func seal(t testing.TB, f *os.File) {
	t.Helper()
	must(t, hostfile.Seal(f))
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// boot boots a puppet.
func boot(t testing.TB, d *qemu.Driver, r *rig) (vmm.VM, *puppet) {
	t.Helper()
	vm, err := d.Boot(within(t), r.Machine, kernel(t))
	must(t, err)
	t.Cleanup(func() { _ = vm.Kill() })
	p := puppetOf(t, vm, "ram")
	p.up()
	return vm, p
}

func prepare(t testing.TB, d *qemu.Driver, r *rig) vmm.VM {
	t.Helper()
	vm, err := d.Prepare(within(t), r.Machine)
	must(t, err)
	t.Cleanup(func() { _ = vm.Kill() })
	return vm
}

// image returns a file with n bytes of one letter.
func image(t testing.TB, letter byte, n int) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "image")
	must(t, err)
	t.Cleanup(func() { _ = f.Close() })
	_, err = f.Write(bytes.Repeat([]byte{letter}, n))
	must(t, err)
	return f
}

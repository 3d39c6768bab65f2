package qemu_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/sandbox/microvm/jail"
	"thaw.dev/thaw/sandbox/microvm/qemu"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

const memoryBytes = 32 << 20

func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == jail.Word:
		os.Exit(jail.Main(os.Args[2:]))
	case len(os.Args) > 1 && os.Args[1] == "daemon":
		daemon(os.Args[2], os.Args[3])
	}
	leakcheck.Main(cleaned{m})
}

func options(dir string) qemu.Options {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return qemu.Options{StateDir: dir, Shim: self, Logger: slog.New(slog.DiscardHandler)}
}

// driver is one for all tests: making its root takes a while.
var driver = sync.OnceValues(func() (*qemu.Driver, error) {
	return qemu.New(context.Background(), options(stateDir))
})

// stateDir is the driver's, and removed at the end.
var stateDir = filepath.Join(os.TempDir(), fmt.Sprintf("thaw-qemu-test-%d", os.Getpid()))

// cleaned removes the driver after the tests.
type cleaned struct{ *testing.M }

func (m cleaned) Run() int {
	defer func() { _ = os.RemoveAll(stateDir) }()
	return m.M.Run()
}

func newDriver(t testing.TB) *qemu.Driver {
	t.Helper()
	testenv.NeedsRoot(t)
	testenv.NeedsCommand(t, "qemu-system-x86_64")
	d, err := driver()
	must(t, err)
	return d
}

func TestDevices(t *testing.T) {
	d := newDriver(t)
	r := newRig(t, "devices", nil)
	vm, p := boot(t, d, r)

	// Drives are in order, and have content when they are given some.
	for i := range shape.Drives {
		disk := p.disk(i)
		if n, s := disk.bytes(), disk.serial(); n != vmm.MaxDriveBytes || s != vmm.DriveSerial(i) {
			t.Errorf("drive %d is %q and has %d bytes", i, s, n)
		}
		must(t, vm.SetDrive(within(t), i, image(t, byte('a'+i), 5000)))
		for sector, want := range map[uint64][]byte{
			0:                                bytes.Repeat([]byte{byte('a' + i)}, 4096),
			8:                                append(bytes.Repeat([]byte{byte('a' + i)}, 904), make([]byte, 4096-904)...),
			(vmm.MaxDriveBytes - 4096) / 512: make([]byte, 4096),
		} {
			if got := disk.readAt(sector, 4096); !bytes.Equal(got, want) {
				t.Errorf("drive %d holds at sector %d: %.20q … %q", i, sector, got, got[4090:])
			}
		}
		if _, status := disk.request(1, 0, buffer{send: make([]byte, 512)}); status == 0 {
			t.Errorf("drive %d was written to", i)
		}
	}
	scratch := p.disk(shape.Drives)
	if n, s := scratch.bytes(), scratch.serial(); n != uint64(shape.ScratchBytes) || s != vmm.ScratchSerial {
		t.Errorf("the writable drive is %q and has %d bytes", s, n)
	}
	if _, status := scratch.request(1, 8, buffer{send: []byte(strings.Repeat("thaw", 128))}); status != 0 {
		t.Errorf("writing: status %d", status)
	}
	got := make([]byte, 512)
	if _, err := r.disk.ReadAt(got, 4096); err != nil || string(got) != strings.Repeat("thaw", 128) {
		t.Errorf("the file holds %q, %v", got, err)
	}

	// One frame is one packet, both ways. A header of 10 bytes is before it.
	card := p.device(shape.Drives + 1)
	in, out := &queue{number: 0, at: 0x300000}, &queue{number: 1, at: 0x310000}
	card.start(0, in, out)
	frame := append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}, bytes.Repeat([]byte("x"), 100)...)
	card.offer(out, buffer{send: append(make([]byte, 10), frame...)})
	packet := make([]byte, 2000)
	if n, err := r.network.Read(packet); err != nil || !bytes.Equal(packet[:n], frame) {
		t.Errorf("packet %q, %v", packet[:n], err)
	}
	card.offer(in, buffer{room: 2000})
	if _, err := r.network.Write(frame); err != nil {
		t.Error(err)
	}
	if got := card.used(in, buffer{room: 2000}); !bytes.Equal(got[10:10+len(frame)], frame) {
		t.Errorf("frame %q", got[:10+len(frame)])
	}

	// Ports. Source: VIRTIO 1.2, 5.3: port n has queues 2n+2 and 2n+3, and is told by queue 3 that it is open.
	serial := p.device(shape.Drives + 2)
	control := &queue{number: 3, at: 0x320000}
	queues := []*queue{control}
	for i := range 2 * vmm.NumPorts {
		queues = append(queues, &queue{number: uint32(4 + i), at: 0x330000 + int64(i)*0x10000})
	}
	serial.start(2, queues...)
	for i := range vmm.NumPorts {
		in, out := queues[1+2*i], queues[2+2*i]
		serial.offer(control, buffer{send: []byte{byte(i + 1), 0, 0, 0, 6, 0, 1, 0}})
		serial.used(control)
		serial.offer(out, buffer{send: []byte(vmm.PortNames[i])})
		b := make([]byte, 100)
		if n, err := r.ports[i].Read(b); err != nil || string(b[:n]) != vmm.PortNames[i] {
			t.Errorf("port %d: %q, %v", i, b[:n], err)
		}
		serial.offer(in, buffer{room: 100})
		if _, err := fmt.Fprintf(r.ports[i], "to port %d", i); err != nil {
			t.Error(err)
		}
		if got := serial.used(in, buffer{room: 100}); !strings.HasPrefix(string(got), fmt.Sprintf("to port %d\x00", i)) {
			t.Errorf("port %d got %q", i, got)
		}
	}
}

// TestStop: while a machine is stopped, all its threads sleep, though its guest never does.
func TestStop(t *testing.T) {
	d := newDriver(t)
	vm, p := boot(t, d, newRig(t, "stop", nil))
	for range 5 {
		must(t, vm.Stop(within(t)))
		turns := p.word(turnsAt)
		p.until("sleep", func() bool { return asleep(t, vm) })
		for range 1000 {
			if p.word(turnsAt) != turns {
				t.Fatal("the guest runs on")
			}
		}
		must(t, vm.Continue(within(t)))
		p.up()
	}
}

// asleep says whether all threads of a machine sleep.
func asleep(t *testing.T, vm vmm.VM) bool {
	t.Helper()
	for _, stat := range threads(t, vm, "stat") {
		if _, rest, _ := strings.Cut(stat, ") "); rest[0] != 'S' {
			return false
		}
	}
	return true
}

// threads reads a file about each thread of a machine.
func threads(t testing.TB, vm vmm.VM, name string) (contents []string) {
	t.Helper()
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/%s", vm.PID(), name))
	must(t, err)
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // a thread that read from a drive has ended
		}
		must(t, err)
		contents = append(contents, string(b))
	}
	if len(contents) == 0 {
		t.Fatal("it has ended")
	}
	return contents
}

func TestGuestPowersOff(t *testing.T) {
	d := newDriver(t)
	vm, p := boot(t, d, newRig(t, "off", nil))
	p.putWord(mailboxAt, puppetReset)
	select {
	case <-vm.Done():
	case <-within(t).Done():
		t.Fatal("it lives on")
	}
	if vm.Exit() != "" {
		t.Errorf("exit %q", vm.Exit())
	}
	if err := vm.Stop(within(t)); err == nil || !strings.Contains(err.Error(), "qemu has ended") {
		t.Errorf("stop: %v", err)
	}
}

// TestFullDisk: when the host's disk is full the guest is told; it is not stopped.
func TestFullDisk(t *testing.T) {
	d := newDriver(t)
	dir := t.TempDir()
	must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"))
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	r := newRig(t, "full", nil)
	_ = r.Scratch.Close()
	var err error
	r.Scratch, err = os.Create(dir + "/disk")
	must(t, err)
	must(t, r.Scratch.Truncate(shape.ScratchBytes))
	vm, p := boot(t, d, r)
	scratch := p.disk(shape.Drives)
	failed := false
	for sector := uint64(0); sector < 256; sector += 16 {
		_, status := scratch.request(1, sector, buffer{send: bytes.Repeat([]byte("x"), 8192)})
		failed = failed || status != 0
	}
	if !failed {
		t.Error("128 KiB fit on 64")
	}
	if got := scratch.readAt(0, 512); got[0] != 'x' {
		t.Errorf("read %q", got[:10])
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", vm.PID()))
	must(t, err)
	_, after, _ := strings.Cut(string(status), "\nSigIgn:")
	line, _, _ := strings.Cut(after, "\n")
	ignored, err := strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	must(t, err)
	if ignored&(1<<(unix.SIGXFSZ-1)) == 0 { // the signal of a limit below the drive's size
		t.Errorf("writing too far would end it: ignored signals %x", ignored)
	}
}

func TestRefusals(t *testing.T) {
	d := newDriver(t)
	for name, test := range map[string]struct {
		change func(*rig)
		says   string
	}{
		"no memory":       {func(r *rig) { _ = r.Memory.Close(); r.Memory = nil }, "no memory"},
		"not sealed":      {func(*rig) {}, "not sealed"},
		"not that size":   {func(r *rig) { seal(t, r.ram); r.Shape.MemoryBytes *= 2 }, "in a file of"},
		"impossible size": {func(r *rig) { seal(t, r.ram); r.Shape.MemoryBytes++ }, "impossible shape"},
		"no port":         {func(r *rig) { seal(t, r.ram); _ = r.Ports[2].Close(); r.Ports[2] = nil }, "thaw.data is missing"},
		"no network":      {func(r *rig) { seal(t, r.ram); _ = r.Network.Close(); r.Network = nil }, "do not fit"},
		"refused start":   {func(r *rig) { seal(t, r.ram); r.Started = func(int) error { return errors.New("no room") } }, "no room"},
	} {
		r := newRig(t, "refused", nil)
		test.change(r)
		if vm, err := d.Prepare(within(t), r.Machine); err == nil {
			_ = vm.Kill()
			t.Errorf("%s: started", name)
		} else if !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
		for _, f := range append(r.Ports[:], r.Memory, r.Network, r.Scratch) {
			if f != nil && !errors.Is(f.Close(), os.ErrClosed) {
				t.Errorf("%s: a file was left open", name)
			}
		}
	}
	r := newRig(t, "drives", nil)
	seal(t, r.ram)
	vm := prepare(t, d, r)
	for _, i := range []int{-1, shape.Drives} {
		if err := vm.SetDrive(within(t), i, image(t, 'x', 1)); err == nil {
			t.Errorf("drive %d was set", i)
		}
	}
	null, err := os.Open(os.DevNull)
	must(t, err)
	defer func() { _ = null.Close() }()
	if err := vm.SetDrive(within(t), 0, null); err == nil {
		t.Error("a device became a drive's content")
	}
	if err := vm.SetDrive(within(t), 0, image(t, 'x', 4096)); err != nil {
		t.Errorf("after refusals: %v", err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Prepare(canceled, newRig(t, "canceled", r.ram).Machine); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

// daemon boots a puppet and says its process's number.
func daemon(dir, kernelPath string) {
	d, err := qemu.New(context.Background(), options(dir))
	if err != nil {
		panic(err)
	}
	image, err := os.Open(kernelPath)
	if err != nil {
		panic(err)
	}
	m := vmm.Machine{ID: "orphan", Shape: vmm.Shape{CPUs: 1, MemoryBytes: memoryBytes}}
	for i := range m.Ports {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			panic(err)
		}
		m.Ports[i] = os.NewFile(uintptr(fds[0]), "port")
	}
	vm, err := d.Boot(context.Background(), m, vmm.Kernel{Image: image})
	if err != nil {
		panic(err)
	}
	fmt.Println(vm.PID())
	select {}
}

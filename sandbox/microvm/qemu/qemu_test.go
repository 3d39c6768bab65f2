package qemu_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

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
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), name)
	t.Cleanup(func() { _ = f.Close() })
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	return f
}

// again returns another descriptor of f's file.
func again(t testing.TB, f *os.File) *os.File {
	t.Helper()
	g, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func seal(t testing.TB, f *os.File) {
	t.Helper()
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_GROW|unix.F_SEAL_SHRINK|unix.F_SEAL_SEAL); err != nil {
		t.Fatal(err)
	}
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

	// Entropy.
	rng := p.device(shape.Drives + 3)
	random := &queue{at: 0x3f0000}
	rng.start(0, random)
	rng.offer(random, buffer{room: 32})
	if got := rng.used(random, buffer{room: 32}); bytes.Equal(got, make([]byte, 32)) {
		t.Error("random bytes are zero")
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

// saved is a template.
type saved struct{ memory, state *os.File }

func save(t testing.TB, vm vmm.VM, memory *os.File) saved {
	t.Helper()
	s := saved{memory: memory, state: memfd(t, "state", 0)}
	must(t, vm.Stop(within(t)))
	if memory == nil {
		s.memory = memfd(t, "ram", 0)
		must(t, vm.Save(within(t), s.memory, s.state))
	} else {
		must(t, vm.Save(within(t), nil, s.state))
		must(t, vm.Kill())
	}
	seal(t, s.memory)
	return s
}

func sum(t testing.TB, f *os.File) []byte {
	t.Helper()
	b := make([]byte, memoryBytes)
	if _, err := f.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSaveAndLoad(t *testing.T) {
	d := newDriver(t)
	r := newRig(t, "template", nil)
	vm, p := boot(t, d, r)
	disk := p.disk(0)
	p.put(0x500000, []byte("of the template"))
	p.put(0x600000, []byte("to become zero"))
	template := save(t, vm, r.ram)
	before := sum(t, template.memory)

	// Two clones at once: each has the template's memory and devices, and changes its own only.
	clones, puppets := make([]vmm.VM, 2), make([]*puppet, 2)
	for i := range clones {
		clones[i] = prepare(t, d, newRig(t, fmt.Sprintf("clone-%d", i), template.memory))
		must(t, clones[i].SetDrive(within(t), 0, image(t, byte('A'+i), 8192)))
		must(t, clones[i].Load(within(t), template.state))
		puppets[i] = puppetOf(t, clones[i], "ram")
		puppets[i].up()
	}
	for i, p := range puppets {
		if turns := p.word(turnsAt); turns < 1 || string(p.get(0x500000, 15)) != "of the template" {
			t.Errorf("clone %d: %d turns, %q", i, turns, p.get(0x500000, 15))
		}
		clone := &diskOf{p, *disk.queue}
		if got := clone.read(disk.at, 16); string(got[:3]) != strings.Repeat(string(rune('A'+i)), 3) {
			t.Errorf("clone %d reads %q from its drive", i, got)
		}
		p.put(0x500000, []byte("of the clone 0"+string(rune('0'+i))))
		p.put(0x600000, make([]byte, 14))
		p.put(0x700008, []byte("new"))
	}
	if !bytes.Equal(before, sum(t, template.memory)) {
		t.Error("the template's memory has changed")
	}

	// A clone can be saved, and its clones have what it had.
	second := save(t, clones[1], nil)
	own := sum(t, second.memory)
	for at, want := range map[int]string{0x500000: "of the clone 01", 0x600000: strings.Repeat("\x00", 14), 0x700008: "new"} {
		if got := string(own[at : at+len(want)]); got != want {
			t.Errorf("saved %q at %x, want %q", got, at, want)
		}
	}
	turns := puppets[1].word(turnsAt)
	for at := 0; at < memoryBytes; at += 4096 {
		if got := puppets[1].get(int64(at), 4096); !bytes.Equal(got, own[at:at+4096]) {
			t.Fatalf("page %x is not what the clone had", at)
		}
	}
	var st unix.Stat_t
	must(t, unix.Fstat(int(second.memory.Fd()), &st))
	if st.Size != memoryBytes || st.Blocks*512 > 4<<20 {
		t.Errorf("%d bytes saved, which take %d", st.Size, st.Blocks*512)
	}
	must(t, clones[1].Continue(within(t)))
	puppets[1].up()

	grandchild := prepare(t, d, newRig(t, "grandchild", second.memory))
	must(t, grandchild.Load(within(t), second.state))
	g := puppetOf(t, grandchild, "ram")
	g.up()
	if g.word(turnsAt)-turns > 1<<31 || string(g.get(0x500000, 15)) != "of the clone 01" {
		t.Errorf("%d turns after %d, %q", g.word(turnsAt), turns, g.get(0x500000, 15))
	}
}

// diskOf drives a block device that was started before its machine was saved.
type diskOf struct {
	*puppet
	queue queue
}

func (d *diskOf) read(at uint32, n int) []byte {
	d.t.Helper()
	k := &disk{device: device{d.puppet, at}, queue: &d.queue}
	return k.readAt(0, 512)[:n]
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
	if !strings.Contains(string(status), "\nSigIgn:\t0000000001") { // SIGXFSZ, of a limit below the drive's size
		t.Errorf("writing too far would end it:\n%s", status)
	}
}

func TestDamagedState(t *testing.T) {
	d := newDriver(t)
	r := newRig(t, "template", nil)
	vm, _ := boot(t, d, r)
	template := save(t, vm, r.ram)
	info, err := template.state.Stat()
	must(t, err)
	for name, damage := range map[string]func(*os.File) error{
		"empty":   func(f *os.File) error { return f.Truncate(0) },
		"half":    func(f *os.File) error { return f.Truncate(info.Size() / 2) },
		"foreign": func(f *os.File) error { _, err := f.WriteAt([]byte("not a state"), 0); return err },
	} {
		t.Run(name, func(t *testing.T) {
			whole := make([]byte, info.Size())
			_, err := template.state.ReadAt(whole, 0)
			must(t, err)
			state := memfd(t, "state", 0)
			_, err = state.Write(whole)
			must(t, errors.Join(err, damage(state)))
			clone := prepare(t, d, newRig(t, "clone", template.memory))
			if err := clone.Load(within(t), state); err == nil {
				t.Error("loaded")
			} else {
				t.Log(err)
			}
		})
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

package firecracker_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/microvm/vmm"
)

var small = vmm.Shape{CPUs: 1, MemoryBytes: 16 << 20, Drives: 2}

func TestMachineBootsAndAnswersOnAllPorts(t *testing.T) {
	t.Parallel()
	g := boot(t, newDriver(t), small)
	for i := range vmm.NumPorts {
		if got := g.ask(i, "port"); got != string(rune('0'+i)) {
			t.Errorf("port %d answers %q", i, got)
		}
	}
	line := g.ask(vmm.PortControl, "cmdline")
	if !strings.HasPrefix(line, "quiet panic=-1 ") || !strings.Contains(line, "reboot=k") || strings.Contains(line, "nomodule") {
		t.Errorf("the kernel's command line is %q", line)
	}
	if n := len(g.ask(vmm.PortData, "long 300000")); n != 300000 {
		t.Errorf("an answer of 300000 bytes came with %d", n)
	}
}

func TestClonesGoOnFromWhatWasSaved(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	g := boot(t, d, small)
	g.expect("1", "count")
	g.expect("2", "count")
	s := g.save(small)
	g.expect("3", "count") // the original goes on, on new connections

	a, b := load(t, d, s), load(t, d, s)
	for _, clone := range []*guest{a, b} {
		clone.expect("3", "count")
		clone.expect("4", "count")
		if line := clone.ask(vmm.PortManage, "cmdline"); !strings.HasPrefix(line, "quiet") {
			t.Errorf("a clone's memory begins with %q", line)
		}
	}
	again := a.save(small) // a clone can be saved as well
	load(t, d, again).expect("5", "count")
	g.expect("4", "count")
}

func TestMemoryIsSavedWithHoles(t *testing.T) {
	t.Parallel()
	g := boot(t, newDriver(t), small)
	g.expect("1", "count")
	s := g.save(small)
	var st unix.Stat_t
	if err := unix.Fstat(int(s.memory.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	if st.Size != small.MemoryBytes || st.Blocks*512 > 1<<20 {
		t.Errorf("the memory file has %d bytes, %d of them on blocks", st.Size, st.Blocks*512)
	}
}

func TestBootedMemoryIsInTheGivenFile(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	m, g := machine(t, small)
	memory := memfd(t, small.MemoryBytes)
	m.Memory = duplicate(t, memory)
	vm, err := d.Boot(within(t), m, kernel(t))
	if err != nil {
		t.Fatal(err)
	}
	g.vm = vm
	g.expect("1", "count")
	state := nameless(t, t.TempDir(), 0)
	defer func() { _ = state.Close() }()
	if err := errors.Join(vm.Stop(within(t)), vm.Save(within(t), nil, state), vm.Kill()); err != nil {
		t.Fatal(err)
	}
	load(t, d, saved{small, memory, state}).expect("2", "count")
}

func TestStoppedMachinesDoNothing(t *testing.T) {
	t.Parallel()
	g := boot(t, newDriver(t), small)
	g.expect("1", "count")
	if err := g.vm.Stop(within(t)); err != nil {
		t.Fatal(err)
	}
	if err := g.vm.Stop(within(t)); err == nil {
		t.Error("stopped a stopped machine")
	}
	if _, err := io.WriteString(g.ports[vmm.PortControl], "count\n"); err != nil {
		t.Fatal(err)
	}
	if err := g.vm.Continue(within(t)); err != nil {
		t.Fatal(err)
	}
	if line, err := g.read[vmm.PortControl].ReadString('\n'); err != nil || line != "2\n" { // asked while it stood
		t.Errorf("got %q, %v", line, err)
	}
	if err := g.vm.Continue(within(t)); err == nil {
		t.Error("continued a running machine")
	}
	if err := g.vm.Save(within(t), memfd(t, small.MemoryBytes), nil); err == nil {
		t.Error("saved a running machine")
	}
}

// image returns an image file as the stores make them: readable by root alone, padded to a length.
func image(t *testing.T, content string, length int64) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, []byte(content), 0o400); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, length); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestDrivesGetTheirContentLate(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	g := boot(t, d, small)
	g.expect("17179869184", "size 0")
	g.expect(`"\x00\x00\x00\x00"`, "read 0 4 1000000000")
	s := g.save(small)

	clone := prepare(t, d, s)
	if err := clone.vm.SetDrive(within(t), 0, image(t, "before", 8192)); err != nil {
		t.Fatal(err)
	}
	if err := clone.vm.Load(within(t), s.state); err != nil {
		t.Fatal(err)
	}
	clone.expect(`"before"`, "read 0 6 0")
	clone.expect(`"\x00"`, "read 1 1 0")
	if err := clone.vm.SetDrive(within(t), 1, image(t, "running", 4096)); err != nil {
		t.Fatal(err)
	}
	clone.expect(`"running"`, "read 1 7 0")
	clone.expect("4096", "size 1")
	for i, why := range map[int]string{0: "it has its content", 2: "it has 2", -1: "it has 2"} {
		if err := clone.vm.SetDrive(within(t), i, image(t, "x", 512)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("drive %d: %v", i, err)
		}
	}
	g.expect(`"\x00\x00"`, "read 0 2 0") // nothing of it reached another machine
	if got := clone.ask(vmm.PortControl, "write 0 x"); !strings.HasPrefix(got, "error") {
		t.Errorf("an image was written to: %q", got)
	}
}

func TestImagesLargerThanADriveAreRefused(t *testing.T) {
	t.Parallel()
	g := boot(t, newDriver(t), small)
	if err := g.vm.SetDrive(within(t), 0, image(t, "x", vmm.MaxDriveBytes+512)); err == nil {
		t.Error("an image was taken that no drive holds")
	}
}

func TestScratchDriveIsTheGivenFile(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	shape := small
	shape.ScratchBytes = 1 << 20
	m, g := machine(t, shape)
	file := duplicate(t, m.Scratch)
	defer func() { _ = file.Close() }()
	vm, err := d.Boot(within(t), m, kernel(t))
	if err != nil {
		t.Fatal(err)
	}
	g.vm = vm
	g.expect("1048576", "size 2") // the guest finds it after the drives
	g.expect("written", "write 2 mine")
	if err := vm.Stop(within(t)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4)
	if _, err := file.ReadAt(b, 0); err != nil || !bytes.Equal(b, []byte("mine")) {
		t.Errorf("the file begins with %q, %v", b, err)
	}
}

func TestAScratchFileThatCannotBeNamedIsRefused(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	shape := small
	shape.ScratchBytes = 1 << 20
	m, _ := machine(t, shape)
	_ = m.Scratch.Close()
	f, err := os.CreateTemp(t.TempDir(), "scratch")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(f.Name()); err != nil {
		t.Fatal(err)
	}
	m.Scratch = f
	if vm, err := d.Boot(within(t), m, kernel(t)); err == nil || !strings.Contains(err.Error(), "O_TMPFILE") {
		t.Errorf("got %v, %v", vm, err)
	}
}

func TestDamagedStatesAreRefused(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	s := boot(t, d, small).save(small)
	b, err := io.ReadAll(io.NewSectionReader(s.state, 0, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	for name, content := range map[string][]byte{"changed": b, "cut": b[:len(b)/2], "empty": nil} {
		damaged := nameless(t, t.TempDir(), 0)
		if _, err := damaged.Write(content); err != nil {
			t.Fatal(err)
		}
		g := prepare(t, d, s)
		if err := g.vm.Load(within(t), damaged); err == nil {
			t.Errorf("%s: loaded", name)
		}
		_ = damaged.Close()
		if err := g.vm.Kill(); err != nil {
			t.Error(err)
		}
	}
}

func TestStartsThatFailLeaveNothing(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	var pid int
	remember := func(p int) error { pid = p; return nil }
	refused := errors.New("no cgroup")
	cancelled, cancel := context.WithCancel(t.Context())
	for name, c := range map[string]struct {
		change func(*vmm.Machine)
		ctx    context.Context //nolint:containedctx // a row of a table
		want   string
	}{
		"no memory":        {func(m *vmm.Machine) { m.Memory = nil }, within(t), "no memory"},
		"too many CPUs":    {func(m *vmm.Machine) { m.Shape.CPUs = 33 }, within(t), "33 virtual CPUs"},
		"odd memory":       {func(m *vmm.Machine) { m.Shape.MemoryBytes++ }, within(t), "2 MiB"},
		"no scratch file":  {func(m *vmm.Machine) { m.Shape.ScratchBytes = 1 << 20 }, within(t), "scratch"},
		"bad ID":           {func(m *vmm.Machine) { m.ID = strings.Repeat("x", 65) }, within(t), "Invalid instance ID"},
		"Started refuses":  {func(m *vmm.Machine) { m.Started = func(p int) error { pid = p; return refused } }, within(t), "no cgroup"},
		"context was over": {func(m *vmm.Machine) { m.Started = func(p int) error { pid = p; cancel(); return nil } }, cancelled, "canceled"},
	} {
		m, _ := machine(t, small)
		m.Memory, m.Started, pid = memfd(t, small.MemoryBytes), remember, 0
		c.change(&m)
		vm, err := d.Prepare(c.ctx, m)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, %v", name, vm, err)
		}
		if pid != 0 {
			gone(t, pid)
		}
	}
}

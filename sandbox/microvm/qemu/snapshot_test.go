package qemu_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/microvm/vmm"
)

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

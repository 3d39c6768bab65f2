package qemu_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// A puppet is a guest of a few bytes that does what the test tells it through a mailbox in its memory: read or write a
// word, of a device for example. So tests can drive devices, and be the driver of a virtio queue, without an operating
// system, in a machine that has booted after milliseconds.
//
// The mailbox: a command, an address, a value, a word that is not used, and a count of the puppet's turns.
const (
	mailboxAt = 0x8000
	turnsAt   = mailboxAt + 16

	puppetWrite = 1
	puppetRead  = 2
	puppetReset = 3 // a triple fault
)

// puppetELF is an ELF file with a PVH entry, which is entered in 32-bit protected mode with paging off.
func puppetELF() []byte {
	code := []byte{0xbf, mailboxAt & 0xff, mailboxAt >> 8, 0, 0} // mov edi, mailbox
	loop := len(code)
	code = append(code, 0x8b, 0x07) // mov eax, [edi]
	code = append(code, 0xff, 0x47, 16)
	jumps := map[byte]int{}
	for _, c := range []byte{puppetWrite, puppetRead, puppetReset} {
		code = append(code, 0x83, 0xf8, c, 0x74, 0) // cmp eax, c; je
		jumps[c] = len(code)
	}
	jump := func(to int) { code = append(code, 0xeb, byte(to-len(code)-2)) }
	land := func(c byte) { code[jumps[c]-1] = byte(len(code) - jumps[c]) }
	jump(loop)
	land(puppetWrite)
	code = append(code, 0x8b, 0x5f, 4, 0x8b, 0x4f, 8, 0x89, 0x0b) // mov ebx, [edi+4]; mov ecx, [edi+8]; mov [ebx], ecx
	done := len(code)
	code = append(code, 0xc7, 0x07, 0, 0, 0, 0) // mov dword [edi], 0
	jump(loop)
	land(puppetRead)
	code = append(code, 0x8b, 0x5f, 4, 0x8b, 0x0b, 0x89, 0x4f, 8) // mov ebx, [edi+4]; mov ecx, [ebx]; mov [edi+8], ecx
	jump(done)
	land(puppetReset)
	code = append(code, 0x6a, 0, 0x6a, 0, 0x0f, 0x01, 0x1c, 0x24, 0xcc) // an empty interrupt table, and an interrupt

	const entry, codeAt, notesAt = 0x100000, 0x1000, 64 + 2*56
	le := binary.LittleEndian
	f := make([]byte, codeAt, codeAt+len(code))
	copy(f, "\x7fELF\x02\x01\x01")
	le.PutUint16(f[16:], 2)  // an executable
	le.PutUint16(f[18:], 62) // x86-64
	le.PutUint32(f[20:], 1)
	le.PutUint64(f[24:], entry)
	le.PutUint64(f[32:], 64) // program headers
	le.PutUint16(f[52:], 64)
	le.PutUint16(f[54:], 56)
	le.PutUint16(f[56:], 2)
	segment := func(b []byte, kind uint32, at, address, size int) {
		le.PutUint32(b, kind)
		le.PutUint32(b[4:], 5)
		for i, v := range []int{at, address, address, size, size, 4} {
			le.PutUint64(b[8+8*i:], uint64(v))
		}
	}
	segment(f[64:], 1, codeAt, entry, len(code))
	segment(f[64+56:], 4, notesAt, 0, 20)
	for i, v := range []uint32{4, 4, 18, 0x006e6558, entry} { // "Xen", XEN_ELFNOTE_PHYS32_ENTRY
		le.PutUint32(f[notesAt+4*i:], v)
	}
	return append(f, code...)
}

// kernel returns the puppet as what Boot starts.
func kernel(t testing.TB) vmm.Kernel {
	t.Helper()
	path := filepath.Join(t.TempDir(), "puppet")
	if err := os.WriteFile(path, puppetELF(), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return vmm.Kernel{Image: f, Cmdline: "puppet"}
}

// puppet is the hand in it.
type puppet struct {
	t      testing.TB
	memory *os.File // of the process
	base   int64    // where the guest's memory is in it
}

// puppetOf finds the guest's memory in a machine's process, whose memory file is called name.
func puppetOf(t testing.TB, vm vmm.VM, name string) *puppet {
	t.Helper()
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", vm.PID()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = maps.Close() }()
	p := &puppet{t: t}
	for s := bufio.NewScanner(maps); s.Scan() && p.base == 0; {
		if strings.Contains(s.Text(), "/memfd:"+name+" ") {
			if _, err := fmt.Sscanf(s.Text(), "%x-", &p.base); err != nil {
				t.Fatal(err)
			}
		}
	}
	if p.base == 0 {
		t.Fatalf("process %d has not mapped %s", vm.PID(), name)
	}
	if p.memory, err = os.OpenFile(fmt.Sprintf("/proc/%d/mem", vm.PID()), os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.memory.Close() })
	return p
}

func (p *puppet) get(at, n int64) []byte {
	p.t.Helper()
	b := make([]byte, n)
	if _, err := p.memory.ReadAt(b, p.base+at); err != nil {
		p.t.Fatal(err)
	}
	return b
}

func (p *puppet) put(at int64, b []byte) {
	p.t.Helper()
	if _, err := p.memory.WriteAt(b, p.base+at); err != nil {
		p.t.Fatal(err)
	}
}

func (p *puppet) word(at int64) uint32 { p.t.Helper(); return binary.LittleEndian.Uint32(p.get(at, 4)) }

func (p *puppet) putWord(at int64, v uint32) {
	p.t.Helper()
	p.put(at, binary.LittleEndian.AppendUint32(nil, v))
}

// until waits for something in the guest.
func (p *puppet) until(what string, is func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); {
		if time.Now().After(deadline) {
			p.t.Fatalf("waited too long for: %s", what)
		}
	}
}

// up waits until the puppet takes turns.
func (p *puppet) up() {
	p.t.Helper()
	before := p.word(turnsAt)
	p.until("the puppet's turn", func() bool { return p.word(turnsAt) != before })
}

func (p *puppet) command(c, address, value uint32) uint32 {
	p.t.Helper()
	p.putWord(mailboxAt+4, address)
	p.putWord(mailboxAt+8, value)
	p.putWord(mailboxAt, c)
	p.until("the puppet's answer", func() bool { return p.word(mailboxAt) == 0 })
	return p.word(mailboxAt + 8)
}

// device is the nth virtio device behind MMIO; the first is at the last of 24 places. Source: Virtual I/O Device (VIRTIO) 1.2, 4.2.4; QEMU's hw/i386/microvm.h.
type device struct {
	*puppet
	at uint32
}

func (p *puppet) device(n int) device { return device{p, 0xfeb00000 + uint32(23-n)*0x200} }

func (d device) read(register uint32) uint32 {
	d.t.Helper()
	return d.command(puppetRead, d.at+register, 0)
}

func (d device) write(register, v uint32) {
	d.t.Helper()
	d.command(puppetWrite, d.at+register, v)
}

const (
	deviceID    = 0x08
	deviceFeat  = 0x20
	featSelect  = 0x24
	pageSize    = 0x28
	queueSelect = 0x30
	queueLength = 0x38
	queueAlign  = 0x3c
	queuePage   = 0x40
	queueNotify = 0x50
	statusAt    = 0x70
	configAt    = 0x100
)

// start negotiates the features given and no others.
func (d device) start(features uint32, queues ...*queue) {
	d.t.Helper()
	d.write(statusAt, 0)
	d.write(statusAt, 3)
	d.write(featSelect, 0)
	d.write(deviceFeat, features)
	d.write(pageSize, 4096)
	for _, q := range queues {
		d.write(queueSelect, q.number)
		d.write(queueLength, queueEntries)
		d.write(queueAlign, 4096)
		d.write(queuePage, uint32(q.at/4096))
	}
	d.write(statusAt, 7)
	if s := d.read(statusAt); s != 7 {
		d.t.Fatalf("status of the device is %d", s)
	}
}

// queue is a virtqueue with tables at an address of the guest's memory, and its buffers behind them.
type queue struct {
	number uint32
	at     int64
	turn   uint16
}

const (
	queueEntries = 4
	availAt      = queueEntries * 16
	usedAt       = 0x1000
	buffersAt    = 0x2000
	bufferBytes  = 0x2000
)

// buffer is a part of what goes through a queue: bytes to send, or room for bytes to receive.
type buffer struct {
	send []byte
	room int
}

// offer puts buffers into the queue, as one chain.
func (d device) offer(q *queue, chain ...buffer) {
	d.t.Helper()
	le := binary.LittleEndian
	for i, b := range chain {
		at := q.at + buffersAt + int64(i)*bufferBytes
		flags := uint16(1) // there is a next
		if i == len(chain)-1 {
			flags = 0
		}
		size := len(b.send)
		if b.room > 0 {
			flags, size = flags|2, b.room
		} else {
			d.put(at, b.send)
		}
		desc := le.AppendUint64(nil, uint64(at))
		desc = le.AppendUint32(desc, uint32(size))
		desc = le.AppendUint16(desc, flags)
		desc = le.AppendUint16(desc, uint16(i+1))
		d.put(q.at+int64(i)*16, desc)
	}
	d.put(q.at+availAt+4+2*int64(q.turn%queueEntries), []byte{0, 0})
	q.turn++
	d.put(q.at+availAt+2, le.AppendUint16(nil, q.turn))
	d.write(queueNotify, q.number)
}

// used waits until the device has used the last offer and returns what it wrote.
func (d device) used(q *queue, chain ...buffer) []byte {
	d.t.Helper()
	d.until("the device", func() bool { return binary.LittleEndian.Uint16(d.get(q.at+usedAt+2, 2)) == q.turn })
	var out []byte
	for i, b := range chain {
		if b.room > 0 {
			out = append(out, d.get(q.at+buffersAt+int64(i)*bufferBytes, int64(b.room))...)
		}
	}
	return out
}

// disk is a started block device.
type disk struct {
	device
	queue *queue
}

func (p *puppet) disk(place int) *disk {
	p.t.Helper()
	d := &disk{device: p.device(place), queue: &queue{at: 0x200000 + int64(place)*0x10000}}
	if id := d.read(deviceID); id != 2 {
		p.t.Fatalf("device %d is of kind %d, not a disk", place, id)
	}
	d.start(0, d.queue)
	return d
}

// request does one operation. Source: VIRTIO 1.2, 5.2.6.
func (d *disk) request(kind uint32, sector uint64, b buffer) ([]byte, byte) {
	d.t.Helper()
	head := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(nil, kind), 0)[:8]
	head = binary.LittleEndian.AppendUint64(head, sector)
	chain := []buffer{{send: head}, b, {room: 1}}
	d.offer(d.queue, chain...)
	got := d.used(d.queue, chain...)
	return got[:len(got)-1], got[len(got)-1]
}

func (d *disk) readAt(sector uint64, n int) []byte {
	d.t.Helper()
	b, status := d.request(0, sector, buffer{room: n})
	if status != 0 {
		d.t.Errorf("reading sector %d: status %d", sector, status)
	}
	return b
}

func (d *disk) serial() string {
	d.t.Helper()
	b, _ := d.request(8, 0, buffer{room: 20})
	return string(bytes.TrimRight(b, "\x00"))
}

func (d *disk) bytes() uint64 {
	d.t.Helper()
	return (uint64(d.read(configAt)) | uint64(d.read(configAt+4))<<32) * 512
}

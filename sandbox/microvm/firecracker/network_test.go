package firecracker_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"testing"
	"time"

	"thaw.dev/thaw/sandbox/microvm/vmm"
)

var networked = vmm.Shape{CPUs: 1, MemoryBytes: 16 << 20, Network: true}

// The guest's and the host's hardware addresses, and the lengths of headers, in bytes.
var (
	guestMAC = []byte{2, 0, 0, 0, 0, 1}
	hostMAC  = []byte{2, 0, 0, 0, 0, 2}
)

const (
	ethernet = 14
	ip       = 20
	tcp      = 20
	headers  = ethernet + ip + tcp
)

// frame returns an Ethernet frame with an experimental type and a payload.
func frame(to, from, payload []byte) []byte {
	f := append(append([]byte{}, to...), from...)
	return append(append(f, 0x88, 0xb5), payload...)
}

func (g *guest) receive() []byte {
	g.t.Helper()
	if err := g.wire.SetReadDeadline(time.Now().Add(patience)); err != nil {
		g.t.Fatal(err)
	}
	b := make([]byte, 1<<16)
	n, err := g.wire.Read(b)
	if err != nil {
		g.t.Fatal(err)
	}
	return b[:n]
}

// header is what precedes a frame on a tap device: a virtio_net_hdr of 12 bytes.
func header(segment uint16) []byte {
	h := make([]byte, 12)
	if segment > 0 {
		h[0], h[1] = 1, 1                                 // the checksum is to be completed; TCP over IPv4 to be cut
		binary.LittleEndian.PutUint16(h[2:], headers)     // length of the headers
		binary.LittleEndian.PutUint16(h[4:], segment)     // payload of each segment
		binary.LittleEndian.PutUint16(h[6:], ethernet+ip) // where the checksum begins
		binary.LittleEndian.PutUint16(h[8:], 16)          // and where in there it belongs
	}
	return h
}

func TestFramesGoBothWays(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	g := boot(t, d, networked)
	for _, n := range []int{46, 1500, 16384, 65521} {
		want := frame(hostMAC, guestMAC, bytes.Repeat([]byte{byte(n)}, n))
		g.expect("sent", "send %x", append(header(0), want...))
		if got := g.receive(); !bytes.Equal(got, want) {
			t.Errorf("%d bytes from the guest came as %d", len(want), len(got))
		}
		back := frame(guestMAC, hostMAC, bytes.Repeat([]byte{byte(n)}, n))
		if _, err := g.wire.Write(back); err != nil {
			t.Fatal(err)
		}
		if got := g.ask(vmm.PortControl, "receive"); got != hex.EncodeToString(back) {
			t.Errorf("%d bytes from the host came as %d", len(back), len(got)/2)
		}
	}
	s := g.save(networked)
	clone := load(t, d, s)
	want := frame(hostMAC, guestMAC, []byte("from the clone, to its own wire"))
	clone.expect("sent", "send %x", append(header(0), want...))
	if got := clone.receive(); !bytes.Equal(got, want) {
		t.Errorf("got %d bytes: %.80q", len(got), got)
	}
	want = frame(hostMAC, guestMAC, []byte("from the original, to its own wire"))
	g.expect("sent", "send %x", append(header(0), want...))
	if got := g.receive(); !bytes.Equal(got, want) {
		t.Errorf("got %d bytes: %.80q", len(got), got)
	}
}

// TestLargeSegmentsAreCut: Firecracker's device lets the guest leave cutting and checksums to the host.
func TestLargeSegmentsAreCut(t *testing.T) {
	t.Parallel()
	const segment, total = 1400, 4000
	payload := make([]byte, total)
	for i := range payload {
		payload[i] = byte(i * 7)
	}
	f := append(append(append([]byte{}, hostMAC...), guestMAC...), 0x08, 0x00)
	f = append(f, 0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 255, 255, 2, 10, 255, 255, 1)
	binary.BigEndian.PutUint16(f[ethernet+2:], ip+tcp+total)
	binary.BigEndian.PutUint16(f[ethernet+10:], ^sum(0, f[ethernet:ethernet+ip]))
	f = append(f, 0x10, 0, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0)
	binary.BigEndian.PutUint16(f[ethernet+ip+16:], sum(6+tcp+total, f[ethernet+12:ethernet+ip])) // of the pseudo header
	f = append(f, payload...)

	g := boot(t, newDriver(t), networked)
	g.expect("sent", "send %x", append(header(segment), f...))
	var got []byte
	for len(got) < total {
		s := g.receive()
		if len(s) > headers+segment {
			t.Fatalf("a frame of %d bytes", len(s))
		}
		if sum(uint32(6+len(s)-ethernet-ip), s[ethernet+12:]) != 0xffff {
			t.Errorf("a segment's checksum is wrong")
		}
		got = append(got, s[headers:]...)
	}
	if !bytes.Equal(got, payload) {
		t.Error("the payload has changed")
	}
}

// sum is the Internet checksum of b before it is inverted, beginning with start.
func sum(start uint32, b []byte) uint16 {
	for ; len(b) > 1; b = b[2:] {
		start += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		start += uint32(b[0]) << 8
	}
	for start > 0xffff {
		start = start>>16 + start&0xffff
	}
	return uint16(start)
}

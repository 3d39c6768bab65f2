package microvm

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/hostfile"
)

// TestPackUponABase: what is packed is what differs from the base, holes included, and only with a base it is unpacked.
func TestPackUponABase(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	common, page := noise(8<<20), noise(pageBytes)
	base := sparseFile(t, size, map[int64][]byte{1 << 20: common, 40 << 20: noise(3 * pageBytes), size - pageBytes: page})
	from := sparseFile(t, size, map[int64][]byte{1 << 20: common, size - pageBytes: page})
	for off, b := range map[int64][]byte{
		3<<20 + 100: noise(10), 5<<20 - 1: noise(2), // three pages among those that are the same
		20 << 20:           noise(2 * packBuffer),   // where the base has nothing
		40<<20 + pageBytes: page,                    // what is around it is a hole now
		60 << 20:           make([]byte, pageBytes), // zeros where the base has a hole
	} {
		if _, err := from.WriteAt(b, off); err != nil {
			t.Fatal(err)
		}
	}
	var packed bytes.Buffer
	n, sum, err := pack(&packed, from, base, never)
	if want := int64(packHead + 16*6 + 4*pageBytes + 2*packBuffer); err != nil || n != int64(packed.Len()) || n != want {
		t.Fatalf("packed into %d bytes, not %d: %v", n, want, err)
	}
	to := sparseFile(t, 0, nil)
	again, err := unpack(to, base, bytes.NewReader(packed.Bytes()), size, never)
	if err != nil || again != sum {
		t.Fatalf("checksums %x, %x, %v", sum, again, err)
	}
	whole := func(f *os.File) []byte {
		b := make([]byte, size)
		if _, err := f.ReadAt(b, 0); err != nil {
			t.Fatal(err)
		}
		return b
	}
	if !bytes.Equal(whole(from), whole(to)) {
		t.Error("unpacked something else")
	}
	if used, err := usedBytes(to); err != nil || used != int64(len(common))+2*packBuffer+2*pageBytes {
		t.Errorf("it takes %d bytes, %v", used, err)
	}
	if _, err := unpack(sparseFile(t, 0, nil), nil, bytes.NewReader(packed.Bytes()), size, never); !errors.Is(err, errPacked) {
		t.Errorf("without its base: %v", err)
	}
	if _, err := unpack(sparseFile(t, 0, nil), base, bytes.NewReader(packed.Bytes()[:packed.Len()-1]), size, never); !errors.Is(err, errPacked) {
		t.Errorf("without its end: %v", err)
	}
}

func TestUnion(t *testing.T) {
	t.Parallel()
	got := union(
		[]extent{{off: 0, n: 10}, {off: 20, n: 10}, {off: 90, n: 5}},
		[]extent{{off: 5, n: 3}, {off: 10, n: 2}, {off: 25, n: 30}, {off: 60, n: 1}},
	)
	want := []extent{{off: 0, n: 12}, {off: 20, n: 35}, {off: 60, n: 1}, {off: 90, n: 5}}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

// BenchmarkPack is what a snapshot of 80 MiB, half of which is as in its boot template, takes to pack and to unpack, in memory:
// upon the template, and whole.
func BenchmarkPack(b *testing.B) {
	const size = 640 << 20
	common := noise(40 << 20)
	template := sparseFile(b, size, map[int64][]byte{1 << 20: common})
	from := sparseFile(b, size, map[int64][]byte{1 << 20: common, 100 << 20: noise(40 << 20)})
	for name, base := range map[string]*os.File{"whole": nil, "upon": template} {
		var packed bytes.Buffer
		b.Run("pack="+name, func(b *testing.B) {
			begin := cpuTime(b)
			for b.Loop() {
				packed.Reset()
				if _, _, err := pack(&packed, from, base, never); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(packed.Len())/(1<<20), "MiB")
			b.ReportMetric(float64((cpuTime(b)-begin).Microseconds())/float64(b.N)/1000, "cpu-ms")
		})
		b.Run("unpack="+name, func(b *testing.B) {
			begin := cpuTime(b)
			for b.Loop() {
				to, err := hostfile.Memory("test")
				if err != nil {
					b.Fatal(err)
				}
				if _, err := unpack(to, base, bytes.NewReader(packed.Bytes()), size, never); err != nil {
					b.Fatal(err)
				}
				_ = to.Close()
			}
			b.ReportMetric(float64((cpuTime(b)-begin).Microseconds())/float64(b.N)/1000, "cpu-ms")
		})
	}
}

// cpuTime is what this process has used.
func cpuTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

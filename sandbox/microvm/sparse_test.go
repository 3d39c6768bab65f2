package microvm

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"thaw.dev/thaw/internal/hostfile"
)

func never() error { return nil }

func sparseFile(t testing.TB, size int64, at map[int64][]byte) *os.File {
	t.Helper()
	f, err := hostfile.Memory("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	for off, b := range at {
		if _, err := f.WriteAt(b, off); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

func TestPackIsAsLongAsWhatIsThere(t *testing.T) {
	t.Parallel()
	const size = 3 << 30
	for name, data := range map[string]map[int64][]byte{
		"nothing":              {},
		"the ends":             {0: noise(10), size - 7: noise(7)},
		"more than one buffer": {5 << 20: noise(3*packBuffer + 17)},
		"many pieces":          {1 << 20: noise(1), 1<<20 + 8192: noise(4096), 2 << 30: noise(100)},
	} {
		from := sparseFile(t, size, data)
		var packed bytes.Buffer
		n, sum, err := pack(&packed, from, nil, never)
		if err != nil || n != int64(packed.Len()) || n > 4<<20 {
			t.Fatalf("%s: packed into %d bytes, %v", name, n, err)
		}
		to := sparseFile(t, 0, nil)
		again, err := unpack(to, nil, bytes.NewReader(packed.Bytes()), size, never)
		if err != nil || again != sum {
			t.Fatalf("%s: checksums %x, %x, %v", name, sum, again, err)
		}
		for off, want := range data {
			got := make([]byte, len(want))
			if _, err := to.ReadAt(got, off); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: other bytes at %d, %v", name, off, err)
			}
		}
		if st, err := to.Stat(); err != nil || st.Size() != size {
			t.Errorf("%s: unpacked into %d bytes, %v", name, st.Size(), err)
		}
		before, err1 := usedBytes(from)
		after, err2 := usedBytes(to)
		if err := errors.Join(err1, err2); err != nil || before != after {
			t.Errorf("%s: took %d bytes, takes %d, %v", name, before, after, err)
		}
	}
}

func TestDropZeros(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	mixed := make([]byte, 20*pageBytes)
	mixed[3*pageBytes+5], mixed[19*pageBytes] = 1, 2
	f := sparseFile(t, size, map[int64][]byte{
		0: make([]byte, 3*packBuffer), 8 << 20: mixed, size - packBuffer: noise(packBuffer),
	})
	if err := dropZeros(f, never); err != nil {
		t.Fatal(err)
	}
	if n, err := usedBytes(f); err != nil || n != 2*pageBytes+packBuffer {
		t.Errorf("%d bytes are left, %v", n, err)
	}
	got := make([]byte, len(mixed))
	if _, err := f.ReadAt(got, 8<<20); err != nil || !bytes.Equal(got, mixed) {
		t.Errorf("changed what is there, %v", err)
	}
	if st, err := f.Stat(); err != nil || st.Size() != size {
		t.Errorf("%d bytes long, %v", st.Size(), err)
	}
}

func TestPackEndsWhenItsCallerDoes(t *testing.T) {
	t.Parallel()
	from := sparseFile(t, 1<<30, map[int64][]byte{0: noise(2 * packBuffer)})
	var packed bytes.Buffer
	if _, _, err := pack(&packed, from, nil, never); err != nil {
		t.Fatal(err)
	}
	left := 1
	soon := func() error {
		if left--; left < 0 {
			return context.Canceled
		}
		return nil
	}
	if _, _, err := pack(&bytes.Buffer{}, from, nil, soon); !errors.Is(err, context.Canceled) {
		t.Errorf("pack: %v", err)
	}
	left = 1
	if _, err := unpack(sparseFile(t, 0, nil), nil, &packed, 1<<30, soon); !errors.Is(err, context.Canceled) {
		t.Errorf("unpack: %v", err)
	}
}

// FuzzUnpack: what is no packed file is an error, and never more than the file was said to have.
func FuzzUnpack(f *testing.F) {
	const size = 1 << 20
	from := sparseFile(f, size, map[int64][]byte{4096: noise(10), 65536: noise(5000)})
	var packed bytes.Buffer
	if _, _, err := pack(&packed, from, nil, never); err != nil {
		f.Fatal(err)
	}
	f.Add(packed.Bytes())
	f.Add(packed.Bytes()[:packHead])
	f.Add([]byte(packMagic))
	to := sparseFile(f, 0, nil)
	base := sparseFile(f, size, map[int64][]byte{4096: noise(10), 200_000: noise(5000)})
	packed.Reset()
	if _, _, err := pack(&packed, from, base, never); err != nil {
		f.Fatal(err)
	}
	f.Add(packed.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, base := range []*os.File{nil, base} {
			if err := to.Truncate(0); err != nil {
				t.Fatal(err)
			}
			_, err := unpack(to, base, bytes.NewReader(b), size, never)
			if st, serr := to.Stat(); serr != nil || st.Size() > size || err == nil && st.Size() != size {
				t.Errorf("%d bytes, %v, %v", st.Size(), err, serr)
			}
		}
	})
}

func TestThreadState(t *testing.T) {
	t.Parallel()
	for stat, want := range map[string]byte{
		"12 (qemu) T 1 2":          'T',
		"12 (a) R) S (x) t 1 2 3":  't',
		"12 (qemu)":                0,
		"":                         0,
		"12 (CPU 0/TCG) R 1 2 3 4": 'R',
	} {
		if got := threadState([]byte(stat)); got != want {
			t.Errorf("%q: got %q", stat, got)
		}
	}
}

func TestKeepIsWholeOrNothing(t *testing.T) {
	t.Parallel()
	sv, err := newSaved()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sv.close() }()
	dir := filepath.Join(t.TempDir(), "template")
	ended := func() error { return context.Canceled }
	if _, err := sv.memory.WriteAt(noise(5), 0); err != nil {
		t.Fatal(err)
	}
	if err := keep(sv, dir, "f", testShape, ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if entries, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(entries) > 0 {
		t.Errorf("left %v, %v", entries, err)
	}
}

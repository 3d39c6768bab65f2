package firecracker

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCopySparse(t *testing.T) {
	t.Parallel()
	const size = 3*chunk + 5*page
	content := make([]byte, size)
	for _, at := range []int{0, 1, page - 1, 7 * page, 8 * page, chunk - 1, chunk, 2*chunk + 3*page, size - 1} {
		content[at] = 0xaa
	}
	from := scratchFile(t, content)
	to := scratchFile(t, nil)
	if err := copySparse(t.Context(), to, from, size); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(io.NewSectionReader(to, 0, 2*size))
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("the copy differs, or %v", err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(to.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	if st.Blocks*512 > 9*page {
		t.Errorf("%d bytes on blocks, of at most 9 pages that are not zero", st.Blocks*512)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := copySparse(over, scratchFile(t, nil), from, size); err == nil {
		t.Error("it went on after its context")
	}
	if err := copySparse(t.Context(), scratchFile(t, nil), from, size+1); err == nil {
		t.Error("it copied more than there is")
	}
}

func scratchFile(t *testing.T, content []byte) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestVersions(t *testing.T) {
	t.Parallel()
	for out, want := range map[string]string{
		"Firecracker v1.8.0\n\nSupported snapshot data format versions: 2.0.0\n": "v1.8.0",
		"Jailer v1.13.1-dev\n": "v1.13.1",
	} {
		if v, err := parseVersion([]byte(out)); err != nil || v.String() != want {
			t.Errorf("%q is %v, %v", out, v, err)
		}
	}
	order := []Version{{0, 25, 2}, {1, 7, 9}, {1, 8, 0}, {1, 8, 1}, {1, 10, 0}, {2, 0, 0}}
	for i, a := range order {
		for j, b := range order {
			if a.before(b) != (i < j) {
				t.Errorf("%s before %s is %t", a, b, a.before(b))
			}
		}
	}
}

package guest_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/sandbox/microvm/guest"
)

// TestScratchIsAFileSystem has e2fsck look at file systems of all kinds of sizes: the last group full, short, too short
// to be one; one group, several, more than one block of descriptors.
func TestScratchIsAFileSystem(t *testing.T) {
	t.Parallel()
	e2fsck := testenv.NeedsCommand(t, "e2fsck")
	for _, size := range []int64{1, 1 << 20, 64 << 20, 125 << 20, 126 << 20, 127 << 20, 400 << 20, 512 << 20, 10 << 30, 20 << 30} {
		path := filepath.Join(t.TempDir(), "disk")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		err = guest.FormatScratch(f, size)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			t.Fatal(err)
		}
		want, err := guest.ScratchBytes(size)
		if info, serr := os.Stat(path); err != nil || serr != nil || info.Size() != want || want < size {
			t.Errorf("%d bytes: the drive has %v, want %d; %v %v", size, info, want, err, serr)
		}
		out, err := exec.CommandContext(t.Context(), e2fsck, "-fn", path).CombinedOutput() //nolint:gosec // fixed arguments
		// A directory for lost files is all that may be missing.
		if err != nil && !bytes.Contains(out, []byte("/lost+found not found.  Create? no")) ||
			bytes.Count(out, []byte("? no")) != bytes.Count(out, []byte("lost+found not found.  Create? no")) {
			t.Errorf("%d bytes: %v\n%s", size, err, out)
		}
	}
}

func TestScratchOfImpossibleSizes(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{-1, 0, guest.MaxTmpBytes + 1} {
		if _, err := guest.ScratchBytes(size); err == nil {
			t.Errorf("a drive for %d bytes", size)
		}
	}
}

package microvm

import (
	"os"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/hostfile"
)

// usedBytes is the memory or disk space that f really takes.
func usedBytes(f *os.File) (int64, error) {
	var st unix.Stat_t
	err := hostfile.Control(f, func(fd uintptr) error { return unix.Fstat(int(fd), &st) })
	return st.Blocks * 512, err // POSIX counts blocks of 512 bytes
}

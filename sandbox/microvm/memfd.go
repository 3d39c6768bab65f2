package microvm

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// newMemfd returns an empty file in memory that can be sealed.
func newMemfd(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// seal makes f what it is for ever: nobody who gets a descriptor, a monitor least of all, can change it for the others.
// It fails as long as somebody has f mapped to write.
func seal(f *os.File) error {
	const all = unix.F_SEAL_WRITE | unix.F_SEAL_GROW | unix.F_SEAL_SHRINK | unix.F_SEAL_SEAL
	return control(f, func(fd uintptr) error {
		if _, err := unix.FcntlInt(fd, unix.F_ADD_SEALS, all); err != nil {
			return fmt.Errorf("seal %s: %w", f.Name(), err)
		}
		return nil
	})
}

// reopen returns another descriptor for f's file, with a position of its own.
func reopen(f *os.File) (again *os.File, err error) {
	err = control(f, func(fd uintptr) error {
		again, err = os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_RDWR, 0)
		return err
	})
	return again, err
}

// duplicate returns another descriptor for what f is.
func duplicate(f *os.File) (again *os.File, err error) {
	err = control(f, func(fd uintptr) error {
		n, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("duplicate %s: %w", f.Name(), err)
		}
		again = os.NewFile(uintptr(n), f.Name())
		return nil
	})
	return again, err
}

// control calls do with f's descriptor, which stays open meanwhile.
func control(f *os.File, do func(fd uintptr) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var derr error
	if err := raw.Control(func(fd uintptr) { derr = do(fd) }); err != nil {
		return err
	}
	return derr
}

// usedBytes is the memory or disk space that f really takes.
func usedBytes(f *os.File) (int64, error) {
	var st unix.Stat_t
	err := control(f, func(fd uintptr) error { return unix.Fstat(int(fd), &st) })
	return st.Blocks * 512, err // POSIX counts blocks of 512 bytes
}

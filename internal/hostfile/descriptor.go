package hostfile

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Control calls do with f's descriptor, which stays open meanwhile, and leaves f as it is, unlike Fd.
func Control(f *os.File, do func(fd uintptr) error) error {
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

// Memory returns an empty file in memory that can be sealed.
func Memory(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Seal makes a file in memory what it is for ever: nobody who gets a descriptor can change it for the others. It fails as
// long as somebody has f mapped to write.
func Seal(f *os.File) error {
	const all = unix.F_SEAL_WRITE | unix.F_SEAL_GROW | unix.F_SEAL_SHRINK | unix.F_SEAL_SEAL
	return Control(f, func(fd uintptr) error {
		if _, err := unix.FcntlInt(fd, unix.F_ADD_SEALS, all); err != nil {
			return fmt.Errorf("seal %s: %w", f.Name(), err)
		}
		return nil
	})
}

// Reopen opens f's file again, whatever mode f has: os.O_RDONLY, os.O_WRONLY or os.O_RDWR. The new descriptor has a
// position of its own.
func Reopen(f *os.File, mode int) (again *os.File, err error) {
	err = Control(f, func(fd uintptr) error {
		again, err = os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), mode, 0)
		return err
	})
	return again, err
}

// Duplicate returns another descriptor for what f is.
func Duplicate(f *os.File) (again *os.File, err error) {
	err = Control(f, func(fd uintptr) error {
		n, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("duplicate %s: %w", f.Name(), err)
		}
		again = os.NewFile(uintptr(n), f.Name())
		return nil
	})
	return again, err
}

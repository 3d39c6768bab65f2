package qemu

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// newMemfd returns an empty file in memory.
func newMemfd(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("make file in memory: %w", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// reopen opens f's file again, with another mode than f has.
func reopen(f *os.File, mode int) (again *os.File, err error) {
	err = control(f, func(fd int) error {
		again, err = os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), mode, 0)
		return err
	})
	return again, err
}

// control calls do with f's descriptor, which stays open meanwhile.
func control(f *os.File, do func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var derr error
	if err := raw.Control(func(fd uintptr) { derr = do(int(fd)) }); err != nil {
		return err
	}
	return derr
}

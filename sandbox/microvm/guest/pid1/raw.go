package pid1

import "golang.org/x/sys/unix"

// raw makes a system call that does not block for longer than its work takes, without a word to Go's scheduler; package
// stream says why.
//
//go:uintptrescapes
func raw(call, a, b, c, d, e uintptr) error {
	if _, _, errno := unix.RawSyscall6(call, a, b, c, d, e, 0); errno != 0 {
		return errno
	}
	return nil
}

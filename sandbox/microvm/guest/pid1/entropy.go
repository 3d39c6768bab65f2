package pid1

import (
	"encoding/binary"
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// addEntropy mixes b into the kernel's randomness and has everything that it hands out from now on depend on it. random
// is a descriptor of /dev/urandom. Source: random(4); RNDRESEEDCRNG is there since Linux 4.17.
func addEntropy(random int, b []byte) error {
	if len(b) < 32 || len(b) > 512 {
		return errors.New("impossible amount of randomness")
	}
	info := make([]byte, 0, 8+len(b)) // struct rand_pool_info
	info = binary.NativeEndian.AppendUint32(info, uint32(8*len(b)))
	info = binary.NativeEndian.AppendUint32(info, uint32(len(b)))
	info = append(info, b...)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(random), unix.RNDADDENTROPY, uintptr(unsafe.Pointer(&info[0])))
	if errno != 0 {
		return fail("add randomness", errno)
	}
	return fail("reseed", unix.IoctlSetInt(random, unix.RNDRESEEDCRNG, 0))
}

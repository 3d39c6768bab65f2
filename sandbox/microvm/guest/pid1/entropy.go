package pid1

import (
	"encoding/binary"
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxEntropy is how much randomness is taken at once, in bytes: more than the kernel keeps.
const maxEntropy = 512

// addEntropy mixes b into the kernel's randomness and has everything that it hands out from now on depend on it. random
// is a descriptor of /dev/urandom. Source: random(4); RNDRESEEDCRNG is there since Linux 4.17.
func addEntropy(random int, b []byte) error {
	if len(b) < 32 || len(b) > maxEntropy {
		return errors.New("impossible amount of randomness")
	}
	var pool [8 + maxEntropy]byte // struct rand_pool_info
	info := pool[:0]
	info = binary.NativeEndian.AppendUint32(info, uint32(8*len(b)))
	info = binary.NativeEndian.AppendUint32(info, uint32(len(b)))
	info = append(info, b...)
	if err := raw(unix.SYS_IOCTL, uintptr(random), unix.RNDADDENTROPY, uintptr(unsafe.Pointer(&pool)), 0, 0); err != nil {
		return fail("add randomness", err)
	}
	return fail("reseed", raw(unix.SYS_IOCTL, uintptr(random), unix.RNDRESEEDCRNG, 0, 0, 0))
}

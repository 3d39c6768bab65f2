package guest

import "fmt"

// archive is a cpio archive in the format that the kernel unpacks as its initramfs. Source: the Linux kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst. The kernel takes several of them one after the other.
type archive struct {
	b   []byte
	ino int
}

// Types of entries, with permissions, as in stat(2).
const (
	cpioDir  = 0o040755
	cpioFile = 0o100600
	cpioExec = 0o100700
	cpioChar = 0o020600
)

// add appends an entry. The device numbers are those of a cpioChar.
func (a *archive) add(name string, mode uint32, data []byte, major, minor int) {
	a.ino++
	a.b = fmt.Appendf(a.b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		a.ino, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name)+1, 0)
	a.b = append(append(a.b, name...), 0)
	a.pad()
	a.b = append(a.b, data...)
	a.pad()
}

func (a *archive) pad() {
	for len(a.b)%4 != 0 {
		a.b = append(a.b, 0)
	}
}

// bytes ends the archive.
func (a *archive) bytes() []byte {
	a.ino = -1
	a.add("TRAILER!!!", 0, nil, 0, 0)
	return a.b
}

package agent

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// tmp is what keeps /tmp at its size; nil before it has one. It lives as long as the agent.
type tmp struct {
	reserve *os.File // see reserve; nil if the size is the mount's own
}

// sizeTmp makes /tmp a file system with room for size bytes. An engine that backs /tmp with a disk of the host mounts
// it beforehand, larger than any function needs, and the agent takes the excess away; elsewhere the agent mounts a
// tmpfs.
func sizeTmp(size int64) (*tmp, error) {
	mounted, err := isMount("/tmp")
	if err != nil {
		return nil, fmt.Errorf("size /tmp: %w", err)
	}
	if mounted {
		f, err := reserve("/tmp", size)
		return &tmp{f}, err
	}
	options := "mode=1777,size=" + strconv.FormatInt(size, 10)
	if err := syscall.Mount("tmpfs", "/tmp", "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, options); err != nil {
		return nil, fmt.Errorf("mount /tmp: %w", err)
	}
	return &tmp{}, nil
}

func isMount(dir string) (bool, error) {
	var here, root syscall.Stat_t
	if err := syscall.Stat(dir, &here); err != nil {
		return false, err
	}
	if err := syscall.Stat("/", &root); err != nil {
		return false, err
	}
	return here.Dev != root.Dev, nil
}

// reserve leaves room for size bytes in the file system at dir, by allocating the rest to a nameless file that stays
// open. Nothing is ever written to it.
func reserve(dir string, size int64) (*os.File, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return nil, fmt.Errorf("size %s: %w", dir, err)
	}
	excess := int64(fs.Bfree)*fs.Bsize - size
	if excess <= 0 {
		return nil, nil
	}
	f, err := os.CreateTemp(dir, "")
	if err != nil {
		return nil, fmt.Errorf("size %s: %w", dir, err)
	}
	if err = os.Remove(f.Name()); err == nil {
		err = syscall.Fallocate(int(f.Fd()), 0, 0, excess)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("size %s: reserve %d bytes: %w", dir, excess, err)
	}
	return f, nil
}

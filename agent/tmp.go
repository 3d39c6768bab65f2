package agent

import (
	"fmt"
	"strconv"
	"syscall"
)

// sizeTmp makes /tmp a file system with room for size bytes. An engine that backs /tmp with a disk of the host has
// mounted one of that size already; elsewhere the agent mounts a tmpfs.
func sizeTmp(size int64) error {
	mounted, err := isMount("/tmp")
	if err != nil {
		return fmt.Errorf("size /tmp: %w", err)
	}
	if mounted {
		return nil
	}
	options := "mode=1777,size=" + strconv.FormatInt(size, 10)
	if err := syscall.Mount("tmpfs", "/tmp", "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, options); err != nil {
		return fmt.Errorf("mount /tmp: %w", err)
	}
	return nil
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

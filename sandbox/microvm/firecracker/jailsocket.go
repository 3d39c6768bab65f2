package firecracker

import (
	"context"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/hostfile"
)

// What is in a jail is Firecracker's to change. The driver opens nothing there but by these functions.

// openInJail opens the file at path below root, which is not reached through links of any kind nor on another mount.
func openInJail(root *os.File, path string, flags int, mode uint64) (*os.File, error) {
	how := unix.OpenHow{
		Flags:   uint64(flags) | unix.O_CLOEXEC,
		Mode:    mode,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV,
	}
	var f *os.File
	err := hostfile.Control(root, func(dir uintptr) error {
		fd, err := unix.Openat2(int(dir), path, &how)
		if err != nil {
			return fmt.Errorf("open %s in the jail: %w", path, err)
		}
		f = os.NewFile(uintptr(fd), path)
		return nil
	})
	return f, err
}

// dialInJail connects to the stream socket at path below root.
func dialInJail(ctx context.Context, root *os.File, path string) (*net.UnixConn, error) {
	f, err := openInJail(root, path, unix.O_PATH, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var d net.Dialer
	// The descriptor stands for the socket itself, whatever its name leads to by now.
	conn, err := d.DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}

// openRegular opens the file at path below root for reading, if it is a regular file of at most limit bytes.
func openRegular(root *os.File, path string, limit int64) (*os.File, error) {
	f, err := openInJail(root, path, unix.O_RDONLY|unix.O_NONBLOCK, 0) // a FIFO must not block us
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s in the jail is no file", path)
	case info.Size() > limit:
		err = fmt.Errorf("%s in the jail has %d bytes", path, info.Size())
	default:
		return f, nil
	}
	_ = f.Close()
	return nil, err
}

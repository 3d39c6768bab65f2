package firecracker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/sandbox/microvm/firecracker/supervisor"
	"thaw.dev/thaw/sandbox/microvm/jail"
)

// Firecracker takes no file descriptors: it opens files by their names in its jail, as its own user. So a file is made
// into a detached mount here and attached in the jail by the supervisor.

// attachImage shows an image in the jail, for reading only. Everybody may read it from then on: what keeps
// others away is the directory its name is in.
func (m *machine) attachImage(p supervisor.Place, image *os.File) error {
	info, err := image.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", image.Name())
	}
	if info.Mode().Perm()&0o004 == 0 {
		if err := image.Chmod(info.Mode().Perm() | 0o444); err != nil {
			return fmt.Errorf("let firecracker read %s: %w", image.Name(), err)
		}
	}
	return m.attach(p, image, unix.MOUNT_ATTR_RDONLY)
}

// attachOwn shows a file in the jail that belongs to the machine alone, for reading and writing.
func (m *machine) attachOwn(p supervisor.Place, f *os.File) error {
	if err := f.Chown(jail.User, jail.User); err != nil {
		return fmt.Errorf("give %s to firecracker: %w", f.Name(), err)
	}
	return m.attach(p, f, 0)
}

func (m *machine) attach(p supervisor.Place, f *os.File, attr uint64) error {
	tree, unlink, err := m.driver.detach(f)
	if err != nil {
		return err
	}
	defer unlink()
	defer func() { _ = tree.Close() }()
	set := unix.MountAttr{Attr_set: attr | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC}
	if err := unix.MountSetattr(int(tree.Fd()), "", unix.AT_EMPTY_PATH, &set); err != nil {
		return fmt.Errorf("restrict the mount of %s: %w", f.Name(), err)
	}
	return m.supervisor.Mount(p, tree)
}

// detach returns a mount of f that is nowhere yet. A file without a name gets one until unlink is called, which must be
// after it was attached.
func (d *Driver) detach(f *os.File) (tree *os.File, unlink func(), err error) {
	unlink = func() {}
	var fd int
	err = hostfile.Control(f, func(of uintptr) (err error) {
		var st unix.Stat_t
		if err := unix.Fstat(int(of), &st); err != nil {
			return err
		}
		if st.Nlink > 0 {
			fd, err = unix.OpenTree(int(of), "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
			return err
		}
		name := filepath.Join(d.opts.StateDir, fmt.Sprintf("%s%d-%d", linkPrefix, st.Dev, st.Ino))
		if err := unix.Linkat(int(of), "", unix.AT_FDCWD, name, unix.AT_EMPTY_PATH); err != nil {
			return fmt.Errorf("give it a name, which only files made with O_TMPFILE on the file system of %s can have: %w", d.opts.StateDir, err)
		}
		unlink = func() {
			if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				d.log.Warn("cannot remove a file's name", "file", name, "error", err)
			}
		}
		fd, err = unix.OpenTree(unix.AT_FDCWD, name, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_SYMLINK_NOFOLLOW)
		return err
	})
	if err != nil {
		unlink()
		return nil, nil, fmt.Errorf("make a mount of %s: %w", f.Name(), err)
	}
	return os.NewFile(uintptr(fd), f.Name()), unlink, nil
}

// linkPrefix begins the names that files without one have for a moment.
const linkPrefix = "link-"

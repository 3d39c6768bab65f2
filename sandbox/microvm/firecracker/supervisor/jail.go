package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// jail is the tree that the jailer finds.
type jail struct {
	root *os.File
	dirs map[string]*os.File // by name below root; where things are mounted
}

// build mounts the tmpfs and fills it.
func build(s *Start) (*jail, error) {
	unix.Umask(0)
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("make mounts private: %w", err)
	}
	// The processes of this namespace and nothing else; Firecracker sees one directory of it.
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "subset=pid"); err != nil {
		return nil, fmt.Errorf("mount /proc: %w", err)
	}
	options := fmt.Sprintf("mode=700,size=%d", s.BaseBytes)
	if err := unix.Mount("thaw", s.Base, "tmpfs", unix.MS_NOSUID, options); err != nil {
		return nil, fmt.Errorf("mount %s: %w", s.Base, err)
	}
	if err := unix.Mount("", s.Base, "", unix.MS_SHARED, ""); err != nil {
		return nil, fmt.Errorf("share %s: %w", s.Base, err)
	}
	if err := os.MkdirAll(s.Root, 0o755); err != nil {
		return nil, err
	}
	j := &jail{dirs: map[string]*os.File{}}
	var err error
	if j.root, err = openDir(s.Root); err != nil {
		return nil, err
	}
	for _, name := range []string{"drives", "load", "save", "fd"} {
		dir := filepath.Join(s.Root, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, err
		}
		if j.dirs[name], err = openDir(dir); err != nil {
			return nil, err
		}
	}
	return j, j.placeholders(s)
}

// openDir returns a descriptor that only names dir.
func openDir(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	return os.NewFile(uintptr(fd), dir), nil
}

// placeholders makes the files that things are mounted over, and those that Firecracker writes.
func (j *jail) placeholders(s *Start) error {
	for i := range s.Drives {
		if err := j.file(s, Drive(i), 0o444, s.DriveBytes); err != nil {
			return err
		}
	}
	for _, p := range []Place{Scratch, Kernel, Initrd} {
		if err := j.file(s, p, 0o444, 0); err != nil {
			return err
		}
	}
	for _, p := range []Place{SaveState, SaveMemory} {
		if err := j.file(s, p, 0o600, 0); err != nil {
			return err
		}
		if err := os.Chown(filepath.Join(s.Root, string(p)), s.UID, s.GID); err != nil {
			return err
		}
	}
	return nil
}

// file makes a file of a size without content.
func (j *jail) file(s *Start, p Place, mode os.FileMode, size int64) error {
	f, err := os.OpenFile(filepath.Join(s.Root, string(p)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if err := f.Truncate(size); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// showDescriptors lets process pid, and only it, find its own descriptors in the jail.
func (j *jail) showDescriptors(pid int) error {
	target := "/proc/self/fd/" + strconv.Itoa(int(j.dirs["fd"].Fd()))
	if err := unix.Mount(fmt.Sprintf("/proc/%d/fd", pid), target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount descriptors: %w", err)
	}
	return nil
}

// mount attaches a detached mount at p.
func (j *jail) mount(p Place, tree *os.File) error {
	dir, name, err := j.at(p)
	if err != nil {
		return err
	}
	if err := unix.MoveMount(int(tree.Fd()), "", int(dir.Fd()), name, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("mount %s: %w", p, err)
	}
	return nil
}

// unmount undoes mount.
func (j *jail) unmount(p Place) error {
	dir, name, err := j.at(p)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), name)
	if err := unix.Unmount(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
		return fmt.Errorf("unmount %s: %w", p, err)
	}
	return nil
}

func (j *jail) at(p Place) (*os.File, string, error) {
	d, name, err := p.split()
	if err != nil {
		return nil, "", err
	}
	dir := j.dirs[d]
	if dir == nil || d == "fd" {
		return nil, "", fmt.Errorf("%s: %w", p, errPlace)
	}
	return dir, name, nil
}

package pid1

import (
	"errors"
	"path"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/microvm/guest/wire"
)

// setup makes the sandbox and starts the agent in it.
func (m *machine) setup(s wire.Setup) error {
	if m.running {
		return errors.New("the agent runs already")
	}
	if err := m.refresh(s.Refresh); err != nil {
		return err
	}
	if err := m.mountImage(0, root, unix.MS_NOSUID|unix.MS_NODEV); err != nil {
		return err
	}
	for _, dir := range [2][2]string{{devDir, root + "/dev"}, {procDir, root + "/proc"}} {
		if err := (mount{dir[0], dir[1], "", unix.MS_MOVE, ""}).do(); err != nil {
			return err
		}
	}
	disk, err := m.drives.writable()
	if err != nil {
		return err
	}
	if disk != "" {
		// Nobody needs what is on it after a crash, so nothing is written in order.
		tmp := mount{disk, root + "/tmp", "ext4", unix.MS_NOSUID | unix.MS_NODEV, "nobarrier,noinit_itable"}
		if err := tmp.do(); err != nil {
			return err
		}
	}
	for _, i := range s.Mounts {
		if err := m.mount(i); err != nil {
			return err
		}
	}
	m.running = true
	return m.launcher.launch(s.Args, s.Env)
}

// mount mounts an image in the sandbox. On the way to the target there is no symbolic link that could lead out of it: the
// agent's root is not ours.
func (m *machine) mount(i wire.Mount) error {
	if !strings.HasPrefix(i.Target, "/") || path.Clean(i.Target) != i.Target || i.Target == "/" {
		return errors.New("impossible mount point")
	}
	if i.Drive == 0 {
		return errors.New("drive 0 is the root")
	}
	leave, err := enter(root + i.Target)
	if err != nil {
		return fail("open "+i.Target, err)
	}
	defer leave()
	return m.mountImage(int(i.Drive), ".", unix.MS_NOSUID|unix.MS_NODEV)
}

// enter makes a directory the current one until leave is called. On the way to it there must be no symbolic link.
func enter(dir string) (leave func(), err error) {
	path, err := unix.BytePtrFromString(dir)
	if err != nil {
		return nil, err
	}
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
	here := unix.AT_FDCWD
	fd, _, errno := unix.RawSyscall6(unix.SYS_OPENAT2, uintptr(here), uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&how)), unix.SizeofOpenHow, 0, 0)
	if errno != 0 {
		return nil, errno
	}
	defer func() { _ = raw(unix.SYS_CLOSE, fd, 0, 0, 0, 0) }()
	if err := raw(unix.SYS_FCHDIR, fd, 0, 0, 0, 0); err != nil {
		return nil, err
	}
	return func() { _ = raw(unix.SYS_CHDIR, uintptr(unsafe.Pointer(&slash)), 0, 0, 0, 0) }, nil
}

// slash is the path of init's own directory.
var slash = [...]byte{'/', 0}

// mountImage mounts the image on a drive.
func (m *machine) mountImage(drive int, target string, flags uintptr) error {
	disk, err := m.drives.path(drive)
	if err != nil {
		return err
	}
	return mount{disk, target, "erofs", flags | unix.MS_RDONLY, ""}.do()
}

// quiesce stops everything but init until the next refresh, so that nothing runs in a machine that was restored before it
// is one of its kind. It writes what is not on the disk yet, and gives up what the kernel holds of files, so that a snapshot of the
// machine has little in it.
func quiesce() error {
	if err := freeze(true); err != nil {
		return err
	}
	unix.Sync()
	return put("/proc/sys/vm/drop_caches", "3")
}

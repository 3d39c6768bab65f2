package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

var jailerArgs = map[string]bool{
	"id": false, "exec-file": false, "uid": false, "gid": false, "chroot-base-dir": false, "netns": false,
	"cgroup": true, "cgroup-version": false, "parent-cgroup": false, "resource-limit": true,
}

var microVMID = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// jailer does what docs/jailer.md says, in its order, and becomes the program.
func jailer(args []string) error {
	runtime.LockOSThread() // the mount namespace is a thread's, and this one becomes the program
	defer runtime.UnlockOSThread()
	a, rest, err := parse(args, jailerArgs)
	if err != nil {
		return err
	}
	for _, must := range []string{"id", "exec-file", "uid", "gid"} {
		if len(a[must]) == 0 {
			return badArguments(fmt.Sprintf("Argument '%s' required, but not found.", must))
		}
	}
	id := a["id"][0]
	if !microVMID.MatchString(id) {
		return fmt.Errorf("Invalid instance ID: %s", id)
	}
	uid, err := strconv.Atoi(a["uid"][0])
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(a["gid"][0])
	if err != nil {
		return err
	}
	program, err := filepath.EvalSymlinks(a["exec-file"][0])
	if err != nil {
		return fmt.Errorf("Failed to canonicalize path: %w", err)
	}
	name := filepath.Base(program)
	if !strings.Contains(name, "firecracker") {
		return fmt.Errorf("Invalid filename: %s; the name must contain firecracker", name)
	}
	base := "/srv/jailer"
	if b := a["chroot-base-dir"]; len(b) > 0 {
		base = b[0]
	}
	if base, err = filepath.EvalSymlinks(base); err != nil {
		return fmt.Errorf("Failed to canonicalize path: %w", err)
	}
	root := filepath.Join(base, name, id, "root")

	os.Clearenv()
	if err := unix.CloseRange(3, math.MaxUint32, 0); err != nil {
		return err
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	if err := copyProgram(program, filepath.Join(root, name)); err != nil {
		return err
	}
	if err := joinNetwork(a["netns"]); err != nil {
		return err
	}
	if err := limitResources(a["resource-limit"]); err != nil {
		return err
	}
	if len(a["cgroup"])+len(a["parent-cgroup"]) > 0 {
		return fmt.Errorf("the double has no cgroups")
	}
	if err := enter(root); err != nil {
		return err
	}
	if _, err := os.Stat("/" + name); err != nil {
		return fmt.Errorf("this is not the jail, and what follows would change the host: %w", err)
	}
	for _, dir := range []string{"/", "/dev", "/dev/net", "/run"} {
		if err := ownDirectory(dir, uid, gid); err != nil {
			return err
		}
	}
	for path, number := range map[string]uint64{
		"/dev/net/tun": unix.Mkdev(10, 200), "/dev/kvm": unix.Mkdev(10, 232), "/dev/urandom": unix.Mkdev(1, 9),
	} {
		if err := unix.Mknod(path, unix.S_IFCHR|0o600, int(number)); err != nil {
			return fmt.Errorf("Failed to create %s via mknod inside the jail: %w", path, err)
		}
		if err := os.Chown(path, uid, gid); err != nil {
			return err
		}
	}
	if err := dropPrivileges(uid, gid); err != nil {
		return err
	}
	argv := append([]string{name, "--id", id, "--start-time-us", "0", "--start-time-cpu-us", "0", "--parent-cpu-time-us", "0"}, rest...)
	return fmt.Errorf("Failed to exec into Firecracker: %w", unix.Exec("/"+name, argv, nil))
}

// copyProgram copies the executable, as the jailer does for each machine.
func copyProgram(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o755) //nolint:gosec // it is executed by another user
}

func joinNetwork(netns []string) error {
	if len(netns) == 0 {
		return nil
	}
	fd, err := unix.Open(netns[0], unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return unix.Setns(fd, unix.CLONE_NEWNET)
}

func limitResources(limits []string) error {
	files := uint64(2048)
	for _, l := range limits {
		what, value, _ := strings.Cut(l, "=")
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return badArguments("Invalid value for resource " + what)
		}
		switch what {
		case "fsize":
			if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: n, Max: n}); err != nil {
				return err
			}
		case "no-file":
			files = n
		default:
			return badArguments("Invalid resource " + what)
		}
	}
	return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: files, Max: files})
}

// enter makes root the root directory of a mount namespace of its own, whose mounts are slaves of the old one's.
func enter(root string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("Failed to unshare into new mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("Failed to change the propagation type to slave: %w", err)
	}
	if err := unix.Mount(root, root, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("Failed to bind mount the jail root directory: %w", err)
	}
	if err := unix.Chdir(root); err != nil {
		return err
	}
	if err := unix.Mkdir("old_root", 0o600); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "old_root"); err != nil {
		return fmt.Errorf("Failed to pivot root: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return err
	}
	if err := unix.Unmount("old_root", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("Failed to unmount the old jail root: %w", err)
	}
	return unix.Rmdir("old_root")
}

func ownDirectory(dir string, uid, gid int) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a directory
		return err
	}
	return os.Chown(dir, uid, gid)
}

func dropPrivileges(uid, gid int) error {
	if err := unix.Setgroups(nil); err != nil {
		return err
	}
	if err := unix.Setresgid(gid, gid, gid); err != nil {
		return err
	}
	return unix.Setresuid(uid, uid, uid)
}

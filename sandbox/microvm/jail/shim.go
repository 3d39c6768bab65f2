package jail

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// Word is the first argument by which a program that can be the shim knows that it is it: it then gives the others to
// Main and does nothing else before.
const Word = "thaw-jail"

// failed is the exit status of a shim that could not become the program.
const failed = 125

// Main is the shim. It returns only when it fails, and then with the exit status.
func Main(args []string) int {
	runtime.LockOSThread() // what a thread gives up is the thread's, and this one becomes the program
	defer runtime.UnlockOSThread()
	err := become(args)
	_, _ = fmt.Fprintln(os.Stderr, "jail:", err)
	return failed
}

// become turns this process into the program.
func become(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%d arguments", len(args))
	}
	var o order
	if err := json.Unmarshal([]byte(args[0]), &o); err != nil {
		return err
	}
	gate := 3 + o.Files
	if err := pass(gate); err != nil {
		return err
	}
	if err := mounts(o); err != nil {
		return err
	}
	if err := limits(o); err != nil {
		return err
	}
	if err := surrender(); err != nil {
		return err
	}
	// The change of user has disarmed the signal, and the daemon may have ended since.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("set parent-death signal: %w", err)
	}
	fds := []unix.PollFd{{Fd: int32(gate), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, 0); err != nil || n != 0 {
		return fmt.Errorf("the daemon has ended (%d, %w)", n, err)
	}
	if err := unix.CloseRange(uint(gate), math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("close descriptors: %w", err)
	}
	return fmt.Errorf("execute %s: %w", o.Program, unix.Exec(o.Program, o.Args, o.Env))
}

// pass waits for the byte.
func pass(gate int) error {
	fds := []unix.PollFd{{Fd: int32(gate), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR { //nolint:errorlint // a bare errno
			return err
		}
		n, err := unix.Read(gate, make([]byte, 1))
		switch {
		case n == 1:
			return nil
		case err == unix.EAGAIN || err == unix.EINTR: //nolint:errorlint // as above
		case err == nil:
			return io.ErrUnexpectedEOF
		default:
			return err
		}
	}
}

// readOnly are the flags of every mount, once it is filled.
const readOnly = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_BIND | unix.MS_REMOUNT

// mounts makes o.Root the root directory and unmounts everything else.
func mounts(o order) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount(o.Root, o.Root, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind the root: %w", err)
	}
	if err := unix.Mount("proc", filepath.Join(o.Root, "proc"), "proc",
		unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "hidepid=invisible,subset=pid"); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := devices(o); err != nil {
		return err
	}
	if err := unix.Mount("", o.Root, "", readOnly|unix.MS_NODEV, ""); err != nil {
		return fmt.Errorf("make the root read-only: %w", err)
	}
	// The old root comes to lie upon the new one, and goes.
	if err := unix.Chdir(o.Root); err != nil {
		return fmt.Errorf("enter the root: %w", err)
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the old root: %w", err)
	}
	return unix.Chdir("/")
}

// devices makes /dev. What is in it belongs to the program's user; null and urandom are everybody's.
func devices(o order) error {
	dev := filepath.Join(o.Root, "dev")
	if err := unix.Mount("tmpfs", dev, "tmpfs", unix.MS_NOSUID|unix.MS_NOEXEC, "size=64k,nr_inodes=64,mode=755"); err != nil {
		return fmt.Errorf("mount /dev: %w", err)
	}
	for _, path := range append([]string{"/dev/null", "/dev/urandom"}, o.Devices...) {
		var st unix.Stat_t
		if err := unix.Stat(path, &st); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		node := filepath.Join(dev, filepath.Base(path))
		if err := unix.Mknod(node, st.Mode&unix.S_IFMT|0o600, int(st.Rdev)); err != nil { //nolint:gosec // the kernel's own number
			return fmt.Errorf("make %s: %w", path, err)
		}
		if err := unix.Chown(node, User, User); err != nil {
			return fmt.Errorf("make %s: %w", path, err)
		}
	}
	if err := unix.Mount("", dev, "", readOnly|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("make /dev read-only: %w", err)
	}
	return nil
}

// limits sets the resource limits. Writing too far into a file is an error of the writer's, not its end. Huge pages, which
// QEMU asks for wherever it takes 2 MiB at once, are refused: most of such a page is never used, and there is one program
// for each sandbox.
func limits(o order) error {
	if err := unix.Prctl(unix.PR_SET_THP_DISABLE, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("refuse huge pages: %w", err)
	}
	signal.Ignore(unix.SIGXFSZ) // programs keep what is ignored
	for what, most := range map[int]uint64{
		unix.RLIMIT_CORE: 0, unix.RLIMIT_NOFILE: o.MaxFiles, unix.RLIMIT_FSIZE: o.MaxFileBytes,
		unix.RLIMIT_MEMLOCK: 0, unix.RLIMIT_MSGQUEUE: 0, unix.RLIMIT_SIGPENDING: 64, unix.RLIMIT_NICE: 0, unix.RLIMIT_RTPRIO: 0,
	} {
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("limit %d to %d: %w", what, most, err)
		}
	}
	return nil
}

// surrender gives up root: its groups, its user, its capabilities in all sets, and the ability to get any by executing.
func surrender() error {
	if err := unix.Sethostname([]byte("jail")); err != nil {
		return fmt.Errorf("set host name: %w", err)
	}
	for c := range uintptr(64) {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && err != unix.EINVAL { //nolint:errorlint // a bare errno: there are no more
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("drop ambient capabilities: %w", err)
	}
	if err := unix.Setgroups(nil); err != nil {
		return fmt.Errorf("drop groups: %w", err)
	}
	// Of this thread alone: what Go offers changes all threads by signals, and a signal that finds more of root's waiting
	// than the limit allows is lost, which Go waits for forever.
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, User, User, User); errno != 0 {
		return fmt.Errorf("change group: %w", errno)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, User, User, User); errno != 0 {
		return fmt.Errorf("change user: %w", errno)
	}
	var none [2]unix.CapUserData
	if err := unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0]); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	return nil
}

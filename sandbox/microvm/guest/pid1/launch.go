package pid1

import (
	"errors"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/microvm/guest/wire"
)

// LauncherArg is the launcher's only argument.
const LauncherArg = "launch"

// orderFD is a socket on which the launcher says that it waits, and reads what it is to become. It is closed when that
// has happened; before, there may be a text on it that says why it has not.
const orderFD = 3

// agentCapabilities are what gVisor's engine gives the agent, too: it changes to other users (SETUID, SETGID), ends their
// processes (KILL), and mounts (SYS_ADMIN).
var agentCapabilities = map[uintptr]bool{unix.CAP_SETUID: true, unix.CAP_SETGID: true, unix.CAP_KILL: true, unix.CAP_SYS_ADMIN: true}

// launcher is the process that becomes the agent.
type launcher struct {
	pid   int
	order int // the other end of orderFD
}

// startLauncher starts the launcher with the agent's descriptors, which it closes, and returns when it waits.
func startLauncher(agent [3]int) (*launcher, error) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fail("make socket", err)
	}
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"thaw-init", LauncherArg}, &syscall.ProcAttr{
		Dir:   "/",
		Files: []uintptr{uintptr(agent[0]), uintptr(agent[1]), uintptr(agent[2]), uintptr(p[1])},
		Sys:   &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWIPC, Setsid: true},
	})
	if err != nil {
		return nil, fail("start launcher", err)
	}
	for _, fd := range append(agent[:], p[1]) {
		_ = unix.Close(fd)
	}
	l := &launcher{pid: pid, order: p[0]}
	if n, err := readFull(l.order, make([]byte, 1)); n == 0 {
		return nil, fail("launcher does not start", err)
	}
	return l, nil
}

// launch makes the launcher the agent with these arguments and environment.
func (l *launcher) launch(args, env []string) error {
	order := wire.Setup{Args: args, Env: env}
	if _, err := writeAll(l.order, order.Append(nil)); err != nil {
		return fail("launch", err)
	}
	if err := unix.Shutdown(l.order, unix.SHUT_WR); err != nil {
		return fail("launch", err)
	}
	why := make([]byte, 1<<10)
	n, err := readFull(l.order, why)
	_ = unix.Close(l.order)
	if n > 0 {
		err = errors.New(string(why[:n]))
	}
	return fail("launch", err)
}

// Launch is the launcher's life. It returns only if it cannot become the agent.
func Launch() error {
	runtime.LockOSThread() // capabilities belong to a thread
	defer runtime.UnlockOSThread()
	unix.CloseOnExec(orderFD)
	err := launch()
	_, _ = writeAll(orderFD, []byte(err.Error()))
	return err
}

func launch() error {
	if err := put("/proc/self/oom_score_adj", "0"); err != nil {
		return err
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := (mount{"proc", procDir, "proc", flags, ""}).do(); err != nil { // that of the new namespace
		return err
	}
	// By default a small machine allows fewer than what the agent wants to allow.
	if err := unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}); err != nil {
		return fail("lift limit of processes", err)
	}
	if err := giveUp(); err != nil {
		return err
	}
	if _, err := writeAll(orderFD, []byte{0}); err != nil {
		return err
	}
	b, err := readOrder()
	if err != nil {
		return fail("read order", err)
	}
	order, err := wire.ParseSetup(b)
	if err != nil {
		return err
	}
	if err := unix.Chdir(root); err != nil {
		return fail("enter "+root, err)
	}
	if err := unix.Chroot("."); err != nil {
		return fail("enter "+root, err)
	}
	return fail("execute "+order.Args[0], syscall.Exec(order.Args[0], order.Args, order.Env))
}

// readOrder reads all there is on orderFD.
func readOrder() ([]byte, error) {
	b := make([]byte, 0, 4<<10)
	for {
		n, err := unix.Read(orderFD, b[len(b):cap(b)])
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil || n == 0:
			return b, err
		default:
			if b = b[:len(b)+n]; len(b) == cap(b) {
				b = append(b, 0)[:len(b)]
			}
		}
	}
}

// giveUp leaves the agent's capabilities to what this thread will execute, and takes away all ways to get others. The
// launcher itself keeps its own until then.
func giveUp() error {
	for c := uintptr(0); ; c++ {
		if agentCapabilities[c] {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err == unix.EINVAL { //nolint:errorlint // an errno as it comes
			break // beyond the last
		} else if err != nil {
			return fail("drop capability", err)
		}
	}
	return fail("no new privileges", unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
}

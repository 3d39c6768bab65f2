package firecracker

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/microvm/firecracker/supervisor"
	"thaw.dev/thaw/sandbox/microvm/jail"
)

// startProcess starts program as a supervisor with stdin, and returns it with the driver's side of its socket. stateDir is
// there for Sweep to see.
func startProcess(program, stateDir string, stdin *os.File) (*jail.Process, *supervisor.Client, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "supervisor"), os.NewFile(uintptr(fds[1]), "supervisor")
	defer func() { _ = theirs.Close() }()
	last, words, err := os.Pipe()
	if err != nil {
		_ = ours.Close()
		return nil, nil, err
	}
	defer func() { _ = words.Close() }()
	pid, err := syscall.ForkExec(program, []string{supervisor.Argv0, stateDir}, &syscall.ProcAttr{
		Dir: "/",
		// Nothing of the daemon's environment; the supervisor is idle for most of its life.
		Env:   []string{"GOGC=off", "GOMEMLIMIT=16MiB", "GOMAXPROCS=1"},
		Files: []uintptr{stdin.Fd(), words.Fd(), words.Fd(), theirs.Fd()},
		Sys: &syscall.SysProcAttr{
			Setsid: true,
			Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC |
				unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP,
			Pdeathsig: unix.SIGKILL,
		},
	})
	if err != nil {
		_, _ = ours.Close(), last.Close()
		return nil, nil, fmt.Errorf("start %s: %w", program, err)
	}
	p, err := jail.Watch(pid, ours, last)
	if err != nil {
		return nil, nil, err
	}
	return p, supervisor.NewClient(ours), nil
}

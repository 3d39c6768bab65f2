package gvisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/control/server"
	"gvisor.dev/gvisor/pkg/hostos"
	"gvisor.dev/gvisor/runsc/specutils"
)

// launch is what a sentry gets when it is started. Its files belong to the caller.
type launch struct {
	program   string // thaw-sentry
	id        string
	bundle    string              // directory of the OCI spec
	socket    string              // where its control socket will be
	stdio     [3]*os.File         // PID 1's file descriptors 0, 1 and 2
	images    []*os.File          // the root's, then those of the spec's image mounts
	filestore []*os.File          // what backs the other spec mounts
	confs     mountConfigurations // what each of these files is for
}

type mountConfigurations = specutils.GoferMountConfFlags

// The engine starts sentries itself, with the command line that gVisor's own package runsc/sandbox uses, for three
// reasons. That package takes PID 1's stdio from the process-wide os.Stdin, os.Stdout and os.Stderr, so that only one
// sandbox could boot at a time; it does not say which process it started until that has booted; and it carries a helper
// for checkpoints in the cloud of 46 MB.

// start starts the sentry. It becomes ready when a byte can be read from booted, and has failed when that ends.
func (l *launch) start(settings []string) (p *process, booted *os.File, err error) {
	sock, err := server.CreateSocket(l.socket)
	if err != nil {
		return nil, nil, fmt.Errorf("make control socket: %w", err)
	}
	controller := os.NewFile(uintptr(sock), "control socket")
	defer func() { _ = controller.Close() }()
	spec, err := os.Open(filepath.Join(l.bundle, "config.json"))
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = spec.Close() }()
	booted, ready, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = ready.Close() }()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		_ = booted.Close()
		return nil, nil, err
	}
	defer func() { _ = null.Close() }()
	for _, f := range l.stdio {
		// What is inside may want to open /dev/stderr again.
		if err := f.Chown(nobody, nobody); err != nil && !errors.Is(err, unix.EINVAL) {
			_ = booted.Close()
			return nil, nil, fmt.Errorf("give %s to the sentry's user: %w", f.Name(), err)
		}
	}
	memory, err := hostMemory()
	if err != nil {
		_ = booted.Close()
		return nil, nil, err
	}

	words, err := newLastWords()
	if err != nil {
		_ = booted.Close()
		return nil, nil, err
	}

	// The sentry's own stdio leads nowhere, except for what it says when it dies.
	files := []uintptr{null.Fd(), null.Fd(), words.Fd()}
	argv := append([]string{sentryName}, settings...)
	argv = append(argv, "boot", "--bundle="+l.bundle)
	give := func(flag string, fs ...*os.File) {
		for _, f := range fs {
			argv = append(argv, "--"+flag+"="+strconv.Itoa(len(files)))
			files = append(files, f.Fd())
		}
	}
	give("io-fds", l.images...)
	give("gofer-filestore-fds", l.filestore...)
	give("start-sync-fd", ready)
	give("controller-fd", controller)
	give("spec-fd", spec)
	give("stdio-fds", l.stdio[:]...)
	argv = append(argv,
		"--gofer-mount-confs="+l.confs.String(),
		"--setup-root",      // an empty root of its own
		"--attached",        // dies with this process
		"--product-name=VM", // else the guest could read what machine this host is
		"--total-host-memory="+memory, "--total-memory="+memory,
		l.id,
	)
	pid, err := syscall.ForkExec(l.program, argv, &syscall.ProcAttr{Dir: "/", Env: sentryEnv, Files: files, Sys: jail()})
	if err != nil {
		_ = booted.Close()
		_ = words.Close()
		return nil, nil, fmt.Errorf("start %s: %w", l.program, err)
	}
	if p, err = watch(pid, words); err != nil {
		_ = booted.Close()
		return nil, nil, err
	}
	return p, booted, nil
}

// sentryEnv is a sentry's whole environment. No garbage is collected until cmd/thaw-sentry turns that on, some time after
// guestRuns, unless the sentry comes to the limit, which is about what overheadBytes leaves it.
var sentryEnv = []string{"GOGC=off", "GOMEMLIMIT=32MiB"}

// guestRuns is the signal that tells a sentry that its guest was started or restored.
const guestRuns = unix.Signal(40)

// jail is what the sentry is on the host from its first instruction on: user nobody in namespaces of its own, with the
// capabilities it needs to build its root, which it gives up when that is done.
func jail() *syscall.SysProcAttr {
	alone := []syscall.SysProcIDMap{{ContainerID: nobody, HostID: nobody, Size: 1}}
	return &syscall.SysProcAttr{
		Setsid: true,
		Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
			unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
		Credential:  &syscall.Credential{Uid: nobody, Gid: nobody},
		UidMappings: alone,
		GidMappings: alone,
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SYS_CHROOT, unix.CAP_SETPCAP, unix.CAP_SYS_PTRACE},
		Pdeathsig:   unix.SIGKILL,
	}
}

// awaitBoot waits for the byte. When ctx ends first it kills the sentry.
func awaitBoot(ctx context.Context, p *process, booted *os.File) error {
	stop := context.AfterFunc(ctx, func() { _ = p.kill() })
	defer stop()
	if _, err := booted.Read(make([]byte, 1)); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		_ = p.kill() // it ends by itself; this bounds the wait
		<-p.done
		return fmt.Errorf("the sentry did not boot: %s", p.end())
	}
	return nil
}

// hostMemory is what guests are told is the machine's memory, in bytes.
var hostMemory = sync.OnceValues(func() (string, error) {
	n, err := hostos.TotalSystemMemory()
	return strconv.FormatUint(n, 10), err
})

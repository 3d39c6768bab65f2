package jail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// User is the user and group of jailed programs: one that no account of the host has, and no other sandbox.
const User = 58114

// Options say what to run and what it gets.
type Options struct {
	// Shim is a program and its first arguments that lead to Main; the rest of its arguments is Start's.
	Shim []string
	Root *Root
	Args []string // the program's argument vector, Args[0] included
	Env  []string
	// Files are the program's descriptors from 3 on. They stay the caller's.
	Files []*os.File
	// Devices are device nodes of the host that it gets in its /dev under the same name, e.g. "/dev/kvm".
	Devices []string
	// MaxFiles bounds its open descriptors, MaxFileBytes how far it may write into a file.
	MaxFiles     uint64
	MaxFileBytes uint64
	// Started is called with the process ID when the process exists and before it does anything; an error ends it.
	// May be nil.
	Started func(pid int) error
}

// order is what the shim is told.
type order struct {
	Root         string   `json:"root"`
	Program      string   `json:"program"`
	Args         []string `json:"args"`
	Env          []string `json:"env"`
	Files        int      `json:"files"` // how many; the gate is the descriptor behind the last
	Devices      []string `json:"devices"`
	MaxFiles     uint64   `json:"maxFiles"`
	MaxFileBytes uint64   `json:"maxFileBytes"`
}

// Start starts the program. It returns when the shim was let go, which is before the program runs; when something fails
// in between, the process ends and its last words say why. When ctx ends first the process is killed.
func Start(ctx context.Context, o Options) (*Process, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	words, err := json.Marshal(order{
		Root: o.Root.dir, Program: o.Root.program, Args: o.Args, Env: o.Env, Files: len(o.Files),
		Devices: o.Devices, MaxFiles: o.MaxFiles, MaxFileBytes: o.MaxFileBytes,
	})
	if err != nil {
		return nil, err
	}
	p, err := fork(o, string(words))
	if err != nil {
		return nil, fmt.Errorf("start jail: %w", err)
	}
	if o.Started != nil {
		if err := o.Started(p.PID()); err != nil {
			p.Kill()
			return nil, err
		}
	}
	if err := context.Cause(ctx); err != nil {
		p.Kill()
		return nil, err
	}
	if _, err := p.gate.Write([]byte{0}); err != nil {
		p.Kill()
		return nil, fmt.Errorf("start jail: %w: %s", err, p.Exit())
	}
	return p, nil
}

// fork starts the shim, which waits at its gate.
func fork(o Options, words string) (*Process, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = null.Close() }()
	last, stderr, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = stderr.Close() }()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		_ = last.Close()
		return nil, err
	}
	gate, inner := os.NewFile(uintptr(fds[0]), "gate"), os.NewFile(uintptr(fds[1]), "gate")
	defer func() { _ = inner.Close() }()

	files := []uintptr{null.Fd(), null.Fd(), stderr.Fd()}
	for _, f := range o.Files {
		files = append(files, f.Fd())
	}
	files = append(files, inner.Fd())
	argv := append(append([]string{}, o.Shim...), words)
	pid, err := syscall.ForkExec(o.Shim[0], argv, &syscall.ProcAttr{Dir: "/", Env: []string{"GOMAXPROCS=1", "GOGC=off"}, Files: files, Sys: &syscall.SysProcAttr{
		Setsid:    true,
		Pdeathsig: unix.SIGKILL,
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC |
			unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP,
	}})
	if err != nil {
		return nil, errors.Join(err, last.Close(), gate.Close())
	}
	return Watch(pid, gate, last)
}

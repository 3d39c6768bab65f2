package main

import (
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/sandboxtest/guest/wire"
)

func garbage(n int64) error {
	_, err := io.CopyN(os.Stdout, rand.Reader, n)
	return err
}

func list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func read(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, 64<<10))
	return string(b), err
}

func free(path string) (int64, error) {
	var st unix.Statfs_t
	err := unix.Statfs(path, &st)
	return int64(st.Bavail) * st.Bsize, err
}

func connect(addr string) error {
	c, err := net.DialTimeout("tcp", addr, 2*time.Second)
	if err != nil {
		return err
	}
	return c.Close()
}

// run runs this program again as a tenant.
func run(req *wire.Request) (int64, string, error) {
	cmd := exec.Command("/proc/self/exe", req.Args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if req.UID != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(req.UID), Gid: uint32(req.UID)}
	}
	if req.Processes > 0 {
		cmd.Env = append(os.Environ(), limitEnv+"="+uitoa(req.Processes))
	}
	out, err := cmd.CombinedOutput()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it left behind
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return int64(exit.ExitCode()), string(out) + exit.String(), nil
	}
	return 0, string(out), err
}

package gvisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/cgroup"
	"thaw.dev/thaw/sandbox"
)

// nobody is the user sentries run as.
const nobody = 65534

// Probe checks this host.
func (e *Engine) Probe(ctx context.Context) []sandbox.Check { return Probe(ctx, e.opts) }

// Probe checks whether this host can run an engine with these options, also where New would fail.
func Probe(ctx context.Context, o Options) []sandbox.Check {
	return []sandbox.Check{
		probeRoot(),
		probeMachine(),
		probeKernel(),
		probeSeccomp("/proc/sys/kernel/seccomp/actions_avail"),
		probePtrace("/proc/sys/kernel/yama/ptrace_scope"),
		probeUserNamespaces("/proc/sys/user/max_user_namespaces"),
		probeCgroups(),
		probeSentry(ctx, o.SentryPath),
		probeStateDir(o.StateDir),
	}
}

// result makes a check of err: the remedy is only said where it is needed.
func result(name string, must bool, found string, err error, remedy string) sandbox.Check {
	if err != nil {
		return sandbox.Check{Name: name, Must: must, Detail: err.Error(), Remedy: remedy}
	}
	return sandbox.Check{Name: name, OK: true, Must: must, Detail: found}
}

func probeRoot() sandbox.Check {
	var err error
	if uid := os.Geteuid(); uid != 0 {
		err = fmt.Errorf("running as user %d", uid)
	}
	return result("root", true, "running as root", err, "start thaw as root")
}

func probeMachine() sandbox.Check {
	var err error
	if a := runtime.GOARCH; a != "amd64" && a != "arm64" {
		err = fmt.Errorf("gVisor does not run on %s", a)
	} else if size := os.Getpagesize(); size != 4096 {
		err = fmt.Errorf("pages have %d bytes", size)
	}
	return result("machine", true, runtime.GOARCH+", 4 KiB pages", err, "use an amd64 or arm64 machine whose kernel has 4 KiB pages")
}

// minKernel is the first kernel with non-blocking pidfds.
var minKernel = [2]int{5, 10}

func probeKernel() sandbox.Check {
	var u unix.Utsname
	err := unix.Uname(&u)
	release := unix.ByteSliceToString(u.Release[:])
	if err == nil && !kernelAtLeast(release, minKernel) {
		err = fmt.Errorf("kernel %s", release)
	}
	return result("kernel", true, release, err, fmt.Sprintf("use a kernel of version %d.%d or newer", minKernel[0], minKernel[1]))
}

func kernelAtLeast(release string, least [2]int) bool {
	var have [2]int
	if n, _ := fmt.Sscanf(release, "%d.%d", &have[0], &have[1]); n != 2 {
		return false
	}
	return have[0] > least[0] || (have[0] == least[0] && have[1] >= least[1])
}

func probeSeccomp(file string) sandbox.Check {
	b, err := os.ReadFile(file)
	if err == nil && !strings.Contains(string(b), "trap") {
		err = fmt.Errorf("available actions: %s", strings.TrimSpace(string(b)))
	}
	return result("seccomp filters", true, "action trap is available", err,
		"use a kernel with CONFIG_SECCOMP_FILTER; inside a container, allow seccomp")
}

func probePtrace(file string) sandbox.Check {
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return result("ptrace", true, "not restricted", nil, "")
	}
	scope := strings.TrimSpace(string(b))
	if err == nil && scope != "0" && scope != "1" {
		err = fmt.Errorf("kernel.yama.ptrace_scope is %s", scope)
	}
	return result("ptrace", true, "kernel.yama.ptrace_scope is "+scope, err,
		"sysctl kernel.yama.ptrace_scope=1; gVisor's systrap platform traces its own children (3 needs a reboot)")
}

func probeUserNamespaces(file string) sandbox.Check {
	b, err := os.ReadFile(file)
	if err == nil {
		var n int
		if n, err = strconv.Atoi(strings.TrimSpace(string(b))); err == nil && n == 0 {
			err = errors.New("user.max_user_namespaces is 0")
		}
	}
	return result("user namespaces", true, "available", err, "sysctl user.max_user_namespaces=15000")
}

func probeCgroups() sandbox.Check {
	h, err := cgroup.Detect()
	if err == nil {
		for _, dir := range []string{h.Memory, h.CPU, h.Pids} {
			if aerr := unix.Access(dir, unix.W_OK); aerr != nil {
				err = fmt.Errorf("%s: %w", dir, aerr)
			}
		}
	}
	return result("cgroups", true, fmt.Sprintf("version %d with memory, cpu and pids", h.Version), err,
		"mount cgroup2 on /sys/fs/cgroup with the controllers memory, cpu and pids; inside a container, make it writable")
}

// probeSentry starts the helper as the user sentries run as.
func probeSentry(ctx context.Context, path string) sandbox.Check {
	const name, remedy = "sentry program", "run make build, and keep the data directory where user nobody may pass through"
	if path == "" {
		return result(name, true, "", errors.New("not embedded in this build"), remedy)
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err == nil && info.Mode().Perm()&0o001 == 0 {
			err = fmt.Errorf("user nobody cannot pass through %s", dir)
		}
		if err != nil {
			return result(name, true, "", err, remedy)
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	cmd := exec.CommandContext(ctx, path, "--version") //nolint:gosec // the operator's own program
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	cmd.Dir = "/"
	if out, err := cmd.CombinedOutput(); err != nil {
		return result(name, true, "", fmt.Errorf("%s: %w: %s", path, err, strings.TrimSpace(string(out))), remedy)
	}
	return result(name, true, path, nil, "")
}

func probeStateDir(dir string) sandbox.Check {
	for { // it may not exist yet
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	var st unix.Statfs_t
	err := unix.Statfs(dir, &st)
	if err == nil && st.Type == unix.TMPFS_MAGIC {
		err = fmt.Errorf("%s is in memory, so what functions write to /tmp takes memory", dir)
	}
	return result("state directory", false, fmt.Sprintf("%d GiB free", int64(st.Bavail)*st.Bsize>>30), err,
		"put the data directory on a disk")
}

package qemu_test

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/sandbox/microvm/jail"
	"thaw.dev/thaw/sandbox/microvm/qemu"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// TestJail reads from /proc what a QEMU whose guest runs is on the host.
func TestJail(t *testing.T) {
	d := newDriver(t)
	vm, _ := boot(t, d, newRig(t, "jail", nil))
	must(t, vm.SetDrive(within(t), 1, image(t, 'x', 4096)))
	proc := fmt.Sprintf("/proc/%d/", vm.PID())
	read := func(name string) string {
		b, err := os.ReadFile(proc + name)
		must(t, err)
		return string(b)
	}
	tasks, err := os.ReadDir(proc + "task")
	must(t, err)
	zero, user := "0000000000000000", strconv.Itoa(jail.User)
	for _, task := range tasks {
		status := "\n" + read("task/"+task.Name()+"/status")
		for name, want := range map[string]string{
			"CapInh": zero, "CapPrm": zero, "CapEff": zero, "CapBnd": zero, "CapAmb": zero,
			"NoNewPrivs": "1", "Seccomp": "2", "Uid": user + "\t" + user + "\t" + user + "\t" + user, "Gid": user + "\t" + user + "\t" + user + "\t" + user,
		} {
			if !strings.Contains(status, "\n"+name+":\t"+want+"\n") {
				t.Errorf("thread %s: %s is not %s:\n%s", task.Name(), name, want, status)
			}
		}
	}
	for _, ns := range []string{"mnt", "pid", "net", "ipc", "uts", "cgroup"} {
		inside, err := os.Readlink(proc + "ns/" + ns)
		must(t, err)
		outside, err := os.Readlink("/proc/self/ns/" + ns)
		must(t, err)
		if inside == outside {
			t.Errorf("namespace %s is ours", ns)
		}
	}
	if n := strings.Count(read("net/dev"), ":"); n != 1 {
		t.Errorf("%d network interfaces:\n%s", n, read("net/dev"))
	}
	mounts := strings.Split(strings.TrimSpace(read("mountinfo")), "\n")
	if len(mounts) != 3 || slices.ContainsFunc(mounts, func(m string) bool { return !strings.HasPrefix(strings.Fields(m)[5], "ro,nosuid") }) {
		t.Errorf("mounts:\n%s", strings.Join(mounts, "\n"))
	}
	var found []string
	var walk func(dir string)
	walk = func(dir string) {
		entries, err := os.ReadDir(proc + "root" + dir)
		must(t, err)
		for _, e := range entries {
			path := dir + "/" + e.Name()
			switch {
			case path == "/proc":
			case e.IsDir():
				walk(path)
			case !strings.Contains(path, ".so"):
				found = append(found, path)
			}
		}
	}
	walk("")
	if want := []string{"/dev/null", "/dev/urandom", "/firmware/bios-microvm.bin", "/firmware/pvh.bin", "/usr/bin/qemu-system-x86_64"}; !slices.Equal(found, want) {
		t.Errorf("files besides libraries: %q", found)
	}
	if env := read("environ"); env != "" {
		t.Errorf("environment %q", env)
	}

	// Descriptors: what it was given, what it made of those by itself, and what it made of nothing.
	got := map[string]int{}
	fds, err := os.ReadDir(proc + "fd")
	must(t, err)
	for _, fd := range fds {
		target, err := os.Readlink(proc + "fd/" + fd.Name())
		must(t, err)
		var flags int
		_, rest, _ := strings.Cut(read("fdinfo/"+fd.Name()), "flags:")
		if _, err := fmt.Sscanf(rest, "%o", &flags); err != nil {
			t.Fatal(err)
		}
		kind, _, _ := strings.Cut(target, ":")
		switch {
		case kind == "/memfd":
			kind = strings.TrimSuffix(target, " (deleted)")
		case kind[0] == '/' && kind != "/dev/null":
			kind = map[int]string{unix.O_RDONLY: "file to read", unix.O_RDWR: "file to write"}[flags&unix.O_ACCMODE]
		}
		got[kind]++
	}
	want := map[string]int{
		"/dev/null": 2, "pipe": 1, "socket": 2 + vmm.NumPorts, "anon_inode": got["anon_inode"],
		"/memfd:ram": 2, "/memfd:blank": 2, "file to write": 2, // the writable drive
		"file to read": 3, // the kernel, and an image twice
	}
	if !maps.Equal(got, want) {
		t.Errorf("descriptors %v, want %v", got, want)
	}

	limits := read("limits")
	for name, want := range map[string]string{"Max core file size": "0", "Max open files": "256", "Max file size": "16777216", "Max locked memory": "0", "Max realtime priority": "0"} {
		_, rest, _ := strings.Cut(limits, name)
		if f := strings.Fields(rest); f[0] != want || f[1] != want {
			t.Errorf("%s is %s and %s, want %s", name, f[0], f[1], want)
		}
	}
}

// orphan starts a daemon with a machine.
func orphan(t *testing.T, dir string) (daemon *exec.Cmd, pid int) {
	t.Helper()
	testenv.NeedsRoot(t)
	testenv.NeedsCommand(t, "qemu-system-x86_64")
	self, err := os.Executable()
	must(t, err)
	daemon = exec.CommandContext(t.Context(), self, "daemon", dir, kernel(t).Image.Name())
	daemon.Stderr = os.Stderr
	out, err := daemon.StdoutPipe()
	must(t, err)
	must(t, daemon.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	pid, err = strconv.Atoi(strings.TrimSpace(line))
	must(t, err)
	return daemon, pid
}

// ended waits for the end of a process that is not our child.
func ended(t *testing.T, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return
	}
	must(t, err)
	defer func() { _ = unix.Close(fd) }()
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 20_000); n != 1 {
		t.Errorf("process %d lives on: %v", pid, err)
	}
}

// TestNoOrphans: a machine ends with its daemon, however that ends, and what is left of the daemon is swept. A machine
// that outlives its daemon nevertheless is swept as well; here the daemon lives, to have one.
func TestNoOrphans(t *testing.T) {
	dir := t.TempDir()
	dead, first := orphan(t, dir)
	must(t, dead.Process.Kill())
	_ = dead.Wait()
	ended(t, first)

	alive, second := orphan(t, dir)
	d, err := qemu.New(t.Context(), options(dir))
	must(t, err)
	must(t, d.Sweep(t.Context()))
	ended(t, second)
	if roots, err := os.ReadDir(dir); err != nil || len(roots) != 1 {
		t.Errorf("left %v, %v", roots, err)
	}
	must(t, d.Close())
	if roots, err := os.ReadDir(dir); err != nil || len(roots) != 0 {
		t.Errorf("left %v, %v", roots, err)
	}
	_ = alive.Process.Kill()
	_ = alive.Wait()
}

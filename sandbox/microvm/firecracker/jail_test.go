package firecracker_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"thaw.dev/thaw/sandbox/microvm/firecracker"
	"thaw.dev/thaw/sandbox/microvm/jail"
)

// monitor returns the process ID of the Firecracker below a supervisor.
func monitor(t testing.TB, supervisor int) int {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", supervisor))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, task := range tasks {
		b, err := os.ReadFile(task)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.Fields(string(b))...)
	}
	if len(all) != 1 {
		t.Fatalf("supervisor %d has children %v", supervisor, all)
	}
	pid, err := strconv.Atoi(all[0])
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func status(t *testing.T, pid int) map[string]string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(line, ":")
		fields[name] = strings.TrimSpace(value)
	}
	return fields
}

// TestFirecrackerIsJailed reads from /proc what a running monitor is. Its seccomp filters are Firecracker's own.
func TestFirecrackerIsJailed(t *testing.T) {
	t.Parallel()
	shape := small
	shape.Network, shape.ScratchBytes = true, 1<<20
	g := boot(t, newDriver(t), shape)
	g.expect("1", "count")
	pid := monitor(t, g.vm.PID())
	have := status(t, pid)
	id := strconv.Itoa(jail.User)
	for field, want := range map[string]string{
		"Uid": strings.Join([]string{id, id, id, id}, "\t"), "Gid": strings.Join([]string{id, id, id, id}, "\t"), "Groups": "",
		"CapInh": "0000000000000000", "CapPrm": "0000000000000000", "CapEff": "0000000000000000", "CapAmb": "0000000000000000",
	} {
		if have[field] != want {
			t.Errorf("%s is %q, want %q", field, have[field], want)
		}
	}
	for _, ns := range []string{"mnt", "pid", "net", "ipc", "uts", "cgroup"} {
		if link(t, os.Getpid(), "ns/"+ns) == link(t, pid, "ns/"+ns) {
			t.Errorf("its %s namespace is ours", ns)
		}
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Max file size": "16777216", "Max open files": "512"} {
		if !strings.Contains(string(limits), fmt.Sprintf("%-25s %-20s %-20s", name, want, want)) {
			t.Errorf("%s is not %s:\n%s", name, want, limits)
		}
	}
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); err != nil || len(b) != 0 {
		t.Errorf("its environment is %q, %v", b, err)
	}
	for dir, want := range map[string]string{
		"/": "dev drives fd firecracker load run save", "/dev": "kvm net urandom", "/run": "api.socket v.sock",
		"/drives": "0 1 scratch", "/load": "initrd kernel", "/save": "memory state",
	} {
		g.expect(want, "look %s", dir)
	}
	descriptors, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range descriptors {
		to := link(t, pid, "fd/"+fd.Name())
		if !slices.ContainsFunc([]string{
			"/dev/null", "/dev/net/tun", "/drives/", "pipe:", "socket:", "anon_inode:", "/load/",
		}, func(p string) bool { return strings.HasPrefix(to, p) }) && !strings.Contains(to, "/link-") && !strings.Contains(to, "/drives/") {
			t.Errorf("descriptor %s is %s", fd.Name(), to)
		}
	}
}

func link(t *testing.T, pid int, name string) string {
	t.Helper()
	to, err := os.Readlink(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// TestNothingIsMountedOnTheHost: all of a machine's mounts are in namespaces of its own.
func TestNothingIsMountedOnTheHost(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	d := newDriver(t, func(o *firecracker.Options) { o.StateDir = dir })
	g := boot(t, d, small)
	if err := g.vm.SetDrive(within(t), 0, image(t, "x", 4096)); err != nil {
		t.Fatal(err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mounts), dir) {
		t.Error("something is mounted below the state directory")
	}
	for _, sub := range []string{".", "jail"} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(entries); (sub == "." && n != 1) || (sub == "jail" && n != 0) {
			t.Errorf("%s holds %v", sub, entries)
		}
	}
}

package cgroup

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"thaw.dev/thaw/internal/testenv"
)

const mountinfoV1 = `30 20 0:25 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
32 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
33 30 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
34 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
broken line
`

func TestDetectV1(t *testing.T) {
	t.Parallel()
	h, err := detect(strings.NewReader(mountinfoV1))
	want := Hierarchy{
		Version: 1, Memory: "/sys/fs/cgroup/memory", CPU: "/sys/fs/cgroup/cpu,cpuacct",
		CPUAcct: "/sys/fs/cgroup/cpu,cpuacct", Pids: "/sys/fs/cgroup/pids",
	}
	if err != nil || h != want {
		t.Errorf("got %+v, %v", h, err)
	}
}

func TestDetectV2(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	info := strings.NewReader("30 20 0:25 / " + dir + " rw - cgroup2 cgroup2 rw,nsdelegate\n")
	put(t, dir, "cgroup.controllers", "cpuset cpu io memory pids\n")
	h, err := detect(info)
	if err != nil || h != (Hierarchy{Version: 2, Memory: dir, CPU: dir, CPUAcct: dir, Pids: dir}) {
		t.Errorf("got %+v, %v", h, err)
	}
}

func TestDetectNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "cgroup.controllers", "cpuset cpu io memory\n")
	for _, info := range []string{
		"",
		"33 30 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n",
		"30 20 0:25 / " + dir + " rw - cgroup2 cgroup2 rw\n",
	} {
		if h, err := detect(strings.NewReader(info)); !errors.Is(err, ErrNoControllers) {
			t.Errorf("%q: got %+v, %v", info, h, err)
		}
	}
}

func put(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// fakeGroup is a group in an ordinary directory with empty control files: what is written is what the kernel would get.
func fakeGroup(t *testing.T, version int, files ...string) *Group {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		put(t, dir, f, "")
	}
	return &Group{name: "g", version: version, memory: dir, cpu: dir, cpuacct: dir, pids: dir, dirs: []string{dir}}
}

func TestSet(t *testing.T) {
	t.Parallel()
	v1 := []string{"memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.shares", "pids.max", "cpu.idle"}
	v2 := []string{"memory.max", "memory.swap.max", "cpu.max", "cpu.weight", "pids.max", "cpu.idle"}
	for _, c := range []struct {
		name    string
		version int
		files   []string
		limits  Limits
		want    []string // in the order of files
	}{
		{"v1 nothing", 1, v1, Limits{}, []string{"-1", "-1", "-1", "100000", "1024", "max", "0"}},
		{"v1 one CPU", 1, v1, Limits{MemoryBytes: 1 << 30, CPUMillis: 1000, Pids: 9}, []string{"1073741824", "1073741824", "100000", "100000", "1024", "9", "0"}},
		{"v1 small", 1, v1, Limits{CPUMillis: 72}, []string{"-1", "-1", "7200", "100000", "73", "max", "0"}},
		{"v1 tiny", 1, v1, Limits{CPUMillis: 10}, []string{"-1", "-1", "1000", "100000", "10", "max", "0"}},
		{"v1 background", 1, v1, Limits{CPUMillis: 1000, Background: true}, []string{"-1", "-1", "100000", "100000", "2", "max", "1"}},
		{"v2 nothing", 2, v2, Limits{}, []string{"max", "0", "max 100000", "100", "max", "0"}},
		{"v2 six CPUs", 2, v2, Limits{MemoryBytes: 4096, CPUMillis: 6000, Pids: 7}, []string{"4096", "0", "600000 100000", "600", "7", "0"}},
		{"v2 tiny", 2, v2, Limits{CPUMillis: 1}, []string{"max", "0", "1000 1000000", "1", "max", "0"}},
		{"v2 background", 2, v2, Limits{CPUMillis: 1000, Background: true}, []string{"max", "0", "100000 100000", "1", "max", "1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := fakeGroup(t, c.version, c.files...)
			// The kernel replaces what is in a control file, an ordinary file keeps the tail: start from nothing.
			if err := g.Set(c.limits); err != nil {
				t.Fatal(err)
			}
			for i, f := range c.files {
				b, err := os.ReadFile(filepath.Join(g.memory, f))
				if err != nil {
					t.Fatal(err)
				}
				if got := string(b); !strings.HasPrefix(got, c.want[i]) {
					t.Errorf("%s is %q, want %q", f, got, c.want[i])
				}
			}
		})
	}
}

func TestSetFailsWithoutFiles(t *testing.T) {
	t.Parallel()
	for _, version := range []int{1, 2} {
		if err := fakeGroup(t, version).Set(Limits{}); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("version %d: %v", version, err)
		}
	}
}

func TestUsageV1(t *testing.T) {
	t.Parallel()
	g := fakeGroup(t, 1)
	put(t, g.memory, "memory.stat", "cache 1000\nrss 5\nshmem 400\ntotal_cache 7\n")
	put(t, g.memory, "memory.usage_in_bytes", "2000\n")
	put(t, g.memory, "memory.max_usage_in_bytes", "3000\n")
	put(t, g.memory, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
	put(t, g.memory, "cpuacct.usage", "1500000\n")
	put(t, g.memory, "pids.current", "12\n")
	u, err := g.Usage()
	want := Usage{MemoryBytes: 1400, PeakMemoryBytes: 3000, CPU: 1500 * time.Microsecond, OOMKills: 2, Pids: 12}
	if err != nil || u != want {
		t.Errorf("got %+v, %v", u, err)
	}
}

func TestUsageV2(t *testing.T) {
	t.Parallel()
	g := fakeGroup(t, 2)
	put(t, g.memory, "memory.stat", "anon 5\nfile 1000\nshmem 400\n")
	put(t, g.memory, "memory.current", "2000\n")
	put(t, g.memory, "memory.events", "low 0\nmax 4\noom 1\noom_kill 1\n")
	put(t, g.memory, "cpu.stat", "usage_usec 1500\nuser_usec 1000\n")
	put(t, g.memory, "pids.current", "3\n")
	want := Usage{MemoryBytes: 1400, PeakMemoryBytes: 1400, CPU: 1500 * time.Microsecond, OOMKills: 1, Pids: 3}
	if u, err := g.Usage(); err != nil || u != want {
		t.Errorf("without memory.peak: got %+v, %v", u, err)
	}
	put(t, g.memory, "memory.peak", "2500\n")
	want.PeakMemoryBytes = 2500
	if u, err := g.Usage(); err != nil || u != want {
		t.Errorf("with memory.peak: got %+v, %v", u, err)
	}
	put(t, g.memory, "memory.current", "many\n")
	if u, err := g.Usage(); err == nil {
		t.Errorf("nonsense was read as %+v", u)
	}
}

func TestOpenV2EnablesControllers(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	put(t, root, "cgroup.subtree_control", "")
	if err := os.Mkdir(filepath.Join(root, "thaw"), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(root, "thaw"), "cgroup.subtree_control", "")
	h := Hierarchy{Version: 2, Memory: root, CPU: root, CPUAcct: root, Pids: root}
	if _, err := Open(h, "thaw"); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{root, filepath.Join(root, "thaw")} {
		// Each write begins at the start of an ordinary file, so the last one is what remains at its beginning.
		if b, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control")); err != nil || !strings.HasPrefix(string(b), "+pids") {
			t.Errorf("%s: %q, %v", dir, b, err)
		}
	}
	for _, bad := range []string{"", ".", "..", "a/b"} {
		if _, err := Open(h, bad); err == nil {
			t.Errorf("opened a tree called %q", bad)
		}
	}
}

// TestReal uses this host's cgroups.
func TestReal(t *testing.T) {
	testenv.NeedsRoot(t)
	h, err := Detect()
	if err != nil {
		t.Fatal(err)
	}
	tree, err := Open(h, "thaw-cgroup-test")
	if err != nil {
		t.Fatal(err)
	}
	g, err := tree.Create("one")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.Create("one"); err == nil {
		t.Error("two groups with one name")
	}
	child := exec.Command("sleep", "100") //nolint:noctx // killed below
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for _, l := range []Limits{{MemoryBytes: 64 << 20, CPUMillis: 72, Pids: 5}, {MemoryBytes: 128 << 20, CPUMillis: 6000}, {MemoryBytes: 32 << 20, Background: true}, {CPUMillis: 72, Background: true}, {}} {
		if err := g.Set(l); err != nil {
			t.Errorf("%+v: %v", l, err)
		}
	}
	if err := g.Add(child.Process.Pid); err != nil {
		t.Error(err)
	}
	if pids, err := g.Pids(); err != nil || len(pids) != 1 || pids[0] != child.Process.Pid {
		t.Errorf("pids %v, %v", pids, err)
	}
	if u, err := g.Usage(); err != nil || u.Pids != 1 {
		t.Errorf("usage %+v, %v", u, err)
	}
	if groups, err := tree.Groups(); err != nil || len(groups) != 1 || groups[0].Name() != "one" {
		t.Errorf("groups %v, %v", groups, err)
	}
	if err := g.Remove(0); !errors.Is(err, syscall.EBUSY) {
		t.Errorf("removed a group with a process in it: %v", err)
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	if err := g.Add(child.Process.Pid); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("added a process that ended: %v", err)
	}
	for range 2 {
		if err := g.Remove(10 * time.Second); err != nil {
			t.Error(err)
		}
	}
	if err := tree.Remove(10 * time.Second); err != nil {
		t.Error(err)
	}
}

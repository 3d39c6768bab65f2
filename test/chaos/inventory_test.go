package chaos_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/internal/cgroup"
)

// sentryID returns the id of the sandbox whose process pid is, "" if it is none.
func sentryID(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // it may have ended
	argv := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
	if !strings.HasPrefix(argv[0], "runsc-sandbox") {
		return ""
	}
	return argv[len(argv)-1]
}

// children returns the processes that this one has started, directly, and that it has not reaped.
func children(t *testing.T) []int {
	t.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Error(err)
	}
	var all []int
	for _, list := range lists {
		text, _ := os.ReadFile(list) // a thread may have ended
		for _, f := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(f); err == nil {
				all = append(all, pid)
			}
		}
	}
	return all
}

// sentries returns the processes of this server's sandboxes, and notes where their cgroups are.
func sentries(t *testing.T, traces *traces) []int {
	t.Helper()
	var all []int
	for _, pid := range children(t) {
		if sentryID(pid) != "" {
			all = append(all, pid)
			traces.note(pid)
		}
	}
	return all
}

// traces are the cgroups that sandboxes were seen in.
type traces struct {
	mu     sync.Mutex
	groups map[string]bool // as "tree" and "tree/sandbox"
}

func (s *traces) note(pid int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid)) // it may have ended
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups == nil {
		s.groups = map[string]bool{}
	}
	for line := range strings.Lines(string(text)) {
		dir := strings.TrimSpace(line[strings.LastIndexByte(line, ':')+1:])
		if strings.HasPrefix(filepath.Base(dir), "sb-") {
			tree := filepath.Base(filepath.Dir(dir))
			s.groups[tree], s.groups[filepath.Join(tree, filepath.Base(dir))] = true, true
		}
	}
}

// left returns the cgroups that are still there.
func (s *traces) left(t *testing.T) []string {
	t.Helper()
	h, err := cgroup.Detect()
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.groups) == 0 {
		t.Error("no cgroup of any sandbox was seen")
	}
	var left []string
	for _, root := range []string{h.Memory, h.CPU, h.CPUAcct, h.Pids} {
		for dir := range s.groups {
			path := filepath.Join(root, dir)
			if _, err := os.Stat(path); err == nil {
				left = append(left, "cgroup "+path)
			}
		}
	}
	return left
}

// inventory is what a process has of the kernel's: how many of each.
type inventory struct{ files, mounts map[string]int }

var number = regexp.MustCompile(`[0-9]+`)

func takeInventory(t *testing.T) *inventory {
	t.Helper()
	i := &inventory{map[string]int{}, map[string]int{}}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if target, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil {
			i.files[number.ReplaceAllString(target, "N")]++
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		i.mounts[strings.Fields(line)[4]]++
	}
	return i
}

// ofRuntime are files that the Go runtime opens once and keeps.
var ofRuntime = []string{"anon_inode:[eventpoll]", "anon_inode:[eventfd]"}

// compare fails the test for what is there now, when the server has ended, and was not before.
func (i *inventory) compare(t *testing.T, traces *traces) {
	t.Helper()
	eventually(t, 5*time.Second, func() string {
		now := takeInventory(t)
		left := traces.left(t)
		for _, pid := range children(t) {
			argv, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			left = append(left, fmt.Sprintf("process %d: %.200q", pid, argv))
		}
		for what, n := range now.files {
			if n > i.files[what] && !slices.Contains(ofRuntime, what) {
				left = append(left, fmt.Sprintf("%d of file %s, before %d", n, what, i.files[what]))
			}
		}
		for where, n := range now.mounts {
			if n > i.mounts[where] {
				left = append(left, "mount "+where)
			}
		}
		slices.Sort(left)
		return strings.Join(left, "\n")
	})
}

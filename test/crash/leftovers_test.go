package crash_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/cgroup"
)

// adopt makes this process the parent of what its descendants leave behind when they end, so that nothing a server
// started can hide from it.
func adopt(t *testing.T) {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
}

// orphans returns the running processes that this one has adopted, and forgets those that have ended. server is the
// process id of the running server, which is none; 0 if there is none.
func orphans(t *testing.T, server int) []string {
	t.Helper()
	var left []string
	for _, pid := range children(t, os.Getpid()) {
		if pid == server {
			continue
		}
		if reaped, _ := unix.Wait4(pid, nil, unix.WNOHANG, nil); reaped == pid {
			continue
		}
		argv, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		left = append(left, fmt.Sprintf("process %d: %.300s", pid, bytes.ReplaceAll(argv, []byte{0}, []byte(" "))))
	}
	return left
}

func children(t *testing.T, pid int) []int {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	var all []int
	for _, list := range lists {
		text, _ := os.ReadFile(list) // a thread may have ended
		for _, f := range strings.Fields(string(text)) {
			child, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, child)
		}
	}
	return all
}

// groups returns the cgroup directories of the site's sandboxes, in all hierarchies. tree is the name of the engine's
// directory, "" if it is not known yet.
func groups(t *testing.T, tree string) []string {
	t.Helper()
	var all []string
	if tree == "" {
		return nil
	}
	for _, dir := range trees(t, tree) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // it is gone, and its groups with it
		}
		for _, e := range entries {
			if path := filepath.Join(dir, e.Name()); e.IsDir() && !slices.Contains(all, path) {
				all = append(all, path)
			}
		}
	}
	return all
}

// trees returns where the directory called tree can be.
func trees(t *testing.T, tree string) []string {
	t.Helper()
	h, err := cgroup.Detect()
	if err != nil {
		t.Fatal(err)
	}
	dirs := []string{h.Memory, h.CPU, h.CPUAcct, h.Pids}
	slices.Sort(dirs)
	dirs = slices.Compact(dirs)
	for i := range dirs {
		dirs[i] = filepath.Join(dirs[i], tree)
	}
	return dirs
}

// sandboxes returns the ids of the server's sandboxes that have a process in a cgroup, and the name of the directory
// in which their cgroups are.
func sandboxes(t *testing.T, server int) (ids []string, tree string) {
	t.Helper()
	for _, pid := range children(t, server) {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid)) // it may have ended
		for line := range strings.Lines(string(text)) {
			dir := strings.TrimSpace(line[strings.LastIndexByte(line, ':')+1:])
			if id := filepath.Base(dir); strings.HasPrefix(id, "sb-") && !slices.Contains(ids, id) {
				ids, tree = append(ids, id), filepath.Base(filepath.Dir(dir))
			}
		}
	}
	return ids, tree
}

// files returns what a server has on disk only while it works: temporary files, and everything of its sandboxes.
func (s *site) files(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, root := range []string{s.data, s.tmp} {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			switch {
			case os.IsNotExist(err):
				return nil // it went away just now
			case err != nil:
				return err
			}
			name := e.Name()
			passing := strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".new") || strings.HasSuffix(name, ".tmp")
			boxes := filepath.Dir(filepath.Dir(path)) == filepath.Join(s.data, "sandboxes")
			if passing || boxes || filepath.Dir(path) == s.tmp {
				all = append(all, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// mounts returns the mounts of this host that have to do with the site.
func (s *site) mounts(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, filepath.Dir(s.data)) {
			all = append(all, "mount "+strings.TrimSpace(line))
		}
	}
	return all
}

// remains are the files and cgroups that a killed server has left to the next.
type remains []string

func (s *site) remains(t *testing.T, tree string) remains {
	t.Helper()
	return append(s.files(t), groups(t, tree)...)
}

// left returns what is still there, with its content where that is short.
func (r remains) left() []string {
	var left []string
	for _, path := range r {
		info, err := os.Lstat(path)
		if err != nil {
			continue
		}
		left = append(left, fmt.Sprintf("%s, %s, %d bytes", path, info.Mode(), info.Size()))
	}
	return left
}

// checkEmpty fails the test unless the last server, which has ended, left nothing.
func (s *site) checkEmpty(t *testing.T, tree string) {
	t.Helper()
	left := slices.Concat(orphans(t, 0), s.mounts(t), s.remains(t, tree).left())
	for _, path := range append(trees(t, tree), filepath.Join(s.data, "server.json")) {
		if _, err := os.Lstat(path); err == nil {
			left = append(left, path)
		}
	}
	for _, what := range left {
		t.Errorf("left after SIGTERM: %s", what)
	}
}

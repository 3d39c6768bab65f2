package bench

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// kibMember finds a value in KiB in one of procfs's texts. Source: proc(5).
func kibMember(text, name string) (int64, error) {
	value, ok := strings.CutSuffix(member(text, name), " kB")
	if !ok {
		return 0, fmt.Errorf("no %s in the text", name)
	}
	return strconv.ParseInt(strings.TrimSpace(value), 10, 64)
}

// gone reports whether err says that the process has ended.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) }

// rss is the resident memory of a process, in bytes.
func rss(pid int) (int64, error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, err
	}
	kib, err := kibMember(string(b), "VmRSS")
	return kib << 10, err
}

// pss is the proportional set size of a process, in bytes: a page that several processes map counts for each in part.
func pss(pid int) (int64, error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup"))
	if err != nil {
		return 0, err
	}
	kib, err := kibMember(string(b), "Pss")
	return kib << 10, err
}

// childrenPSS is the proportional set size of the children of pid that keep tells to count and of all processes below
// them, in bytes, and how many these are.
func childrenPSS(pid int, keep func(child int) bool) (bytes int64, processes int, err error) {
	children, err := processTree()
	if err != nil {
		return 0, 0, err
	}
	var next []int
	for _, child := range children[pid] {
		if keep(child) {
			next = append(next, child)
		}
	}
	for len(next) > 0 {
		p := next[0]
		next = append(next[1:], children[p]...)
		n, err := pss(p)
		switch {
		case gone(err):
			continue
		case err != nil:
			return 0, 0, fmt.Errorf("memory of process %d: %w", p, err)
		}
		bytes += n
		processes++
	}
	return bytes, processes, nil
}

// every keeps all children.
func every(int) bool { return true }

// named keeps the children on whose command line one of the words stands.
func named(words map[string]bool) func(int) bool {
	return func(pid int) bool {
		b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
		if err != nil {
			return false // it has ended
		}
		for word := range strings.SplitSeq(string(b), "\x00") {
			if words[word] {
				return true
			}
		}
		return false
	}
}

// processTree has the children of each process of this host.
func processTree() (map[int][]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if gone(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		id, parent, err := parentOf(string(b))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		children[parent] = append(children[parent], id)
	}
	return children, nil
}

// parentOf reads a process's and its parent's id from /proc/PID/stat, whose second field, in parentheses, may hold
// anything. Source: proc(5).
func parentOf(stat string) (pid, parent int, err error) {
	first, _, _ := strings.Cut(stat, " ")
	rest := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(rest) < 2 {
		return 0, 0, errors.New("the text is too short")
	}
	if pid, err = strconv.Atoi(first); err != nil {
		return 0, 0, err
	}
	parent, err = strconv.Atoi(rest[1])
	return pid, parent, err
}

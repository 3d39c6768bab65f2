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

// childrenPSS is the proportional set size of all processes below pid, in bytes, and how many there are.
func childrenPSS(pid int) (bytes int64, processes int, err error) {
	below, err := descendants(pid)
	if err != nil {
		return 0, 0, err
	}
	for _, p := range below {
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

// descendants are the processes below pid, not pid itself.
func descendants(pid int) ([]int, error) {
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
	var below []int
	for next := children[pid]; len(next) > 0; {
		below = append(below, next...)
		var deeper []int
		for _, p := range next {
			deeper = append(deeper, children[p]...)
		}
		next = deeper
	}
	return below, nil
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

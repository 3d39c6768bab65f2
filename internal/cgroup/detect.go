package cgroup

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ErrNoControllers is returned when this host does not offer the controllers memory, cpu and pids.
var ErrNoControllers = errors.New("no usable cgroup controllers")

// Hierarchy says where this host's controllers are.
type Hierarchy struct {
	Version int // 1 or 2
	// Memory, CPU, CPUAcct and Pids are the mount points of the controllers; all the same directory with version 2.
	// CPUAcct may be CPU.
	Memory, CPU, CPUAcct, Pids string
}

// Detect finds the controllers of this host. Version 1 wins on hosts that have both, because a controller can only be
// in one of them and the hybrid set-ups in use leave these in version 1. It returns ErrNoControllers if one is missing.
func Detect() (Hierarchy, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return Hierarchy{}, fmt.Errorf("find cgroups: %w", err)
	}
	defer func() { _ = f.Close() }()
	return detect(f)
}

// detect reads the format of proc(5), "mountinfo".
func detect(mountinfo io.Reader) (Hierarchy, error) {
	v1 := map[string]string{}
	unified := ""
	lines := bufio.NewScanner(mountinfo)
	for lines.Scan() {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if !ok || len(left) < 5 || len(right) < 3 {
			continue
		}
		switch dir := left[4]; right[0] {
		case "cgroup2":
			if unified == "" || dir == "/sys/fs/cgroup" {
				unified = dir
			}
		case "cgroup":
			for opt := range strings.SplitSeq(right[2], ",") {
				if v1[opt] == "" {
					v1[opt] = dir
				}
			}
		}
	}
	if err := lines.Err(); err != nil {
		return Hierarchy{}, fmt.Errorf("find cgroups: %w", err)
	}
	if v1["memory"] != "" && v1["cpu"] != "" && v1["pids"] != "" {
		h := Hierarchy{Version: 1, Memory: v1["memory"], CPU: v1["cpu"], CPUAcct: v1["cpuacct"], Pids: v1["pids"]}
		if h.CPUAcct == "" {
			h.CPUAcct = h.CPU
		}
		return h, nil
	}
	if unified == "" {
		return Hierarchy{}, fmt.Errorf("%w: neither version 1 nor version 2 is mounted", ErrNoControllers)
	}
	offered, err := os.ReadFile(filepath.Join(unified, "cgroup.controllers"))
	if err != nil {
		return Hierarchy{}, fmt.Errorf("find cgroups: %w", err)
	}
	for _, c := range v2Controllers {
		if !slices.Contains(strings.Fields(string(offered)), c) {
			return Hierarchy{}, fmt.Errorf("%w: %s lacks %s", ErrNoControllers, unified, c)
		}
	}
	return Hierarchy{Version: 2, Memory: unified, CPU: unified, CPUAcct: unified, Pids: unified}, nil
}

package gvisor

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// family returns pid and its living descendants.
func family(pid int) []int {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children(all[i])...)
	}
	return all
}

// children returns the living children of pid. Every thread has its own list.
func children(pid int) []int {
	tasks := fmt.Sprintf("/proc/%d/task", pid)
	tids, err := os.ReadDir(tasks)
	if err != nil {
		return nil // it ended
	}
	var pids []int
	for _, tid := range tids {
		b, err := os.ReadFile(filepath.Join(tasks, tid.Name(), "children"))
		if err != nil {
			continue
		}
		for _, f := range strings.Fields(string(b)) {
			if child, err := strconv.Atoi(f); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// sentryName is what gVisor calls a sentry in its argument vector.
const sentryName = "runsc-sandbox"

// threadsOf adds to switches how often each thread of process pid was switched to or from, and reports whether all of
// them sleep or have ended. It stops at the first that does not.
func threadsOf(pid int, switches map[int]uint64) (asleep bool, err error) {
	tasks := fmt.Sprintf("/proc/%d/task", pid)
	tids, err := os.ReadDir(tasks)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return true, nil // it ended
	}
	if err != nil {
		return false, err
	}
	for _, name := range tids {
		status, err := os.ReadFile(filepath.Join(tasks, name.Name(), "status"))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			return false, err
		}
		tid, err := strconv.Atoi(name.Name())
		if err != nil {
			return false, err
		}
		state, n, err := parseStatus(status)
		if err != nil {
			return false, fmt.Errorf("%s/%d/status: %w", tasks, tid, err)
		}
		switch state {
		case 'Z', 'X': // ended
		case 'S', 'T', 't', 'I': // asleep in a system call, or stopped by the sentry, its tracer
			switches[tid] = n
		default: // running, ready to run, or about to be after I/O
			return false, nil
		}
	}
	return true, nil
}

// parseStatus reads a thread's state and its number of context switches from its status file. Source: proc(5).
func parseStatus(b []byte) (state byte, switches uint64, err error) {
	found := 0
	for line := range bytes.Lines(b) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch string(name) {
		case "State":
			if len(value) > 0 {
				state = value[0]
				found++
			}
		case "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches":
			n, err := strconv.ParseUint(string(value), 10, 64)
			if err != nil {
				return 0, 0, err
			}
			switches += n
			found++
		}
	}
	if found != 3 {
		return 0, 0, errors.New("state or context switches are missing")
	}
	return state, switches, nil
}

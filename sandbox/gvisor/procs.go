package gvisor

import (
	"bytes"
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

// sentryID returns the id of the sandbox whose sentry pid is, or "". The sandbox's id is the last argument.
func sentryID(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return ""
	}
	args := bytes.Split(bytes.TrimRight(b, "\x00"), []byte{0})
	if len(args) < 3 || !bytes.HasPrefix(args[0], []byte(sentryName)) {
		return ""
	}
	return string(args[len(args)-1])
}

// killSentryOf kills the sentry that a child of this process is becoming for sandbox id.
func killSentryOf(id string) error {
	for _, pid := range children(os.Getpid()) {
		if sentryID(pid) != id {
			continue
		}
		// It is our child and not reaped, so the number is still its own.
		if err := unix.Kill(pid, unix.SIGKILL); err != nil {
			return err
		}
	}
	return nil
}

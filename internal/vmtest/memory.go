package vmtest

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Memory is what the machine of a sandbox takes of the host's memory, in MiB.
type Memory struct {
	// Share is its proportional share of all that its monitor has mapped.
	Share float64
	// Own is what nobody else has: Guest, Translated, and the monitor's own.
	Own float64
	// Guest is what of the guest's memory is no longer as in the file that machines share; Translated is guests' code that
	// an emulator has translated.
	Guest, Translated float64
	// Charged is what its cgroup is charged for and the kernel could not drop, the kernel's own tables included.
	Charged float64
}

// MemoryOf reads what the machine of sandbox id takes, one of this process's.
func MemoryOf(t testing.TB, id string) Memory {
	t.Helper()
	proc := monitorOf(t, id)
	m := Memory{Charged: charged(t, proc)}
	f, err := os.Open(filepath.Join(proc, "smaps"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var head string // of the mapping that the lines are about
	for lines := bufio.NewScanner(f); lines.Scan(); {
		w := strings.Fields(lines.Text())
		if len(w) != 3 || w[2] != "kB" {
			if !strings.HasSuffix(w[0], ":") {
				head = lines.Text()
			}
			continue
		}
		mib := number(t, w[1]) / 1024
		switch w[0] {
		case "Pss:":
			m.Share += mib
		case "Anonymous:":
			m.Own += mib
			switch f := strings.Fields(head); {
			case strings.Contains(head, "/memfd:"):
				m.Guest += mib
			case strings.Contains(f[1], "x") && len(f) == 5: // code that comes from no file
				m.Translated += mib
			}
		}
	}
	return m
}

// monitorOf returns the directory in /proc of the monitor of sandbox id.
func monitorOf(t testing.TB, id string) string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	ours := fmt.Sprintf("\nPPid:\t%d\n", os.Getpid())
	for _, proc := range all {
		b, err := os.ReadFile(filepath.Join(proc, "cmdline")) // it may end meanwhile
		if err != nil || !strings.Contains(string(b), "\x00thaw-"+id+"\x00") {
			continue
		}
		if status, err := os.ReadFile(filepath.Join(proc, "status")); err == nil && strings.Contains(string(status), ours) {
			return proc
		}
	}
	t.Fatalf("sandbox %s has no monitor", id)
	return ""
}

// charged reads the account of a process's cgroup.
func charged(t testing.TB, proc string) float64 {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(proc, "cgroup"))
	if err != nil {
		t.Fatal(err)
	}
	dir, usage, files := "", "memory.current", "file"
	for line := range strings.Lines(string(b)) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch controller, path, _ := strings.Cut(rest, ":"); {
		case controller == "memory":
			dir, usage, files = "/sys/fs/cgroup/memory"+path, "memory.usage_in_bytes", "cache"
		case controller == "" && dir == "":
			dir = "/sys/fs/cgroup" + path
		}
	}
	total, err := os.ReadFile(filepath.Join(dir, usage))
	if err != nil {
		t.Fatal(err)
	}
	stat, err := os.ReadFile(filepath.Join(dir, "memory.stat"))
	if err != nil {
		t.Fatal(err)
	}
	bytes := number(t, strings.TrimSpace(string(total)))
	for line := range strings.Lines(string(stat)) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), " "); name {
		case files:
			bytes -= number(t, value)
		case "shmem": // is among the files, and stays
			bytes += number(t, value)
		}
	}
	return bytes / (1 << 20)
}

func number(t testing.TB, text string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

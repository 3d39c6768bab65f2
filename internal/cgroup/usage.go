package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage is what a group uses and has used.
type Usage struct {
	// MemoryBytes is in use now, without file contents the kernel could drop.
	MemoryBytes int64
	// PeakMemoryBytes was in use at most, with such file contents: the kernel does not keep it apart. On version 2
	// kernels before 5.19, which keep no peak, it is what is in use now.
	PeakMemoryBytes int64
	CPU             time.Duration
	OOMKills        int
	Pids            int // processes and threads now
}

// Usage reads what the group uses.
func (g *Group) Usage() (Usage, error) {
	read := g.usageV1
	if g.version == 2 {
		read = g.usageV2
	}
	u, err := read()
	if err != nil {
		return Usage{}, fmt.Errorf("read cgroup usage: %w", err)
	}
	return u, nil
}

func (g *Group) usageV1() (Usage, error) {
	var r reader
	stat := r.table(g.memory, "memory.stat")
	u := Usage{
		// Shared memory is counted as cache, and cannot be dropped.
		MemoryBytes:     max(0, r.number(g.memory, "memory.usage_in_bytes")-max(0, stat["cache"]-stat["shmem"])),
		PeakMemoryBytes: r.number(g.memory, "memory.max_usage_in_bytes"),
		CPU:             time.Duration(r.number(g.cpuacct, "cpuacct.usage")), // nanoseconds
		OOMKills:        int(r.table(g.memory, "memory.oom_control")["oom_kill"]),
		Pids:            int(r.number(g.pids, "pids.current")),
	}
	return u, r.err
}

func (g *Group) usageV2() (Usage, error) {
	var r reader
	stat := r.table(g.memory, "memory.stat")
	u := Usage{
		MemoryBytes: max(0, r.number(g.memory, "memory.current")-max(0, stat["file"]-stat["shmem"])),
		CPU:         time.Duration(r.table(g.cpu, "cpu.stat")["usage_usec"]) * time.Microsecond,
		OOMKills:    int(r.table(g.memory, "memory.events")["oom_kill"]),
		Pids:        int(r.number(g.pids, "pids.current")),
	}
	u.PeakMemoryBytes = u.MemoryBytes
	if r.err == nil {
		switch peak := r.number(g.memory, "memory.peak"); {
		case r.err == nil:
			u.PeakMemoryBytes = peak
		case errors.Is(r.err, fs.ErrNotExist):
			r.err = nil
		}
	}
	return u, r.err
}

// reader reads control files and keeps the first error.
type reader struct{ err error }

func (r *reader) file(dir, name string) string {
	if r.err != nil {
		return ""
	}
	var b []byte
	b, r.err = os.ReadFile(filepath.Join(dir, name))
	return string(b)
}

func (r *reader) number(dir, name string) int64 {
	s := strings.TrimSpace(r.file(dir, name))
	if r.err != nil {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		r.err = fmt.Errorf("%s: %w", name, err)
	}
	return n
}

// table reads lines of "name number".
func (r *reader) table(dir, name string) map[string]int64 {
	t := map[string]int64{}
	for line := range strings.Lines(r.file(dir, name)) {
		if f := strings.Fields(line); len(f) == 2 {
			if n, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				t[f[0]] = n
			}
		}
	}
	return t
}

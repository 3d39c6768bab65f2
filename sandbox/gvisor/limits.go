package gvisor

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/cgroup"
	"thaw.dev/thaw/sandbox"
)

// overheadBytes is what a sandbox's memory limit gets on top of the tenant's, and what Stats subtracts: the sentry's own
// heap, stacks and page tables and those of the stubs.
const overheadBytes = 24 << 20

// removeCgroupPatience is how long the kernel may take to notice that a cgroup's processes are gone.
const removeCgroupPatience = 5 * time.Second

// Limit replaces the limits.
func (s *Sandbox) Limit(l sandbox.Limits) error {
	c := cgroup.Limits{CPUMillis: l.CPUMillis, Pids: l.Pids}
	if l.MemoryBytes > 0 {
		c.MemoryBytes = l.MemoryBytes + overheadBytes
	}
	if err := s.group.Set(c); err != nil {
		return fmt.Errorf("limit sandbox %s: %w", s.id, err)
	}
	return nil
}

// Stats reads the use of resources.
func (s *Sandbox) Stats() (sandbox.Stats, error) {
	u, err := s.group.Usage()
	if err != nil {
		return sandbox.Stats{}, fmt.Errorf("stats of sandbox %s: %w", s.id, err)
	}
	return sandbox.Stats{
		MemoryBytes:     max(0, u.MemoryBytes-overheadBytes),
		PeakMemoryBytes: max(0, u.PeakMemoryBytes-overheadBytes),
		CPU:             u.CPU,
		OOMKills:        u.OOMKills,
	}, nil
}

// confine moves all processes of the sandbox into its cgroup: first the sentry, so that what it forks from then on is
// inside already, then what it had forked before. It ends when a look finds nobody new.
func (s *Sandbox) confine() error {
	seen, err := s.group.Pids() // does not list processes that ended and wait to be reaped, as family does
	if err != nil {
		return err
	}
	for {
		outside := slices.DeleteFunc(family(s.sentry.pid), func(pid int) bool { return slices.Contains(seen, pid) })
		if len(outside) == 0 {
			return nil
		}
		for _, pid := range outside {
			err := s.group.Add(pid)
			if err == nil && pid != s.sentry.pid {
				err = s.preferForOOM(pid)
			}
			if err != nil && !errors.Is(err, unix.ESRCH) && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
		seen = append(seen, outside...)
	}
}

// preferForOOM makes the stub process pid one to be killed when memory runs out, rather than the sentry: a killed stub is
// a guest process killed, a killed sentry the end of the sandbox. Stubs inherit this from the stub that forked them.
// For a guest process of its own that is the first stub, which is there since boot; for the threads of a guest process
// it is one of its own. So what else exists before a tenant runs is PID 1, which is spared while there is another.
func (s *Sandbox) preferForOOM(pid int) error {
	score := "500"
	if slices.Contains(s.firstStubs, pid) {
		score = "1000"
	}
	return os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte(score), 0)
}

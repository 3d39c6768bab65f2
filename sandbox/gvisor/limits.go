package gvisor

import (
	"errors"
	"fmt"
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
			if err := s.group.Add(pid); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
		}
		seen = append(seen, outside...)
	}
}

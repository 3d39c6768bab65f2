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

// A sandbox's cgroup is charged for the tenant's memory and for what the sentry and the stubs take since Create: what the
// sentry took to boot is charged to this daemon's group, because the kernel does not move charges along with a process.
//
// idleBytes is that with a guest that does nothing: 2.2 to 2.5 MiB measured (BenchmarkToHello, "charged-MiB"). Stats
// subtracts it. overheadBytes is what the limit gets on top of the tenant's: with some thirty guest processes and a
// busy file system 29 MiB were measured, 10 of them the sentry's heap and the rest page tables and stacks of stubs.
// So a tenant with few processes has a little more than it asked for, and one with very many a little less.
const (
	idleBytes     = 3 << 20
	overheadBytes = 24 << 20
)

// removeCgroupPatience is how long the kernel may take to notice that a cgroup's processes are gone.
const removeCgroupPatience = 5 * time.Second

// Limit replaces the limits.
func (s *Sandbox) Limit(l sandbox.Limits) error {
	c := cgroup.Limits{CPUMillis: l.CPUMillis, Pids: l.Pids, Background: l.Background}
	if l.MemoryBytes > 0 {
		c.MemoryBytes = l.MemoryBytes + overheadBytes
	}
	if err := s.group.Set(c); err != nil {
		return fmt.Errorf("limit sandbox %s: %w", s.id, err)
	}
	s.memoryBytes.Store(l.MemoryBytes)
	return nil
}

// Stats reads the use of resources.
func (s *Sandbox) Stats() (sandbox.Stats, error) {
	u, err := s.group.Usage()
	if err != nil {
		return sandbox.Stats{}, fmt.Errorf("stats of sandbox %s: %w", s.id, err)
	}
	return sandbox.Stats{
		MemoryBytes:     s.tenants(u.MemoryBytes),
		PeakMemoryBytes: s.tenants(u.PeakMemoryBytes),
		CPU:             u.CPU,
		OOMKills:        u.OOMKills,
	}, nil
}

// tenants returns the tenant's part of what the cgroup is charged for.
func (s *Sandbox) tenants(charged int64) int64 {
	n := max(0, charged-idleBytes)
	if limit := s.memoryBytes.Load(); limit > 0 {
		n = min(n, limit) // beyond is overhead by definition
	}
	return n
}

// confine moves all processes of the sandbox into its cgroup: first the sentry, so that what it forks from then on is
// inside already, then what it had forked before. It ends when a look finds nobody new.
func (s *Sandbox) confine() error {
	seen, err := s.group.Pids() // does not list processes that ended and wait to be reaped, as family does
	if err != nil {
		return err
	}
	for {
		outside := slices.DeleteFunc(family(s.sentry.PID()), func(pid int) bool { return slices.Contains(seen, pid) })
		if len(outside) == 0 {
			return nil
		}
		for _, pid := range outside {
			err := s.group.Add(pid)
			if err == nil && pid != s.sentry.PID() {
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

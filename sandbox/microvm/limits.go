package microvm

import (
	"context"
	"fmt"
	"sync"
	"time"

	"thaw.dev/thaw/internal/cgroup"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm/guest"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// A tenant's memory is limited twice. Inside, the guest's kernel limits what the tenant's processes and the files they
// read take, and kills at that limit; it can be changed at any time. Outside, the machine's cgroup limits the monitor to
// the guest's whole memory twice and monitorBytes, whatever the tenant's limit: which of the guest's pages the host has to
// back depends on which its kernel has ever touched, not on how many are in use, and a guest that does nothing wrong must
// never be killed for that. So one that breaks its kernel gets what its machine has, and no more.
//
// Twice, because the memory is a private mapping of a file in memory, most of which is holes: whoever writes to a hole first
// has the kernel fill it, for all machines that share the file, and then copy it, and is charged for both. A machine with
// 512 MB of which 340 were in use was charged for 895 MiB, 415 of which were the file's.
//
// CPU time is limited outside only, processes inside only: outside there are the monitor's threads.
const (
	// monitorBytes is what a monitor may take besides the guest's memory. Measured are 26 MiB of its own and, under
	// emulation, up to 64 of translated code; the kernel's tables take 3 MiB for 500 of guest memory, which makes 60 for the
	// largest guests; the rest is for what up to 64 threads for drives have in hand.
	monitorBytes = 256 << 20

	// overheadBytes is what a machine takes of the host's memory beyond its tenant's limit: the pages of the guest's kernel
	// that are no longer the template's, and the monitor. Measured under emulation (BenchmarkMachineMemory of
	// test/functions, with Python): a machine that was started is charged for 111 to 116 MiB, which grow to 122 in 100
	// invocations, whatever its memory; 22 are the tenant's. 46 are translated code, which may become 64. One that was
	// restored takes 40 to 44. What is filled of a shared file's holes is not in it: there is one file, not one for each
	// machine.
	overheadBytes = 112 << 20

	// idleBytes is what a cgroup is charged for a machine whose guest does nothing; Stats subtracts it. BenchmarkClones
	// measures it: "charged-MiB/clone", 24.0 under emulation.
	idleBytes = 24 << 20

	// monitorPids bounds a monitor's threads: virtual CPUs, and up to 64 for drives.
	monitorPids = 128

	// limitPatience bounds how long a guest may take to change its limits.
	limitPatience = 10 * time.Second

	// statsPatience bounds how long Stats waits for a guest, which may have no CPU time or be in bad hands. What it said
	// the last time serves then.
	statsPatience = 100 * time.Millisecond
)

// hostLimits are a machine's cgroup's.
func hostLimits(shape vmm.Shape, cpuMillis int, background bool) cgroup.Limits {
	return cgroup.Limits{
		MemoryBytes: 2*shape.MemoryBytes + monitorBytes, CPUMillis: cpuMillis, Pids: monitorPids, Background: background,
	}
}

// Limit replaces the limits.
func (s *Sandbox) Limit(l sandbox.Limits) error {
	ctx, cancel := context.WithTimeout(context.Background(), limitPatience)
	defer cancel()
	return s.step(ctx, "limit", func(ctx context.Context) error {
		before := s.limits.Load()
		if err := s.limit(l); err != nil {
			return err
		}
		if !s.alive || !s.stale && before.MemoryBytes == l.MemoryBytes && before.Pids == l.Pids {
			return nil
		}
		if s.frozen != nil {
			s.stale = true // Resume tells the guest
			return nil
		}
		return s.tellLimits(ctx)
	})
}

// limit sets what is limited outside, and remembers the rest.
func (s *Sandbox) limit(l sandbox.Limits) error {
	if most := s.spec.MostMemoryBytes(); l.MemoryBytes > most {
		return fmt.Errorf("%w: memory limit %d above the most it may be, %d", sandbox.ErrSpec, l.MemoryBytes, most)
	}
	if err := s.group.Set(hostLimits(s.shape, l.CPUMillis, l.Background)); err != nil {
		return err
	}
	s.limits.Store(&l)
	return nil
}

// tellLimits sets what is limited inside.
func (s *Sandbox) tellLimits(ctx context.Context) error {
	if err := s.conn.Limit(ctx, s.refresh().Limits); err != nil {
		return s.withLastWords(err)
	}
	s.stale = false
	return nil
}

// lastStats is what a guest said of itself the last time it was asked.
type lastStats struct {
	mu   sync.Mutex
	told bool
	of   guest.Stats
}

// Stats reads the use of resources. What is in use now is the host's account, because that is what the host has less of.
// The peak is the guest's own: the host cannot tell what a clone uses of the memory it shares with others. It is for the
// tenant's information; a guest that lies fools only itself.
func (s *Sandbox) Stats() (sandbox.Stats, error) {
	u, err := s.group.Usage()
	if err != nil {
		return sandbox.Stats{}, fmt.Errorf("stats of sandbox %s: %w", s.id, err)
	}
	stats := sandbox.Stats{
		MemoryBytes: s.tenants(u.MemoryBytes), PeakMemoryBytes: s.tenants(u.PeakMemoryBytes),
		CPU: u.CPU, OOMKills: u.OOMKills,
	}
	if g, told := s.askStats(); told {
		stats.PeakMemoryBytes = s.atMost(g.PeakMemoryBytes)
	}
	stats.OOMKills += s.conn.OOMKills()
	return stats, nil
}

// askStats asks the guest, if it can answer, and returns what it says or what it said last.
func (s *Sandbox) askStats() (guest.Stats, bool) {
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	s.mu.Lock()
	running := s.running
	s.mu.Unlock()
	if running {
		ctx, cancel := context.WithTimeout(s.life, statsPatience)
		defer cancel()
		if g, err := s.conn.Stats(ctx); err == nil {
			s.stats.of, s.stats.told = g, true
		}
	}
	return s.stats.of, s.stats.told
}

// tenants returns the tenant's part of what the cgroup is charged for.
func (s *Sandbox) tenants(charged int64) int64 { return s.atMost(max(0, charged-idleBytes)) }

// atMost is n bytes, of which those beyond the tenant's limit are overhead by definition.
func (s *Sandbox) atMost(n int64) int64 {
	most := s.limits.Load().MemoryBytes
	if most == 0 {
		most = s.spec.MostMemoryBytes()
	}
	return min(n, most)
}

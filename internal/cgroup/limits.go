package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
)

// Limits bound a group. Zero members mean "no limit".
type Limits struct {
	MemoryBytes int64
	CPUMillis   int // thousandths of one CPU
	Pids        int // processes and threads
	// Background gives the group CPU time only when no other group wants it. Kernels before 5.15 cannot: there it gets
	// the lowest weight.
	Background bool
}

// The kernel enforces a CPU quota per period. A longer period lets a small function answer more short requests without
// a stall: at 20 ms, one of 128 MB stood still after four, because its share of a period was 1.4 ms. It stalls one that
// computes for longer. A quota below one millisecond is refused (kernel documentation, "CFS Bandwidth Control").
const (
	cpuPeriodMicros   = 100_000
	cpuMinQuotaMicros = 1_000
	cpuMaxMillis      = 1_000_000
)

// quota returns the microseconds of CPU time per period for millis thousandths of a CPU.
func quota(millis int) (quotaMicros, periodMicros int) {
	millis = min(millis, cpuMaxMillis)
	quotaMicros = millis * cpuPeriodMicros / 1000
	if quotaMicros >= cpuMinQuotaMicros {
		return quotaMicros, cpuPeriodMicros
	}
	// The longest period the kernel takes is one second: less than a thousandth of a CPU cannot be asked for.
	return cpuMinQuotaMicros, cpuMinQuotaMicros * 1000 / millis
}

// Set replaces the group's limits. A memory limit below what is in use may fail with an error that matches
// syscall.EBUSY, or make the kernel kill processes at once.
func (g *Group) Set(l Limits) error {
	set := g.setV1
	if g.version == 2 {
		set = g.setV2
	}
	if err := set(l); err != nil {
		return fmt.Errorf("set cgroup limits: %w", err)
	}
	return nil
}

// minShares is the least weight version 1 has. Source: kernel, MIN_SHARES.
const minShares = 2

func (g *Group) setV1(l Limits) error {
	if err := g.setMemoryV1(l.MemoryBytes); err != nil {
		return err
	}
	quotaMicros, period, shares := -1, cpuPeriodMicros, 1024
	if l.CPUMillis > 0 {
		quotaMicros, period = quota(l.CPUMillis)
		shares = max(minShares, l.CPUMillis*1024/1000) // 1024 shares are one CPU's worth
	}
	if l.Background {
		shares = minShares
	}
	if err := g.setIdle(false); err != nil { // an idle group's shares cannot be set
		return err
	}
	// Quota and period must fit together after each write: lift the quota first.
	for _, w := range [...]struct {
		file  string
		value int
	}{{"cpu.cfs_quota_us", -1}, {"cpu.cfs_period_us", period}, {"cpu.cfs_quota_us", quotaMicros}, {"cpu.shares", shares}} {
		err := write(g.cpu, w.file, strconv.Itoa(w.value))
		if err != nil {
			return err
		}
	}
	if l.Background {
		if err := g.setIdle(true); err != nil {
			return err
		}
	}
	return write(g.pids, "pids.max", orMax(l.Pids))
}

// setIdle makes the group one that runs only when no other wants to, where the kernel knows that.
func (g *Group) setIdle(idle bool) error {
	value := "0"
	if idle {
		value = "1"
	}
	if err := write(g.cpu, "cpu.idle", value); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// setMemoryV1 sets the limit of memory and, where the kernel accounts for swap, of both together to the same value.
// The second may never be the smaller one: whether it has to be written first depends on the direction.
func (g *Group) setMemoryV1(limit int64) error {
	value := "-1"
	if limit > 0 {
		value = strconv.FormatInt(limit, 10)
	}
	const memory, both = "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"
	bothErr := write(g.memory, both, value)
	if err := write(g.memory, memory, value); err != nil {
		return err
	}
	if errors.Is(bothErr, fs.ErrNotExist) {
		return nil // no swap accounting
	}
	if bothErr != nil {
		bothErr = write(g.memory, both, value)
	}
	return bothErr
}

func (g *Group) setV2(l Limits) error {
	limit, cpu, weight := "max", "max "+strconv.Itoa(cpuPeriodMicros), 100
	if l.MemoryBytes > 0 {
		limit = strconv.FormatInt(l.MemoryBytes, 10)
	}
	if l.CPUMillis > 0 {
		quotaMicros, period := quota(l.CPUMillis)
		cpu = fmt.Sprintf("%d %d", quotaMicros, period)
		weight = min(max(1, l.CPUMillis/10), 10_000) // 100 are one CPU's worth
	}
	if l.Background {
		weight = 1
	}
	if err := write(g.memory, "memory.max", limit); err != nil {
		return err
	}
	if err := write(g.memory, "memory.swap.max", "0"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := write(g.cpu, "cpu.max", cpu); err != nil {
		return err
	}
	if err := g.setIdle(false); err != nil { // an idle group's weight cannot be set
		return err
	}
	if err := write(g.cpu, "cpu.weight", strconv.Itoa(weight)); err != nil {
		return err
	}
	if l.Background {
		if err := g.setIdle(true); err != nil {
			return err
		}
	}
	return write(g.pids, "pids.max", orMax(l.Pids))
}

func orMax(n int) string {
	if n <= 0 {
		return "max"
	}
	return strconv.Itoa(n)
}

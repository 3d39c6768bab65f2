package gvisor_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/sandboxtest"
)

// The three benchmarks run the same life, from Create to Destroy, and time one part of it each. They report medians:
// one run that others disturb must not move the number.
func BenchmarkCreate(b *testing.B)  { benchmarkLife(b, "create") }
func BenchmarkStart(b *testing.B)   { benchmarkLife(b, "start") }
func BenchmarkDestroy(b *testing.B) { benchmarkLife(b, "destroy") }

// BenchmarkToHello is everything between nothing and the guest's first word.
func BenchmarkToHello(b *testing.B) { benchmarkLife(b, "hello") }

func benchmarkLife(b *testing.B, part string) {
	e := sandbox.Guard(newEngine(b))
	defer func() {
		if err := e.Close(); err != nil {
			b.Error(err)
		}
	}()
	root := sandboxtest.RootImage(b)
	var times []time.Duration
	var pss, used []float64
	for i := 0; b.Loop(); i++ {
		var at [4]time.Time
		at[0] = time.Now()
		s, err := e.Create(b.Context(), sandbox.Spec{
			ID: fmt.Sprintf("box-%d", i), Root: root, Args: []string{sandboxtest.GuestPath},
			Limits: sandbox.Limits{MemoryBytes: 512 << 20},
		})
		if err != nil {
			b.Fatal(err)
		}
		at[1] = time.Now()
		if err := s.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		at[2] = time.Now()
		sandboxtest.Meet(b, s).Echo()
		at[3] = time.Now()
		pss = append(pss, familyPSS(b, s.ID()))
		used = append(used, groupUsage(b, s.ID()))
		before := time.Now()
		if err := s.Destroy(); err != nil {
			b.Fatal(err)
		}
		times = append(times, map[string]time.Duration{
			"create": at[1].Sub(at[0]), "start": at[2].Sub(at[1]), "hello": at[3].Sub(at[0]), "destroy": time.Since(before),
		}[part])
	}
	slices.Sort(times)
	slices.Sort(pss)
	slices.Sort(used)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(pss[len(pss)/2], "pss-MiB")
	b.ReportMetric(used[len(used)/2], "charged-MiB")
}

// familyPSS returns the proportional set size of a sentry and its stubs in MiB.
func familyPSS(b *testing.B, id string) float64 {
	b.Helper()
	var kib float64
	for _, s := range sentries(b) {
		if s.id != id {
			continue
		}
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", s.pid))
		pids := []string{strconv.Itoa(s.pid)}
		for _, list := range lists {
			c, _ := os.ReadFile(list)
			pids = append(pids, strings.Fields(string(c))...)
		}
		for _, pid := range pids {
			c, _ := os.ReadFile("/proc/" + pid + "/smaps_rollup")
			if _, after, ok := strings.Cut(string(c), "\nPss:"); ok {
				n, err := strconv.ParseFloat(strings.Fields(after)[0], 64)
				if err != nil {
					b.Fatal(err)
				}
				kib += n
			}
		}
	}
	return kib / 1024
}

// groupUsage returns what a sandbox's cgroup is charged for, in MiB; 0 where it cannot be read.
func groupUsage(b *testing.B, id string) float64 {
	b.Helper()
	for _, path := range []string{
		fmt.Sprintf("/sys/fs/cgroup/memory/thaw-test-%d/%s/memory.usage_in_bytes", os.Getpid(), id),
		fmt.Sprintf("/sys/fs/cgroup/thaw-test-%d/%s/memory.current", os.Getpid(), id),
	} {
		if c, err := os.ReadFile(path); err == nil {
			n, err := strconv.ParseFloat(strings.TrimSpace(string(c)), 64)
			if err != nil {
				b.Fatal(err)
			}
			return n / (1 << 20)
		}
	}
	return 0
}

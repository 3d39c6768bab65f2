package microvm_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/internal/vmtest"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm"
	"thaw.dev/thaw/sandbox/sandboxtest"
)

// The benchmarks run real machines: go test -bench . -benchtime 10x -run xxx ./sandbox/microvm

// snapshotOf starts a guest and returns a snapshot of it, taken after meet.
func snapshotOf(b *testing.B, e sandbox.Engine, sp sandbox.Spec, meet func(sandbox.Sandbox)) string {
	b.Helper()
	original := started(b, e, sp)
	meet(original)
	dir := b.TempDir()
	if err := original.Checkpoint(b.Context(), dir); err != nil {
		b.Fatal(err)
	}
	if err := original.Destroy(); err != nil {
		b.Fatal(err)
	}
	return dir
}

func benchEngine(b *testing.B) (*microvm.Engine, sandbox.Spec) {
	b.Helper()
	e := newEngine(b, func(o *microvm.Options) { o.IdleBytes = 0 })
	b.Cleanup(func() {
		if err := e.Close(); err != nil {
			b.Error(err)
		}
	})
	sp := spec(sandboxtest.RootImage(b))
	sp.Args = []string{sandboxtest.GuestPath}
	return e, sp
}

// BenchmarkRestore is the time from a waiting monitor to the answer of the agent in it, "p50-ms", with and without
// Spec.From, and the CPU time that monitor and guest take for it, until Create has returned and from then on.
func BenchmarkRestore(b *testing.B) {
	e, sp := benchEngine(b)
	sp.Root, sp.Args = sandboxtest.AgentImage(b), []string{sandboxtest.AgentPath}
	dir := snapshotOf(b, e, sp, func(s sandbox.Sandbox) {
		session, err := link.Open(b.Context(), s.Link().Control, s.Link().Data)
		if err != nil {
			b.Fatal(err)
		}
		session.Close()
		reopen(b, s) // an agent that was of use has answered before
	})
	for _, from := range []string{dir, ""} {
		b.Run(fmt.Sprintf("expected=%t", from != ""), func(b *testing.B) {
			var took []time.Duration
			var waiting, running time.Duration
			for b.Loop() {
				b.StopTimer()
				sp.ID, sp.From = spec(sp.Root).ID, from
				s := create(b, e, sp)
				before := cpuOf(b, s)
				b.StartTimer()
				begin := time.Now()
				if err := s.Restore(b.Context(), dir); err != nil {
					b.Fatal(err)
				}
				reopen(b, s)
				took = append(took, time.Since(begin))
				b.StopTimer()
				waiting, running = waiting+before, running+cpuOf(b, s)-before
				if err := s.Destroy(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(waiting.Milliseconds())/float64(len(took)), "create-cpu-ms")
			b.ReportMetric(float64(running.Milliseconds())/float64(len(took)), "restore-cpu-ms")
		})
	}
}

// reopen returns when the agent has answered.
func reopen(b *testing.B, s sandbox.Sandbox) {
	b.Helper()
	if err := s.Link().Control.SetReadDeadline(time.Time{}); err != nil {
		b.Fatal(err)
	}
	session, err := link.Reopen(b.Context(), s.Link().Control, s.Link().Data, nil)
	if err != nil {
		b.Fatal(err)
	}
	session.Close()
}

func cpuOf(b *testing.B, s sandbox.Sandbox) time.Duration {
	b.Helper()
	stats, err := s.Stats()
	if err != nil {
		b.Fatal(err)
	}
	return stats.CPU
}

// BenchmarkStart is the time from a waiting monitor to the guest's hello, from the boot template.
func BenchmarkStart(b *testing.B) {
	e, sp := benchEngine(b)
	for b.Loop() {
		b.StopTimer()
		sp.ID = spec(sp.Root).ID
		s := create(b, e, sp)
		b.StartTimer()
		if err := s.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		sandboxtest.Meet(b, s)
		b.StopTimer()
		if err := s.Destroy(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkClones restores eight at once, all of which answer: what that takes, and what memory each takes that is not
// shared with the others, "own-MiB/clone", with its share of the rest, "pss-MiB/clone", and what its cgroup is charged for.
func BenchmarkClones(b *testing.B) {
	e, sp := benchEngine(b)
	dir := snapshotOf(b, e, sp, func(s sandbox.Sandbox) { sandboxtest.Meet(b, s).Echo() })
	for b.Loop() {
		var boxes []sandbox.Sandbox
		b.StopTimer()
		for range 8 {
			sp.ID, sp.From = spec(sp.Root).ID, dir
			boxes = append(boxes, create(b, e, sp))
		}
		b.StartTimer()
		var wg sync.WaitGroup
		for _, s := range boxes {
			wg.Go(func() {
				if err := s.Restore(b.Context(), dir); err != nil {
					b.Error(err)
					return
				}
				sandboxtest.Rejoin(b, s).Echo()
			})
		}
		wg.Wait()
		b.StopTimer()
		own, pss, charged := 0.0, 0.0, 0.0
		for _, s := range boxes {
			m := vmtest.MemoryOf(b, s.ID())
			own, pss, charged = own+m.Own/8, pss+m.Share/8, charged+m.Charged/8
			stats, err := s.Stats()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(stats.MemoryBytes)/(1<<20), "counted-MiB")
		}
		for _, s := range boxes { // now that all were there to share with
			if err := s.Destroy(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(own, "own-MiB/clone")
		b.ReportMetric(pss, "pss-MiB/clone")
		b.ReportMetric(charged, "charged-MiB/clone")
		b.StartTimer()
	}
}

// BenchmarkOwnTime is what this package itself does per restore: on a double, monitor and guest take no time.
func BenchmarkOwnTime(b *testing.B) {
	e, _ := onDouble(b, newDouble())
	root := rootImage(b)
	original := started(b, e, spec(root))
	dir := b.TempDir()
	if err := original.Checkpoint(b.Context(), dir); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		sp := spec(root)
		sp.From = dir
		s := create(b, e, sp)
		b.StartTimer()
		if err := s.Restore(b.Context(), dir); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := s.Destroy(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

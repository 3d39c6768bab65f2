package gvisor_test

import (
	"slices"
	"testing"
	"time"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/sandboxtest"
	"thaw.dev/thaw/sandbox/sandboxtest/guest/wire"
)

// BenchmarkFreeze pauses and resumes one sandbox with an exchange after each thaw: with -benchtime 10000x it is also the
// test that none is ever lost. "echo" is the exchange alone, for comparison.
func BenchmarkFreeze(b *testing.B) {
	for _, guest := range []string{"idle", wire.BurnLoop} {
		b.Run("guest="+guest, func(b *testing.B) {
			e := sandbox.Guard(newEngine(b))
			defer func() {
				if err := e.Close(); err != nil {
					b.Error(err)
				}
			}()
			s, err := e.Create(b.Context(), sandbox.Spec{
				ID: "box", Root: sandboxtest.RootImage(b), Args: []string{sandboxtest.GuestPath},
				Limits: sandbox.Limits{MemoryBytes: 512 << 20},
			})
			if err != nil {
				b.Fatal(err)
			}
			if err := s.Start(b.Context()); err != nil {
				b.Fatal(err)
			}
			g := sandboxtest.Meet(b, s)
			if guest != "idle" {
				g.Must(wire.Request{Op: wire.Start, UID: 1000, Args: []string{wire.TenantBurn, guest}})
			}
			times := map[string][]time.Duration{}
			timed := func(what string, f func() error) {
				began := time.Now()
				if err := f(); err != nil {
					b.Fatal(err)
				}
				times[what] = append(times[what], time.Since(began))
			}
			echo := func() error { g.Echo(); return nil }
			for b.Loop() {
				timed("echo", echo)
				timed("freeze", func() error { return s.Pause(b.Context()) })
				began := time.Now()
				timed("thaw", func() error { return s.Resume(b.Context()) })
				g.Echo()
				times["thaw+echo"] = append(times["thaw+echo"], time.Since(began))
			}
			for what, t := range times {
				slices.Sort(t)
				b.ReportMetric(float64(t[len(t)/2].Microseconds())/1000, what+"-p50-ms")
				b.ReportMetric(float64(t[len(t)*99/100].Microseconds())/1000, what+"-p99-ms")
			}
		})
	}
}

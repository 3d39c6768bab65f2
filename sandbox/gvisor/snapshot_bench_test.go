package gvisor_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/sandboxtest"
)

// rested is how long a sandbox waits before these benchmarks use it: by then the sentry has tidied up after booting, as
// it has in a pool.
const rested = 2500 * time.Millisecond

// BenchmarkRestore is from the call to the restored guest's first answer: into a sandbox that was waiting, and with the
// sandbox made for it. What Restore itself takes, and the CPU time that it costs, are reported beside.
func BenchmarkRestore(b *testing.B) {
	b.Run("slot=waiting", func(b *testing.B) { benchmarkRestore(b, rested) })
	b.Run("slot=none", func(b *testing.B) { benchmarkRestore(b, 0) })
}

func benchmarkRestore(b *testing.B, wait time.Duration) {
	e := sandbox.Guard(newEngine(b))
	defer func() {
		if err := e.Close(); err != nil {
			b.Error(err)
		}
	}()
	spec := sandbox.Spec{
		ID: "original", Root: sandboxtest.RootImage(b), Args: []string{sandboxtest.GuestPath},
		Mounts: []string{"/var/task", "/opt"}, Limits: sandbox.Limits{MemoryBytes: 512 << 20},
	}
	code := sandboxtest.CodeImage(b, map[string]string{"/app.py": "def handler(event, context): return event\n"})
	dir := b.TempDir()
	original := created(b, e, spec, code)
	if err := original.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	sandboxtest.Meet(b, original).Echo()
	began := time.Now()
	if err := original.Checkpoint(b.Context(), dir); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(time.Since(began).Microseconds())/1000, "checkpoint-ms")
	if err := original.Destroy(); err != nil {
		b.Fatal(err)
	}
	var whole, alone, cpu []time.Duration
	for i := 0; b.Loop(); i++ {
		spec.ID = fmt.Sprintf("box-%d", i)
		began := time.Now()
		s := created(b, e, spec, code)
		if wait > 0 {
			time.Sleep(wait) //nolint:forbidigo // the wait is what is to be measured after
			began = time.Now()
		}
		before, err := s.Stats()
		if err != nil {
			b.Fatal(err)
		}
		at := time.Now()
		if err := s.Restore(b.Context(), dir); err != nil {
			b.Fatal(err)
		}
		alone = append(alone, time.Since(at))
		sandboxtest.Rejoin(b, s).Echo()
		whole = append(whole, time.Since(began))
		after, err := s.Stats()
		if err != nil {
			b.Fatal(err)
		}
		cpu = append(cpu, after.CPU-before.CPU)
		if err := s.Destroy(); err != nil {
			b.Fatal(err)
		}
	}
	reportMillis(b, "p50-ms", whole, 50)
	reportMillis(b, "p99-ms", whole, 99)
	reportMillis(b, "restore-ms", alone, 50)
	reportMillis(b, "cpu-ms", cpu, 50)
	b.ReportMetric(float64(directoryBytes(b, dir))/1024, "snapshot-KiB")
}

// created makes a sandbox with code attached.
func created(b *testing.B, e sandbox.Engine, spec sandbox.Spec, code string) sandbox.Sandbox {
	b.Helper()
	s, err := e.Create(b.Context(), spec)
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Attach(b.Context(), code, "/var/task"); err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkAttach compares an image that is attached to a running sandbox with one that is copied into a waiting one.
func BenchmarkAttach(b *testing.B) {
	small := sandboxtest.CodeImage(b, map[string]string{"/app.py": "def handler(event, context): return event\n"})
	big := sandboxtest.CodeImage(b, map[string]string{"/model.bin": string(make([]byte, 50<<20))})
	root := sandboxtest.RootImage(b)
	for _, c := range []struct {
		name, image string
		hot         bool
	}{
		{"image=small/sandbox=running", small, true},
		{"image=small/sandbox=waiting", small, false},
		{"image=50MiB/sandbox=running", big, true},
		{"image=50MiB/sandbox=waiting", big, false},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := sandbox.Guard(newEngine(b))
			defer func() {
				if err := e.Close(); err != nil {
					b.Error(err)
				}
			}()
			var times []time.Duration
			for i := 0; b.Loop(); i++ {
				s, err := e.Create(b.Context(), sandbox.Spec{
					ID: fmt.Sprintf("box-%d", i), Root: root, Args: []string{sandboxtest.GuestPath}, Mounts: []string{"/var/task"},
				})
				if err != nil {
					b.Fatal(err)
				}
				if c.hot {
					if err := s.Start(b.Context()); err != nil {
						b.Fatal(err)
					}
					sandboxtest.Meet(b, s).Echo()
				}
				began := time.Now()
				if err := s.Attach(b.Context(), c.image, "/var/task"); err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(began))
				if err := s.Destroy(); err != nil {
					b.Fatal(err)
				}
			}
			reportMillis(b, "p50-ms", times, 50)
			reportMillis(b, "p99-ms", times, 99)
		})
	}
}

// reportMillis reports a percentile of times.
func reportMillis(b *testing.B, name string, times []time.Duration, percent int) {
	b.Helper()
	sorted := slices.Sorted(slices.Values(times))
	b.ReportMetric(float64(sorted[len(sorted)*percent/100].Microseconds())/1000, name)
}

func directoryBytes(b *testing.B, dir string) (n int64) {
	b.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, entry := range entries {
		st, err := os.Stat(filepath.Join(dir, entry.Name()))
		if err != nil {
			b.Fatal(err)
		}
		n += st.Size()
	}
	return n
}

package qemu_test

import (
	"fmt"
	"testing"
	"time"

	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// BenchmarkRestore measures what a restore costs besides what the guest does in it: how long each step takes, and what
// QEMU computes in it, which does not depend on how busy the host is.
func BenchmarkRestore(b *testing.B) {
	d := newDriver(b)
	r := newRig(b, "template", nil)
	vm, _ := boot(b, d, r)
	template := save(b, vm, r.ram)
	code := image(b, 'x', 8192)
	elapsed, computed := map[string]time.Duration{}, map[string]time.Duration{}
	for i := 0; b.Loop(); i++ {
		r := newRig(b, fmt.Sprintf("clone-%d", i), template.memory)
		var used time.Duration
		lap := func(step string, do func()) {
			start := time.Now()
			do()
			elapsed[step] += time.Since(start)
			now := running(b, vm)
			computed[step] += now - used
			used = now
		}
		lap("prepare", func() { vm = prepare(b, d, r) })
		lap("setdrive", func() { must(b, vm.SetDrive(within(b), 0, code)) })
		lap("load", func() { must(b, vm.Load(within(b), template.state)) })
		lap("stop", func() { must(b, vm.Stop(within(b))) })
		lap("continue", func() { must(b, vm.Continue(within(b))) })
		must(b, vm.Kill())
	}
	info, err := template.state.Stat()
	must(b, err)
	b.ReportMetric(float64(info.Size()), "state-bytes")
	for step := range elapsed {
		b.ReportMetric(float64(elapsed[step].Microseconds())/1000/float64(b.N), step+"-ms")
		b.ReportMetric(float64(computed[step].Microseconds())/1000/float64(b.N), step+"-cpu-ms")
	}
}

// running is how long all threads of a machine have run.
func running(t testing.TB, vm vmm.VM) (sum time.Duration) {
	t.Helper()
	for _, stat := range threads(t, vm, "schedstat") {
		var ns time.Duration
		if _, err := fmt.Sscan(stat, &ns); err != nil {
			t.Fatal(err)
		}
		sum += ns
	}
	return sum
}

package qemu_test

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkRestore measures what a restore costs besides what the guest does in it.
func BenchmarkRestore(b *testing.B) {
	d := newDriver(b)
	r := newRig(b, "template", nil)
	vm, _ := boot(b, d, r)
	template := save(b, vm, r.ram)
	code := image(b, 'x', 8192)
	var prepared, set, loaded, stopped, continued time.Duration
	for i := 0; b.Loop(); i++ {
		r := newRig(b, fmt.Sprintf("clone-%d", i), template.memory)
		lap := func(sum *time.Duration, do func()) {
			start := time.Now()
			do()
			*sum += time.Since(start)
		}
		lap(&prepared, func() { vm = prepare(b, d, r) })
		lap(&set, func() { must(b, vm.SetDrive(within(b), 0, code)) })
		lap(&loaded, func() { must(b, vm.Load(within(b), template.state)) })
		lap(&stopped, func() { must(b, vm.Stop(within(b))) })
		lap(&continued, func() { must(b, vm.Continue(within(b))) })
		must(b, vm.Kill())
	}
	info, err := template.state.Stat()
	must(b, err)
	b.ReportMetric(float64(info.Size()), "state-bytes")
	for name, sum := range map[string]time.Duration{"prepare": prepared, "setdrive": set, "load": loaded, "stop": stopped, "continue": continued} {
		b.ReportMetric(float64(sum.Microseconds())/1000/float64(b.N), name+"-ms")
	}
}

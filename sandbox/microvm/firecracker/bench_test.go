package firecracker_test

import (
	"testing"

	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// BenchmarkRestore measures the driver's part of a restore, and the double's, which has no guest to run: Prepare up to
// the point where Firecracker waits; Load with everything before the first answer; Kill.
func BenchmarkRestore(b *testing.B) {
	d := newDriver(b)
	shape := small
	shape.Network, shape.ScratchBytes = true, 64<<20
	s := boot(b, d, shape).save(shape)
	waiting := make([]*guest, 0, b.N)
	b.Run("step=prepare", func(b *testing.B) {
		for b.Loop() {
			waiting = append(waiting, prepare(b, d, s))
		}
		b.StopTimer()
		for _, g := range waiting {
			if err := g.vm.Kill(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("step=load", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			g := prepare(b, d, s)
			b.StartTimer()
			if err := g.vm.Load(within(b), s.state); err != nil {
				b.Fatal(err)
			}
			g.ask(vmm.PortControl, "count")
			b.StopTimer()
			if err := g.vm.Kill(); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	})
	b.Run("step=kill", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			g := load(b, d, s)
			b.StartTimer()
			if err := g.vm.Kill(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

package pool

import (
	"testing"
	"time"

	"thaw.dev/thaw/sandbox/fake"
)

func TestEmulatedMachinesMayTakeLonger(t *testing.T) {
	t.Parallel()
	for accelerator, want := range map[string]time.Duration{"": time.Second, "kvm": time.Second, "tcg": 5 * time.Second} {
		l := Launch{Engine: fake.New(fake.Options{Accelerator: accelerator})}
		if got := l.allow(time.Second); got != want {
			t.Errorf("%q may take %s", accelerator, got)
		}
	}
}

func TestMemoryClass(t *testing.T) {
	t.Parallel()
	for memory, want := range map[int]int{0: 512, 128: 512, 512: 512, 513: 1024, 1769: 2048, 2049: 4096, 4097: 10240, 10240: 10240} {
		if got := memoryClass(memory); got != want {
			t.Errorf("%d MB gets %d", memory, got)
		}
	}
}

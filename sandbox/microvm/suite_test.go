//go:build microvm

package microvm_test

import (
	"testing"

	"thaw.dev/thaw/sandbox/sandboxtest"
	"thaw.dev/thaw/sandbox/sandboxtest/guest/wire"
)

func TestConformance(t *testing.T) { testConformance(t) }

// TestGuestsMayUseTheirMemory: what the kernel takes twice, for the guest and for the file it shares, kills no monitor.
func TestGuestsMayUseTheirMemory(t *testing.T) {
	sp := spec(sandboxtest.RootImage(t))
	sp.Args, sp.Limits.MemoryBytes = []string{sandboxtest.GuestPath}, 512<<20
	s := started(t, newEngine(t), sp)
	g := sandboxtest.Meet(t, s)
	if got := g.Must(wire.Request{Op: wire.Run, Args: []string{wire.TenantAlloc, "460"}, UID: 1000}); got.N != 0 {
		t.Errorf("460 MiB under a limit of 512: %+v", got)
	}
	g.Echo()
}

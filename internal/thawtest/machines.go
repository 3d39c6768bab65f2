package thawtest

import (
	"testing"

	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/node"
	"thaw.dev/thaw/sandbox/microvm/guest"
)

// Machines completes a configuration of which a function's engine may be microvm. All tests share the kernel, which the
// first gets by apt-get, and what was booted of it. No slots wait: where machines are emulated each takes seconds of a CPU.
func Machines(t testing.TB, c *node.Config) {
	t.Helper()
	testenv.NeedsCommand(t, "qemu-system-x86_64")
	c.Helpers.Init, c.Helpers.Jail = helperbin.Init(t), helperbin.Jail(t)
	c.HotSlots, c.EmptySlots, c.VMM = 0, 0, "qemu"
	c.GuestDir = testenv.Cached(t, "guest", "debian-1", func(dir string) {
		if err := guest.Build(t.Context(), dir, guest.Source{}, func(step string) { t.Log(step) }); err != nil {
			t.Fatal(err)
		}
	})
}

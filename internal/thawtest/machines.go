package thawtest

import (
	"testing"

	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/internal/vmtest"
	"thaw.dev/thaw/node"
)

// noSlots is too little memory for a slot.
const noSlots = 1

// Machines completes a configuration in which functions may have the engine microvm. All tests share the kernel, which the
// first gets by apt-get, and what was booted of it. No slots wait, unless the test then asks for some: where machines are
// emulated each takes seconds of a CPU.
func Machines(t testing.TB, c *node.Config) {
	t.Helper()
	testenv.NeedsCommand(t, "qemu-system-x86_64")
	c.Helpers.Init, c.Helpers.Jail = helperbin.Init(t), helperbin.Jail(t)
	c.HotSlots, c.EmptySlots, c.SlotMemory, c.VMM = 0, 0, noSlots, "qemu"
	c.GuestDir = vmtest.GuestDir(t)
}

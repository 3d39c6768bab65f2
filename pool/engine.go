package pool

import (
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/sandbox"
)

// memoryClasses are the sizes, in MiB, that sandboxes have whose memory is fixed when they are made: so few that slots of
// each can wait. The first is what slots are made with ahead of demand. The last is the most a function can have.
var memoryClasses = [...]int{512, 1024, 2048, 4096, lambda.MaxMemoryMB}

// complete fills in what the pool knows of l, for a function with so many MiB of memory; 0 for no function.
func (p *Pool) complete(l *Launch, memoryMB int) {
	l.region = p.o.Region
	if l.Engine == nil {
		l.Engine = p.o.Engines[0]
	}
	if l.Engine.Capabilities().FixedMemory {
		l.memory = int64(memoryClass(memoryMB)) << 20
	}
}

// memoryClass is the smallest class that holds a function's memory.
func memoryClass(memoryMB int) int {
	for _, class := range memoryClasses {
		if memoryMB <= class {
			return class
		}
	}
	return memoryMB
}

// stockedAhead reports whether slots for l are kept before anybody asked for them.
func (l *Launch) stockedAhead() bool { return l.memory <= int64(memoryClasses[0])<<20 }

// extraBytes is what a sandbox for l takes of the host beyond the figures that hold for every engine.
func (l *Launch) extraBytes() int64 {
	return max(0, l.Engine.Capabilities().OverheadBytes-OverheadBytes)
}

// emulation is the sandbox.Capabilities.Accelerator of machines that are emulated.
const emulation = "tcg"

// emulated reports whether sandboxes for l are.
func (l *Launch) emulated() bool { return l.Engine.Capabilities().Accelerator == emulation }

// allow is the time that a sandbox for l may take for what others may take d for: an emulated machine computes some ten times
// slower, and most of what is waited for is not computing.
func (l *Launch) allow(d time.Duration) time.Duration {
	if l.emulated() {
		return 5 * d
	}
	return d
}

// hasSnapshots reports whether this pool makes and uses snapshots of an engine's sandboxes.
func (p *Pool) hasSnapshots(e sandbox.Engine) bool {
	return p.o.Snapshots != nil && e.Capabilities().Snapshot
}

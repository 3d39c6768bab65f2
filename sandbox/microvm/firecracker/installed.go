package firecracker

import (
	"context"

	"thaw.dev/thaw/sandbox"
)

// Installed reports whether the programs of o are there.
func Installed(o Options) bool {
	d := &Driver{opts: o}
	return d.find() == nil
}

// Probe checks whether this host can run a driver with these options, also where New would fail.
func Probe(ctx context.Context, o Options) []sandbox.Check {
	d := &Driver{opts: o}
	_ = d.find() // what is missing the probe says
	return d.Probe(ctx)
}

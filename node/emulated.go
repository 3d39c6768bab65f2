package node

import (
	"context"

	"thaw.dev/thaw/sandbox/microvm"
	"thaw.dev/thaw/sandbox/microvm/kvm"
)

// Emulated reports whether a server with this configuration would emulate its virtual machines on this host, because the
// processor cannot run them. It takes some milliseconds, and never more than a few seconds.
func Emulated(ctx context.Context, c Config) bool {
	return c.Engine == microvm.Name && !kvm.Probe(ctx).OK
}

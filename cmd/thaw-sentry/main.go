// Command thaw-sentry runs gVisor's processes: the sentry of each sandbox and the short-lived helpers around it. The
// engine in package sandbox/gvisor starts it; nobody calls it by hand. It is a program of its own because gVisor
// executes itself again five or six times for each sandbox, and each time pays for the package initialisation of
// everything that is linked in.
package main

import (
	"os"
	"runtime/debug"

	"gvisor.dev/gvisor/runsc/cli/maincli"
)

// gcPercent lets the sentry's heap grow less than Go's default of 100 before it collects: there is one sentry per
// sandbox, its heap is a few MB, and what it wastes is taken from tenants. The environment cannot say so, because gVisor
// starts the sentry with an empty one.
const gcPercent = 50

func main() {
	if len(os.Args) < 2 {
		_, _ = os.Stderr.WriteString("thaw-sentry is a helper of thaw and is not meant to be called\n")
		os.Exit(2)
	}
	debug.SetGCPercent(gcPercent)
	maincli.Main()
}

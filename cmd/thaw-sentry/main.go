// Command thaw-sentry runs gVisor's processes: the sentry of each sandbox and the short-lived helpers around it. The
// engine in package sandbox/gvisor starts it; nobody calls it by hand. It is a program of its own because gVisor
// executes itself again for each sandbox, and each time pays for the package initialisation of everything that is
// linked in. For the same reason it knows only the two of gVisor's commands that are needed.
package main

import (
	"os"
	"runtime/debug"
	"time"

	"gvisor.dev/gvisor/runsc/cli"
	"gvisor.dev/gvisor/runsc/cmd"
	"gvisor.dev/gvisor/runsc/cmd/util"
)

// The engine starts this program with GOGC=off, because a sentry that boots would collect garbage half a dozen times.
// Once it has settled, what booting left behind is given back to the host, and from then on its heap grows by
// gcPercent before the next collection: there is one sentry per sandbox, and what it wastes is taken from tenants.
const (
	settled   = 2 * time.Second
	gcPercent = 50
)

func main() {
	if len(os.Args) < 2 {
		_, _ = os.Stderr.WriteString("thaw-sentry is a helper of thaw and is not meant to be called\n")
		os.Exit(2)
	}
	time.AfterFunc(settled, func() {
		debug.SetGCPercent(gcPercent)
		debug.FreeOSMemory()
	})
	const internal = "internal use only"
	cli.Run(map[util.SubCommand]string{
		new(cmd.Boot):   internal, // the sentry
		new(cmd.Umount): internal, // takes /proc away from it
	}, nil)
}

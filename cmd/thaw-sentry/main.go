// Command thaw-sentry runs gVisor's processes: the sentry of each sandbox and the short-lived helpers around it. The
// engine in package sandbox/gvisor starts it; nobody calls it by hand. It is a program of its own because gVisor
// executes itself again for each sandbox, and each time pays for the package initialisation of everything that is
// linked in. For the same reason it knows only the two of gVisor's commands that are needed.
package main

import (
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"gvisor.dev/gvisor/runsc/cli"
	"gvisor.dev/gvisor/runsc/cmd"
	"gvisor.dev/gvisor/runsc/cmd/util"
)

// The engine starts this program with GOGC=off and a limit: a sentry that boots would collect garbage half a dozen times,
// and one that restores a snapshot again. What booting left is given back to the host once, and what starting left as
// well, settled after the engine said by SIGRTMIN+6 that the guest runs. From then on the heap grows by gcPercent before
// the next collection: there is one sentry per sandbox, and what it wastes is taken from tenants. The signal is one that
// gVisor does not pass on to the guest.
const (
	settled   = 2 * time.Second
	gcPercent = 50
	running   = syscall.Signal(40)
)

// tidy is the life of the sentry's heap. It ends with the process.
func tidy() {
	started := make(chan os.Signal, 1)
	signal.Notify(started, running)
	go func() {
		time.Sleep(settled)
		debug.FreeOSMemory()
		<-started
		time.Sleep(settled)
		debug.SetGCPercent(gcPercent)
		debug.FreeOSMemory()
	}()
}

func main() {
	if len(os.Args) < 2 {
		_, _ = os.Stderr.WriteString("thaw-sentry is a helper of thaw and is not meant to be called\n")
		os.Exit(2)
	}
	tidy()
	const internal = "internal use only"
	cli.Run(map[util.SubCommand]string{
		new(cmd.Boot):   internal, // the sentry
		new(cmd.Umount): internal, // takes /proc away from it
	}, nil)
}

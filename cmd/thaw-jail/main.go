// Command thaw-jail starts the monitors of virtual machines: it is what a monitor's process is before it becomes the
// monitor, and what looks after one of Firecracker's. It is built static and small, because every machine starts with it,
// and of no use to people. Packages jail and supervisor say what it does.
package main

import (
	"fmt"
	"os"

	"thaw.dev/thaw/sandbox/microvm/firecracker/supervisor"
	"thaw.dev/thaw/sandbox/microvm/jail"
)

func main() {
	switch {
	case os.Args[0] == supervisor.Argv0:
		os.Exit(supervisor.Run())
	case len(os.Args) > 1 && os.Args[1] == jail.Word:
		os.Exit(jail.Main(os.Args[2:]))
	}
	fmt.Fprintln(os.Stderr, "thaw-jail: started by thaw serve only")
	os.Exit(2)
}

// Command thaw-agent is PID 1 of every sandbox. It is built static, placed into the runtime images, and of no use
// outside a sandbox. Package agent says what it does.
package main

import (
	"os"
	"runtime"
	"runtime/debug"

	"thaw.dev/thaw/agent"
)

func main() {
	// The agent is idle while the function works: what it does needs no second thread to be woken, and a heap of a few MB
	// can grow fourfold before it is worth a collection.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(400)
	if err := agent.Run(); err != nil {
		_, _ = os.Stderr.WriteString("sandbox agent: " + err.Error() + "\n")
		os.Exit(1)
	}
}

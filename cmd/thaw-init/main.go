// Command thaw-init is PID 1 of every virtual machine. It is built static, placed into the machines' initramfs, and of no
// use elsewhere. Package pid1 says what it does.
package main

import (
	"os"
	"runtime"
	"runtime/debug"

	"thaw.dev/thaw/sandbox/microvm/guest/pid1"
)

func main() {
	// What it allocates over its life is less than what the collector would cost.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(32 << 20)
	runtime.GOMAXPROCS(1) // so that nothing of what it does wakes a second thread
	err := run()
	if kmsg, kerr := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0); kerr == nil {
		_, _ = kmsg.WriteString("<2>thaw-init: " + err.Error() + "\n")
	}
	os.Exit(1)
}

func run() error {
	if len(os.Args) == 2 && os.Args[1] == pid1.LauncherArg {
		return pid1.Launch()
	}
	return pid1.Boot()
}

package runtimes

import (
	"os/exec"
	"runtime"
	"syscall"
)

// bound calls run, cmd.Output or cmd.CombinedOutput, such that cmd does not outlive this process, however that ends: a
// compiler that goes on would write into the directories that the next server removes.
func bound(cmd *exec.Cmd, run func() ([]byte, error)) ([]byte, error) {
	// The kernel sends the signal when the thread ends that started the program, so the thread has to wait too.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return run()
}

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/sandboxtest/guest/wire"
)

// start runs this program as a tenant that goes on until the sandbox ends. It waits until the tenant says that it has
// begun.
func start(req *wire.Request) error {
	cmd := exec.Command("/proc/self/exe", req.Args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(req.UID), Gid: uint32(req.UID)}}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != begun {
		return errors.Join(fmt.Errorf("the tenant said %q", line), err)
	}
	return nil
}

// begun is what a tenant says that start waits for.
const begun = "begun\n"

// burn never stops to use CPU time, in the way its argument says.
func burn(how string) {
	_, _ = os.Stdout.WriteString(begun)
	switch how {
	case wire.BurnLoop:
		loop()
	case wire.BurnThreads:
		for range 3 {
			go func() {
				runtime.LockOSThread()
				loop()
			}()
		}
		loop()
	case wire.BurnCalls:
		for {
			_ = unix.Getppid()
		}
	case wire.BurnForks:
		for {
			die(exec.Command("/proc/self/exe", wire.TenantSpin, "0").Run())
		}
	}
	die(fmt.Errorf("cannot burn %q", how))
}

// loop makes no system call.
func loop() {
	for i := uint64(0); ; i++ {
		sink = i
	}
}

var sink uint64

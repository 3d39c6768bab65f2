package kvm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"thaw.dev/thaw/internal/cpuinfo"
	"thaw.dev/thaw/sandbox"
)

// Device is KVM's device node.
const Device = "/dev/kvm"

// slowest is the longest that one turn of a loop of two instructions may take. A processor needs 0.3 to 2 ns;
// emulations were measured at 400 and more.
const slowest = 20 * time.Nanosecond

// facts are what Probe decides by.
type facts struct {
	machine string        // runtime.GOARCH
	open    error         // of Device
	flags   []string      // of the first processor
	turn    time.Duration // of the loop
	loop    error         // why it did not run
}

// Probe says whether KVM is usable, why, and what to do if not. It takes some milliseconds, and never more than a few
// seconds.
func Probe(ctx context.Context) sandbox.Check {
	f := facts{machine: runtime.GOARCH}
	if file, err := os.OpenFile(Device, os.O_RDWR, 0); err != nil {
		f.open = err
	} else {
		f.flags = processorFlags()
		if f.extended() {
			f.turn, f.loop = timeLoop(ctx, file)
		} else {
			_ = file.Close()
		}
	}
	return f.check()
}

// extended says whether the processor has the extension for virtual machines, Intel's or AMD's.
func (f facts) extended() bool {
	return slices.Contains(f.flags, "vmx") || slices.Contains(f.flags, "svm")
}

func (f facts) check() sandbox.Check {
	c := sandbox.Check{Name: "kvm"}
	switch {
	case f.machine != "amd64":
		c.Detail = "not looked for on " + f.machine
		c.Remedy = "use an amd64 machine"
	case errors.Is(f.open, os.ErrNotExist):
		c.Detail = Device + " does not exist"
		c.Remedy = "use a bare-metal host or one with nested virtualization, and load kvm_intel or kvm_amd"
	case f.open != nil:
		c.Detail = f.open.Error()
		c.Remedy = "let root open " + Device
	case !f.extended():
		c.Detail = Device + " is there, but the processor has neither vmx nor svm: KVM is emulated or paravirtual"
		c.Remedy = "use a bare-metal host or one with nested virtualization"
	case f.loop != nil:
		c.Detail = "a test machine did not run: " + f.loop.Error()
		c.Remedy = "see what the kernel's log says about kvm"
	case f.turn > slowest:
		c.Detail = fmt.Sprintf("a loop in a test machine took %s for each turn: KVM is emulated", f.turn)
		c.Remedy = "use a bare-metal host or one with hardware nested virtualization"
	default:
		c.OK = true
		c.Detail = fmt.Sprintf("hardware, %s for each turn of a loop", f.turn)
	}
	return c
}

// processorFlags returns the features of the first processor.
func processorFlags() []string {
	line, err := cpuinfo.Lines("flags")
	if err != nil {
		return nil
	}
	return strings.Fields(string(line))
}

package qemu

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/cpuinfo"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// machineVersion changes whenever machines of ours are made in another way than before, so that the state of one does
// not fit the other: devices, their places and properties.
const machineVersion = 3

// Fingerprint is a hash of QEMU with its libraries and firmware, the accelerator, how machines are made, the processor
// and, where it executes guests, the kernel.
func (d *Driver) Fingerprint() (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "thaw qemu machine %d\n%s\n%s\n", machineVersion, d.accel, d.root.Sum())
	cpu, err := cpuinfo.Lines(steadyFields...)
	if err != nil {
		return "", fmt.Errorf("qemu: fingerprint: %w", err)
	}
	h.Write(cpu)
	if d.accel == vmm.KVM {
		var u unix.Utsname
		if err := unix.Uname(&u); err != nil {
			return "", fmt.Errorf("qemu: fingerprint: %w", err)
		}
		fmt.Fprintf(h, "kernel %s\n", unix.ByteSliceToString(u.Release[:]))
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// steadyFields are the lines of /proc/cpuinfo that describe the processor rather than the moment. Under TCG guests see
// its time stamp counter, whose frequency goes with the model.
var steadyFields = []string{"vendor_id", "cpu family", "model", "model name", "stepping", "flags"}

package firecracker

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/cpuinfo"
)

// snapshotVersion changes whenever a machine is configured in another way than before, so that the state of one does not
// fit the other.
const snapshotVersion = 2

// fingerprintOf returns the hash of the monitor's program, the host's kernel, which is half of the hypervisor, and the
// processor, whose features the guest sees as they are.
func fingerprintOf(program string) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "thaw firecracker snapshot %d\n", snapshotVersion)
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "", fmt.Errorf("fingerprint: %w", err)
	}
	fmt.Fprintf(h, "kernel %s %s\n", unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Machine[:]))
	cpu, err := cpuinfo.Lines(steadyFields...)
	if err != nil {
		return "", fmt.Errorf("fingerprint: %w", err)
	}
	h.Write(cpu)
	f, err := os.Open(program)
	if err != nil {
		return "", fmt.Errorf("fingerprint: %w", err)
	}
	defer func() { _ = f.Close() }()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("fingerprint: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// steadyFields are the lines of /proc/cpuinfo that describe the processor rather than the moment.
var steadyFields = []string{"vendor_id", "cpu family", "model", "stepping", "microcode", "flags"}

package firecracker

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// snapshotVersion changes whenever a machine is configured in another way than before, so that the state of one does not
// fit the other.
const snapshotVersion = 1

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
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "", fmt.Errorf("fingerprint: %w", err)
	}
	cpu, err := processor(b)
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

// processor returns the steady lines about the first processor of cpuinfo.
func processor(cpuinfo []byte) ([]byte, error) {
	first, _, _ := bytes.Cut(cpuinfo, []byte("\n\n"))
	var out bytes.Buffer
	for line := range strings.Lines(string(first)) {
		name, _, _ := strings.Cut(line, ":")
		if slices.Contains(steadyFields, strings.TrimSpace(name)) {
			out.WriteString(line)
		}
	}
	if out.Len() == 0 {
		return nil, errors.New("/proc/cpuinfo says nothing about the processor")
	}
	return out.Bytes(), nil
}

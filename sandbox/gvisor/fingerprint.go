package gvisor

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/cpuinfo"
)

// snapshotVersion changes whenever a sandbox of ours is made in another way than before, so that gVisor's state of one
// does not fit the other: what ociSpec says beyond sandbox.Spec, how channels are wired, which files a snapshot has.
const snapshotVersion = 1

// Fingerprint names everything that a snapshot depends on besides its spec and images. It is empty when that cannot be
// found out; then Checkpoint and Restore fail.
func (e *Engine) Fingerprint() string {
	sum, err := e.fingerprint()
	if err != nil {
		return ""
	}
	return sum
}

// fingerprintOf returns the hash of the sentry program, its settings, the kernel and the processor.
func fingerprintOf(sentryPath string) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "thaw gvisor snapshot %d\n", snapshotVersion)
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		fmt.Fprintf(h, "flag %s=%s\n", name, flags[name])
	}
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
	f, err := os.Open(sentryPath)
	if err != nil {
		return "", fmt.Errorf("fingerprint: %w", err)
	}
	defer func() { _ = f.Close() }()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("fingerprint: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// steadyFields are the lines of /proc/cpuinfo that describe the processor rather than the moment. The first four are
// x86's, the others ARM's. gVisor compares the features it uses itself as well, but a program inside may have looked at
// others.
var steadyFields = []string{
	"vendor_id", "cpu family", "model", "flags",
	"CPU implementer", "CPU architecture", "CPU variant", "CPU part", "Features",
}

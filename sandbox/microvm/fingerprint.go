package microvm

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"thaw.dev/thaw/sandbox/microvm/guest"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// snapshotVersion changes whenever a machine of ours is made in another way than before, so that what was saved of one
// does not fit the other: what its devices mean, which files a snapshot has.
const snapshotVersion = 2

// Fingerprint names everything that a snapshot depends on besides its spec and images. It is empty when that cannot be
// found out; then Checkpoint and Restore fail.
func (e *Engine) Fingerprint() string {
	sum, err := e.fingerprint()
	if err != nil {
		return ""
	}
	return sum
}

// fingerprintOf returns the hash of what the monitor says of itself, and of the guest's files. A snapshot's shape, which
// it also depends on, is in its description.
func fingerprintOf(v vmm.VMM, files *guest.Files) (string, error) {
	monitor, err := v.Fingerprint()
	if err != nil {
		return "", fmt.Errorf("fingerprint: %w", err)
	}
	h := sha256.New()
	fmt.Fprintf(h, "thaw microvm snapshot %d\nmonitor %s %s\nguest %s\n%s\n",
		snapshotVersion, v.Name(), monitor, files.Hash(), files.Kernel().Cmdline)
	return hex.EncodeToString(h.Sum(nil)), nil
}

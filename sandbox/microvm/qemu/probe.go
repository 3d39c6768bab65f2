package qemu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm/kvm"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// install is how to get QEMU.
const install = "apt-get install --no-install-recommends qemu-system-x86 qemu-system-data seabios"

// minVersion is the first QEMU that this driver was tested with.
var minVersion = [2]int{7, 2}

// Probe checks this host.
func (d *Driver) Probe(ctx context.Context) []sandbox.Check { return Probe(ctx, d.opts) }

// Probe checks whether this host can run a driver with these options, also where New would fail.
func Probe(ctx context.Context, o Options) []sandbox.Check {
	return []sandbox.Check{probeProgram(ctx, o.Program), probeAccelerator(kvm.Probe(ctx), o.Accelerator), probeStateDir(o.StateDir)}
}

func probeProgram(ctx context.Context, path string) sandbox.Check {
	c := sandbox.Check{Name: "qemu", Must: true, Remedy: install}
	path, err := find(path)
	if err != nil {
		c.Detail = err.Error()
		return c
	}
	if _, err := companions(path); err != nil {
		c.Detail = err.Error()
		return c
	}
	out, err := exec.CommandContext(ctx, path, "--version").Output() //nolint:gosec // the operator's own program
	if err != nil {
		c.Detail = fmt.Sprintf("%s: %v", path, err)
		return c
	}
	line, _, _ := strings.Cut(string(out), "\n")
	if err := newEnough(line); err != nil {
		c.Detail = fmt.Sprintf("%s: %v", path, err)
		return c
	}
	return sandbox.Check{Name: c.Name, Must: true, OK: true, Detail: path + ", " + line}
}

var versionPattern = regexp.MustCompile(`version (\d+)\.(\d+)`)

// newEnough reads the first line of QEMU's --version.
func newEnough(line string) error {
	m := versionPattern.FindStringSubmatch(line)
	if m == nil {
		return fmt.Errorf("no version in %q", line)
	}
	major, err1 := strconv.Atoi(m[1])
	minor, err2 := strconv.Atoi(m[2])
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if major < minVersion[0] || (major == minVersion[0] && minor < minVersion[1]) {
		return fmt.Errorf("version %d.%d is older than %d.%d", major, minor, minVersion[0], minVersion[1])
	}
	return nil
}

// probeAccelerator says which accelerator guests get. Without KVM all works, but slowly.
func probeAccelerator(kvm sandbox.Check, want vmm.Accelerator) sandbox.Check {
	c := sandbox.Check{Name: "accelerator", OK: true}
	switch {
	case want == vmm.KVM && !kvm.OK:
		c.OK, c.Must = false, true
		c.Detail, c.Remedy = "kvm is asked for: "+kvm.Detail, kvm.Remedy
	case want == vmm.TCG:
		c.Detail = "tcg, emulation, because it is asked for"
	case kvm.OK:
		c.Detail = "kvm: " + kvm.Detail
	default:
		c.OK = false
		c.Detail = "tcg, emulation, some ten times slower than kvm: " + kvm.Detail
		c.Remedy = kvm.Remedy
	}
	return c
}

func probeStateDir(dir string) sandbox.Check {
	c := sandbox.Check{Name: "qemu's directory", Must: true}
	for { // it may not exist yet
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	var st unix.Statfs_t
	err := unix.Statfs(dir, &st)
	if err == nil && st.Flags&unix.ST_NOEXEC != 0 {
		err = fmt.Errorf("%s is on a file system from which no programs may be executed", dir)
	}
	if err != nil {
		c.Detail, c.Remedy = err.Error(), "remount it with exec, or use another data directory"
		return c
	}
	c.OK, c.Detail = true, dir
	return c
}

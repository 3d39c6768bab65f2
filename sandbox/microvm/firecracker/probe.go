package firecracker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm/kvm"
)

// Version is a release of Firecracker.
type Version struct{ Major, Minor, Patch int }

// Oldest is the first release that describes its devices by ACPI, which modular kernels need.
var Oldest = Version{1, 8, 0}

// String is "v1.8.0".
func (v Version) String() string { return fmt.Sprintf("v%d.%d.%d", v.Major, v.Minor, v.Patch) }

// before reports whether v is older than o.
func (v Version) before(o Version) bool {
	if v.Major != o.Major {
		return v.Major < o.Major
	}
	if v.Minor != o.Minor {
		return v.Minor < o.Minor
	}
	return v.Patch < o.Patch
}

// askPatience is how long a program may take to say its version.
const askPatience = 5 * time.Second

// askVersion runs program --version.
func askVersion(ctx context.Context, program string) (Version, error) {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "--version").Output() //nolint:gosec // the operator's program
	if err != nil {
		return Version{}, fmt.Errorf("%s --version: %w", program, cause(ctx, err))
	}
	return parseVersion(out)
}

// parseVersion reads the first line, "Firecracker v1.8.0" or "Jailer v1.8.0"; what follows a dash is a development build.
func parseVersion(out []byte) (Version, error) {
	line, _, _ := bytes.Cut(out, []byte("\n"))
	fields := strings.Fields(string(line))
	if len(fields) < 2 {
		return Version{}, fmt.Errorf("%.40q is no version", line)
	}
	number, _, _ := strings.Cut(strings.TrimPrefix(fields[1], "v"), "-")
	parts := strings.Split(number, ".")
	if len(parts) != 3 {
		return Version{}, fmt.Errorf("%.40q is no version", line)
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return Version{}, fmt.Errorf("%.40q is no version", line)
		}
		n[i] = int(v)
	}
	return Version{n[0], n[1], n[2]}, nil
}

// Probe implements vmm.VMM.
func (d *Driver) Probe(ctx context.Context) []sandbox.Check {
	hardware := kvm.Probe(ctx)
	hardware.Must = true
	return []sandbox.Check{
		d.probePrograms(ctx),
		hardware,
		{
			Name: "root", Must: true, OK: os.Geteuid() == 0,
			Detail: fmt.Sprintf("user %d", os.Geteuid()), Remedy: remedy(os.Geteuid() == 0, "run thaw as root: the jailer needs it"),
		},
		probeTap(),
		probeMounts(),
	}
}

func (d *Driver) probePrograms(ctx context.Context) sandbox.Check {
	c := sandbox.Check{Name: "firecracker", Must: true}
	const install = "install the same release of firecracker and jailer from https://github.com/firecracker-microvm/firecracker/releases"
	version, err := askVersion(ctx, d.opts.Program)
	if err != nil {
		c.Detail, c.Remedy = err.Error(), install
		return c
	}
	jailer, err := askVersion(ctx, d.opts.Jailer)
	switch {
	case err != nil:
		c.Detail, c.Remedy = err.Error(), install
	case version != jailer:
		c.Detail, c.Remedy = fmt.Sprintf("%s is %s, %s is %s", d.opts.Program, version, d.opts.Jailer, jailer), install
	case version.before(Oldest):
		c.Detail, c.Remedy = fmt.Sprintf("%s is %s, older than %s", d.opts.Program, version, Oldest), install
	default:
		c.OK, c.Detail = true, fmt.Sprintf("%s %s", d.opts.Program, version)
	}
	return c
}

func probeTap() sandbox.Check {
	c := sandbox.Check{Name: "tap devices", Must: true, OK: true, Detail: "/dev/net/tun"}
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		c.OK, c.Detail, c.Remedy = false, err.Error(), "modprobe tun"
		return c
	}
	_ = f.Close()
	return c
}

// probeMounts asks for a system call with arguments that are wrong: what it answers says whether the kernel has it.
func probeMounts() sandbox.Check {
	err := unix.MountSetattr(-1, "", 0, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
	ok := !errors.Is(err, unix.ENOSYS)
	return sandbox.Check{
		Name: "detached mounts", Must: true, OK: ok, Detail: "mount_setattr, Linux 5.12",
		Remedy: remedy(ok, "use Linux 5.12 or later"),
	}
}

func remedy(ok bool, text string) string {
	if ok {
		return ""
	}
	return text
}

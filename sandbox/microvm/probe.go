package microvm

import (
	"context"
	"errors"
	"fmt"
	"os"

	"thaw.dev/thaw/internal/cgroup"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm/guest"
)

// Probe checks this host.
func (e *Engine) Probe(ctx context.Context) []sandbox.Check { return Probe(ctx, e.opts) }

// ProbeHost checks what no monitor and no guest has to do with.
func ProbeHost() []sandbox.Check { return []sandbox.Check{probeRoot(), probeCgroups()} }

// Probe checks whether this host can run an engine with these options, also where New would fail.
func Probe(ctx context.Context, o Options) []sandbox.Check {
	checks := append(ProbeHost(), probeGuest(o))
	if o.VMM == nil {
		return append(checks, result("monitor", "", errors.New("none is usable"), "install one: apt-get install qemu-system-x86"))
	}
	return append(checks, o.VMM.Probe(ctx)...)
}

// result makes a check of err: the remedy is only said where it is needed.
func result(name, found string, err error, remedy string) sandbox.Check {
	if err != nil {
		return sandbox.Check{Name: name, Must: true, Detail: err.Error(), Remedy: remedy}
	}
	return sandbox.Check{Name: name, OK: true, Must: true, Detail: found}
}

func probeRoot() sandbox.Check {
	var err error
	if uid := os.Geteuid(); uid != 0 {
		err = fmt.Errorf("running as user %d", uid)
	}
	return result("root", "running as root", err, "start thaw as root")
}

func probeCgroups() sandbox.Check {
	h, err := cgroup.Detect()
	return result("cgroups", fmt.Sprintf("version %d", h.Version), err, "mount the cgroup controllers cpu, memory and pids")
}

func probeGuest(o Options) sandbox.Check {
	var err error
	found := ""
	if o.Guest == nil {
		err = guest.ErrMissing
	} else {
		found = o.Guest.Version()
	}
	return result("guest", found, err, "install its kernel")
}

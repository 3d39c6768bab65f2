package gvisor

import (
	"fmt"
	"io"
	"sync"

	gvlog "gvisor.dev/gvisor/pkg/log"
	"gvisor.dev/gvisor/runsc/config"
	"gvisor.dev/gvisor/runsc/flag"
	"gvisor.dev/gvisor/runsc/specutils"
)

// flags are gVisor's settings where they differ from its defaults or matter for isolation.
var flags = map[string]string{
	"platform":       "systrap", // needs no KVM
	"network":        "none",    // Start hands devices over itself, see net.go
	"directfs":       "false",   // the sentry may not open host files
	"overlay2":       "none",    // the root is read-only
	"host-uds":       "none",
	"host-fifo":      "none",
	"ignore-cgroups": "true",   // gVisor would move this daemon into the tenant's group
	"host-settings":  "ignore", // would look at the host at every start
	"net-raw":        "false",
	"allow-suid":     "false",
	"oci-seccomp":    "false",
	// A sandbox that ends waits this long for a control call that does not return.
	"control-rpc-stop-timeout": "1s",
}

func runscConfig(rootDir string) (*config.Config, error) {
	fs := flag.NewFlagSet(Name, flag.ContinueOnError)
	config.RegisterFlags(fs)
	if err := fs.Set("root", rootDir); err != nil {
		return nil, fmt.Errorf("set root: %w", err)
	}
	for name, value := range flags {
		if err := fs.Set(name, value); err != nil {
			return nil, fmt.Errorf("set %s: %w", name, err)
		}
	}
	return config.NewFromFlags(fs)
}

var (
	setGlobals   sync.Once
	executableMu sync.Mutex // guards specutils.ExePath against other engines' New
)

// setExecutable tells the library which program its children are; also, what it logs on this side says nothing that
// the errors it returns do not. Both are globals of the library, so all engines of a process have one SentryPath; while
// some of them run, another's New must not write it, not even to the same value.
func setExecutable(path string) {
	setGlobals.Do(func() {
		gvlog.SetTarget(gvlog.GoogleEmitter{Writer: &gvlog.Writer{Next: io.Discard}})
	})
	executableMu.Lock()
	defer executableMu.Unlock()
	if specutils.ExePath != path {
		specutils.ExePath = path
	}
}

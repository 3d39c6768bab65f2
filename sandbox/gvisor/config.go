package gvisor

import (
	"fmt"
	"io"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
	gvlog "gvisor.dev/gvisor/pkg/log"
	"gvisor.dev/gvisor/runsc/config"
	"gvisor.dev/gvisor/runsc/flag"
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

// settings returns gVisor's flags as a sentry's arguments: those above, and what else must be said because the sentry's
// default is another one.
func settings() ([]string, error) {
	fs := flag.NewFlagSet(Name, flag.ContinueOnError)
	config.RegisterFlags(fs)
	for name, value := range flags {
		if err := fs.Set(name, value); err != nil {
			return nil, fmt.Errorf("set %s: %w", name, err)
		}
	}
	conf, err := config.NewFromFlags(fs) // checks that they go together
	if err != nil {
		return nil, err
	}
	args := conf.ToFlags()
	slices.Sort(args)
	return args, nil
}

// prepareProcess sets what is global in this process, once.
var prepareProcess = sync.OnceFunc(func() {
	// What the library logs on this side says nothing that the errors it returns do not.
	gvlog.SetTarget(gvlog.GoogleEmitter{Writer: &gvlog.Writer{Next: io.Discard}})
	// Sentries lock memory for a moment to fault in many pages at once, and inherit the limit. Without it they go page
	// by page.
	_ = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
})

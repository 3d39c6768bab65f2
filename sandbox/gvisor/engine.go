package gvisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"thaw.dev/thaw/internal/cgroup"
	"thaw.dev/thaw/sandbox"
)

// Name is the engine's name.
const Name = "gvisor"

// Options configure an engine.
type Options struct {
	// StateDir is where the engine keeps its files; created if missing. One engine at a time may use it. It should be
	// on a disk, because it also holds what functions write to /tmp.
	StateDir string
	// CgroupName names the engine's directory in the cgroup hierarchies: a single path element, "thaw" if empty.
	CgroupName string
	// SentryPath is the thaw-sentry executable, which user nobody must be able to execute.
	SentryPath string
	// Network gives sandboxes with Spec.Egress their device. Without it they have loopback only, and the engine lacks
	// Capabilities.Network.
	Network sandbox.Network
	// Logger gets what an operator may want to know; nil means nobody does.
	Logger *slog.Logger
}

// Engine makes gVisor sandboxes.
type Engine struct {
	opts   Options
	log    *slog.Logger
	tree   *cgroup.Tree
	runDir *os.File // StateDir/run, where the control sockets are
	empty  []byte   // the image of a mount that got none

	settings []string // gVisor's flags, the same for all sentries

	// fingerprint is computed once, when somebody asks: it reads the whole sentry.
	fingerprint func() (string, error)

	boxes     sandbox.Set[*Sandbox]
	closeOnce sync.Once
}

var (
	_ sandbox.Engine  = (*Engine)(nil)
	_ sandbox.Sandbox = (*Sandbox)(nil)
)

// New returns an engine. It needs root. The caller calls Sweep before the first Create, and Close at the end.
func New(o Options) (*Engine, error) {
	if o.CgroupName == "" {
		o.CgroupName = "thaw"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if !filepath.IsAbs(o.StateDir) || !filepath.IsAbs(o.SentryPath) {
		return nil, fmt.Errorf("gvisor engine: state directory %q and sentry %q must be absolute paths", o.StateDir, o.SentryPath)
	}
	if _, err := os.Stat(o.SentryPath); err != nil {
		return nil, fmt.Errorf("gvisor engine: sentry: %w", err)
	}
	e := &Engine{opts: o, log: o.Logger.With("engine", Name)}
	e.fingerprint = sync.OnceValues(func() (string, error) { return fingerprintOf(o.SentryPath) })
	var err error
	if e.empty, err = emptyImage(); err != nil {
		return nil, fmt.Errorf("gvisor engine: %w", err)
	}
	for _, d := range []string{e.boxesDir(), e.runPath(), e.tmpDir()} {
		if err := os.MkdirAll(d, 0o711); err != nil {
			return nil, fmt.Errorf("gvisor engine: %w", err)
		}
	}
	h, err := cgroup.Detect()
	if err != nil {
		return nil, fmt.Errorf("gvisor engine: %w", err)
	}
	if e.tree, err = cgroup.Open(h, o.CgroupName); err != nil {
		return nil, fmt.Errorf("gvisor engine: %w", err)
	}
	if e.runDir, err = os.Open(e.runPath()); err != nil {
		return nil, fmt.Errorf("gvisor engine: %w", err)
	}
	if e.settings, err = settings(); err != nil {
		_ = e.runDir.Close()
		return nil, fmt.Errorf("gvisor engine: %w", err)
	}
	prepareProcess()
	return e, nil
}

func (e *Engine) boxesDir() string { return filepath.Join(e.opts.StateDir, "boxes") }
func (e *Engine) runPath() string  { return filepath.Join(e.opts.StateDir, "run") }
func (e *Engine) tmpDir() string   { return filepath.Join(e.opts.StateDir, "tmp") }

// Name returns "gvisor".
func (e *Engine) Name() string { return Name }

// Capabilities says what this engine can do.
func (e *Engine) Capabilities() sandbox.Capabilities {
	return sandbox.Capabilities{Pause: true, Snapshot: true, Network: e.opts.Network != nil, Isolated: true}
}

// Close destroys all sandboxes and stops the engine. A Create under way is waited for.
func (e *Engine) Close() (err error) {
	e.closeOnce.Do(func() {
		err = errors.Join(e.boxes.Close(), e.runDir.Close(), e.tree.Remove(removeCgroupPatience))
	})
	return err
}

// Sweep removes what earlier engines on this state directory left.
func (e *Engine) Sweep(ctx context.Context) error { return e.sweep(ctx) }

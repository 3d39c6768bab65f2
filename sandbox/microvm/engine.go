package microvm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"

	"thaw.dev/thaw/internal/cgroup"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm/guest"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// Name is the engine's name.
const Name = "microvm"

// Options configure an engine.
type Options struct {
	// StateDir is where the engine keeps its files; created if missing. One engine at a time may use it. It should be
	// on a disk, because it also holds what functions write to /tmp.
	StateDir string
	// TemplateDir is where boot templates are kept, so that another engine need not boot again; StateDir/templates if
	// empty. Several engines may share it.
	TemplateDir string
	// CgroupName names the engine's directory in the cgroup hierarchies: a single path element, "thaw-microvm" if empty.
	CgroupName string
	// VMM starts the machines. The engine closes it.
	VMM vmm.VMM
	// Guest is what they boot.
	Guest *guest.Files
	// Network gives sandboxes with Spec.Egress their device. Without it they have loopback only, and the engine lacks
	// Capabilities.Network.
	Network sandbox.Network
	// IdleBytes bounds the memory for snapshots that no sandbox runs from at the moment; 512 MiB if 0, none if negative.
	IdleBytes int64
	// Logger gets what an operator may want to know; nil means nobody does.
	Logger *slog.Logger
}

// Engine makes virtual machines.
type Engine struct {
	opts  Options
	log   *slog.Logger
	tree  *cgroup.Tree
	boots *stash // boot templates by shape; they stay
	snaps *stash // snapshots by what their files are

	// fingerprint is computed once, when somebody asks.
	fingerprint func() (string, error)

	boxes     sandbox.Set[*Sandbox]
	closeOnce sync.Once
}

var (
	_ sandbox.Engine  = (*Engine)(nil)
	_ sandbox.Sandbox = (*Sandbox)(nil)
)

const defaultIdleBytes = 512 << 20

// complete fills in what was left out.
func (o *Options) complete() error {
	if o.CgroupName == "" {
		o.CgroupName = "thaw-microvm"
	}
	if o.TemplateDir == "" {
		o.TemplateDir = filepath.Join(o.StateDir, "templates")
	}
	if o.IdleBytes == 0 {
		o.IdleBytes = defaultIdleBytes
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if !filepath.IsAbs(o.StateDir) || !filepath.IsAbs(o.TemplateDir) {
		return fmt.Errorf("%q and %q must be absolute paths", o.StateDir, o.TemplateDir)
	}
	return nil
}

// New returns an engine. It needs root. The caller calls Sweep before the first Create, and Close at the end.
func New(o Options) (*Engine, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("microvm engine: %w", err)
	}
	if o.VMM == nil || o.Guest == nil {
		return nil, errors.New("microvm engine: a monitor and a guest's files are needed")
	}
	e := &Engine{
		opts: o, log: o.Logger.With("engine", Name),
		boots: newStash(math.MaxInt64), snaps: newStash(max(0, o.IdleBytes)),
	}
	e.fingerprint = sync.OnceValues(func() (string, error) { return fingerprintOf(o.VMM, o.Guest) })
	for _, d := range []string{e.tmpDir(), o.TemplateDir} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("microvm engine: %w", err)
		}
	}
	h, err := cgroup.Detect()
	if err != nil {
		return nil, fmt.Errorf("microvm engine: %w", err)
	}
	if e.tree, err = cgroup.Open(h, o.CgroupName); err != nil {
		return nil, fmt.Errorf("microvm engine: %w", err)
	}
	return e, nil
}

// tmpDir is on the disk that scratch drives are on.
func (e *Engine) tmpDir() string { return filepath.Join(e.opts.StateDir, "tmp") }

// Name returns "microvm".
func (e *Engine) Name() string { return Name }

// Capabilities says what this engine can do.
func (e *Engine) Capabilities() sandbox.Capabilities {
	return sandbox.Capabilities{
		Pause: true, Snapshot: true, Network: e.opts.Network != nil, Isolated: true, FixedMemory: true, Bound: true,
		OverheadBytes: overheadBytes,
		Monitor:       e.opts.VMM.Name(), Accelerator: string(e.Accelerator()),
	}
}

// Accelerator is what executes guests' code on this host.
func (e *Engine) Accelerator() vmm.Accelerator { return e.opts.VMM.Accelerator() }

// Close destroys all sandboxes and stops the engine. A Create under way fails.
func (e *Engine) Close() (err error) {
	e.closeOnce.Do(func() {
		err = errors.Join(
			e.boxes.Close(), e.boots.close(), e.snaps.close(), e.opts.VMM.Close(), e.tree.Remove(removeCgroupPatience),
		)
	})
	return err
}

// Sweep removes what earlier engines on this state directory left.
func (e *Engine) Sweep(ctx context.Context) error { return e.sweep(ctx) }

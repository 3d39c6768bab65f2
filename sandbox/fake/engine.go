package fake

import (
	"context"
	"fmt"
	"sync"
	"time"

	"thaw.dev/thaw/sandbox"
)

// Name is the engine's name.
const Name = "fake"

// Options configure a fake engine. The zero value works.
type Options struct {
	// Name is the engine's; "fake" if empty.
	Name string
	// Guest plays the inside of every sandbox; Double if nil.
	Guest Guest
	// Network is what Capabilities says about it.
	Network bool
	// NoPause and NoSnapshot take those capabilities away.
	NoPause    bool
	NoSnapshot bool
	// FixedMemory gives every sandbox the memory of its spec for good, as a virtual machine has it.
	FixedMemory bool
	// Bound and OverheadBytes are what Capabilities says about them.
	Bound         bool
	OverheadBytes int64
	// Monitor and Accelerator are what Capabilities says about them.
	Monitor, Accelerator string
	// Fingerprint is the engine's; "fake" if empty. Snapshots of an engine with another cannot be restored.
	Fingerprint string
}

// Engine makes fake sandboxes.
type Engine struct {
	opts Options

	// Faults is what goes wrong, for all sandboxes of this engine.
	Faults Faults

	boxes sandbox.Set[*Sandbox]
}

var (
	_ sandbox.Engine  = (*Engine)(nil)
	_ sandbox.Sandbox = (*Sandbox)(nil)
)

// New returns an engine.
func New(o Options) *Engine {
	if o.Guest == nil {
		o.Guest = Double
	}
	if o.Name == "" {
		o.Name = Name
	}
	if o.Fingerprint == "" {
		o.Fingerprint = o.Name
	}
	return &Engine{opts: o}
}

// Name returns the one in Options.
func (e *Engine) Name() string { return e.opts.Name }

// Capabilities says what this engine can do.
func (e *Engine) Capabilities() sandbox.Capabilities {
	return sandbox.Capabilities{
		Pause: !e.opts.NoPause, Snapshot: !e.opts.NoSnapshot, Network: e.opts.Network,
		FixedMemory: e.opts.FixedMemory, Bound: e.opts.Bound, OverheadBytes: e.opts.OverheadBytes,
		Monitor: e.opts.Monitor, Accelerator: e.opts.Accelerator,
	}
}

// Probe has nothing to check.
func (e *Engine) Probe(context.Context) []sandbox.Check {
	return []sandbox.Check{{Name: "fake engine", OK: true, Must: true, Detail: "runs no user code"}}
}

// Fingerprint is the one in Options.
func (e *Engine) Fingerprint() string {
	if e.opts.NoSnapshot {
		return ""
	}
	return e.opts.Fingerprint
}

// Sweep has nothing to remove: a fake sandbox ends with its process.
func (e *Engine) Sweep(context.Context) error { return nil }

// Create makes a sandbox.
func (e *Engine) Create(ctx context.Context, spec sandbox.Spec) (sandbox.Sandbox, error) {
	if err := spec.Check(); err != nil {
		return nil, err
	}
	if err := e.Faults.meet(ctx, AtCreate); err != nil {
		return nil, fmt.Errorf("create sandbox %s: %w", spec.ID, err)
	}
	s, err := newSandbox(e, spec)
	if err == nil {
		if err = e.boxes.Add(s); err != nil {
			_ = s.closeFiles()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("create sandbox %s: %w", spec.ID, err)
	}
	return s, nil
}

// Sandbox returns the sandbox called id, or nil. Tests reach for its knobs with it.
func (e *Engine) Sandbox(id string) *Sandbox { return e.boxes.Get(id) }

// Sandboxes returns all that exist.
func (e *Engine) Sandboxes() []*Sandbox { return e.boxes.All() }

// Close destroys all sandboxes.
func (e *Engine) Close() error { return e.boxes.Close() }

// Point is where a fault can be.
type Point string

// The points.
const (
	AtCreate     Point = "create"
	AtStart      Point = "start"
	AtAttach     Point = "attach"
	AtLimit      Point = "limit"
	AtPause      Point = "pause"
	AtResume     Point = "resume"
	AtCheckpoint Point = "checkpoint"
	AtRestore    Point = "restore"
	AtDestroy    Point = "destroy"
)

// Fault is one thing that goes wrong.
type Fault struct {
	// Delay passes first, unless the step's context, where it has one, ends before.
	Delay time.Duration
	// Err is returned then, if not nil.
	Err error
	// Times is how often it happens; 0 means always.
	Times int
}

// Faults are the faults of an engine. The zero value has none.
type Faults struct {
	mu sync.Mutex
	at map[Point]*Fault // guarded by mu
}

// Set makes f happen at p from now on, instead of what was set before. A zero f takes it away.
func (f *Faults) Set(p Point, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at == nil {
		f.at = map[Point]*Fault{}
	}
	f.at[p] = &fault
	if fault == (Fault{}) {
		delete(f.at, p)
	}
}

// meet passes point p.
func (f *Faults) meet(ctx context.Context, p Point) error {
	f.mu.Lock()
	fault := Fault{}
	if next := f.at[p]; next != nil {
		fault = *next
		if next.Times > 0 {
			if next.Times--; next.Times == 0 {
				delete(f.at, p)
			}
		}
	}
	f.mu.Unlock()
	if fault.Delay > 0 {
		timer := time.NewTimer(fault.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return fault.Err
}

package microvm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"thaw.dev/thaw/internal/cgroup"
	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/internal/pidfd"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm/guest"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// hostname is every guest's: a snapshot goes on with the name it had, and it has nothing of the host's.
const hostname = "sandbox"

// Sandbox is one virtual machine.
type Sandbox struct {
	id    string
	e     *Engine
	spec  sandbox.Spec
	shape vmm.Shape

	// life ends with Destroy, and so does every step.
	life context.Context //nolint:containedctx // the sandbox's lifetime
	end  context.CancelCauseFunc

	group   *cgroup.Group
	ports   *ports
	conn    *guest.Conn
	scratch *os.File        // the engine's descriptor of the scratch drive
	device  *sandbox.Device // nil without egress
	limits  atomic.Pointer[sandbox.Limits]

	stepMu sync.Mutex // held by each step that changes the state
	// The fields below are guarded by stepMu.
	drives    []*os.File       // content of the machine's drives, by number; nil is none
	mounts    []guest.Mount    // images attached before the start
	formatted bool             // the scratch drive has its empty file system
	alive     bool             // started or restored
	hotImages int              // how many images were attached while it ran
	frozen    []*pidfd.Process // what was stopped by Pause
	stale     bool             // the guest does not know limits yet

	mu      sync.Mutex
	machine *machine // guarded by mu; nil until there is one
	running bool     // guarded by mu; the guest can be asked

	done     chan struct{} // closed when the sandbox has ended
	doneOnce sync.Once
	status   sandbox.ExitStatus // valid after done

	stats lastStats

	destroyMu sync.Mutex
	destroyed bool // guarded by destroyMu
}

// ID returns the spec's id.
func (s *Sandbox) ID() string { return s.id }

// Link returns the channels.
func (s *Sandbox) Link() sandbox.Link { return s.ports.link() }

// Done is closed when the machine is gone.
func (s *Sandbox) Done() <-chan struct{} { return s.done }

// ExitStatus says how the sandbox ended.
func (s *Sandbox) ExitStatus() sandbox.ExitStatus {
	select {
	case <-s.done:
		return s.status
	default:
		return sandbox.ExitStatus{}
	}
}

// finish says that the sandbox has ended, unless that was said before.
func (s *Sandbox) finish(status sandbox.ExitStatus) {
	s.doneOnce.Do(func() {
		s.status = status
		close(s.done)
	})
}

// step runs f as the step called what, alone, with a context that ends with ctx and with the sandbox.
func (s *Sandbox) step(ctx context.Context, what string, f func(context.Context) error) error {
	s.stepMu.Lock()
	defer s.stepMu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.life, func() { cancel(context.Cause(s.life)) })()
	err := context.Cause(ctx)
	if err == nil {
		if err = f(ctx); err != nil && ctx.Err() != nil {
			err = errors.Join(context.Cause(ctx), err)
		}
	}
	if err != nil {
		return fmt.Errorf("%s sandbox %s: %w", what, s.id, err)
	}
	return nil
}

// refresh is what the guest must not share with another one, and its limits.
func (s *Sandbox) refresh() guest.Refresh {
	l := s.limits.Load()
	return guest.Refresh{Hostname: hostname, Network: networkOf(s.device), Limits: guest.Limits{MemoryBytes: l.MemoryBytes, Pids: l.Pids}}
}

// Start boots nothing: it loads a guest that has booted, and has it start PID 1.
func (s *Sandbox) Start(ctx context.Context) error { return s.step(ctx, "start", s.start) }

func (s *Sandbox) start(ctx context.Context) error {
	template, err := s.e.template(ctx, s.shape)
	if err != nil {
		return err
	}
	if err := s.bind(ctx, s.e.boots, template); err != nil {
		return err
	}
	if !s.formatted {
		if err := format(s.scratch, s.shape, s.tmpBytes()); err != nil {
			return err
		}
	}
	if err := s.load(ctx, template.saved); err != nil {
		return err
	}
	err = s.conn.Setup(ctx, guest.Setup{Args: s.spec.Args, Env: s.spec.Env, Mounts: s.mounts, Refresh: s.refresh()})
	if err != nil {
		return s.withLastWords(err)
	}
	s.setRunning(true)
	return nil
}

func (s *Sandbox) tmpBytes() int64 {
	if s.spec.TmpBytes > 0 {
		return s.spec.TmpBytes
	}
	return defaultTmpBytes
}

// load lets the waiting monitor go on from what was saved.
func (s *Sandbox) load(ctx context.Context, sv *saved) error {
	state, err := hostfile.Reopen(sv.state, os.O_RDWR)
	if err != nil {
		return err
	}
	defer func() { _ = state.Close() }()
	s.alive = true
	for i, f := range s.drives[1:] {
		if err := setDrive(ctx, s.vm(), 1+i, f); err != nil {
			return s.withLastWords(err)
		}
	}
	if err := s.vm().Load(ctx, state); err != nil {
		return s.withLastWords(fmt.Errorf("load: %w", err))
	}
	// Nobody needs the guest's ends any more, and without ours the monitor's end is seen.
	errs := []error{s.ports.closeGuest()}
	if s.device != nil {
		errs = append(errs, hostfile.Close(s.device.File))
	}
	return errors.Join(errs...)
}

// vm is the machine, which there is in every step.
func (s *Sandbox) vm() vmm.VM {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.machine.vm
}

func (s *Sandbox) withLastWords(err error) error { return withLastWords(s.vm(), err) }

func (s *Sandbox) setRunning(running bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = running
}

// Destroy kills the machine and removes everything of the sandbox.
func (s *Sandbox) Destroy() error {
	s.destroyMu.Lock()
	defer s.destroyMu.Unlock()
	if s.destroyed {
		return nil
	}
	if err := s.remove(); err != nil {
		return fmt.Errorf("destroy sandbox %s: %w", s.id, err)
	}
	s.destroyed = true
	s.e.boxes.Remove(s)
	return nil
}

package gvisor

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/control/client"
	"gvisor.dev/gvisor/pkg/urpc"
	"gvisor.dev/gvisor/runsc/boot"

	"thaw.dev/thaw/internal/cgroup"
	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/sandbox"
)

// Sandbox is one sentry.
type Sandbox struct {
	id     string
	e      *Engine
	dir    string // the bundle
	socket string // the control socket
	ch     *channels
	group  *cgroup.Group
	device *sandbox.Device // nil without egress
	mounts []*mount        // the spec's Mounts
	sentry *process

	firstStubs []int // the sentry's processes when it had booted

	joined  chan struct{} // closed when the processes that existed after Create are in group; nil if it failed
	joinErr error         // valid after joined

	memoryBytes atomic.Int64 // the tenant's memory limit; 0 is none
	alive       bool         // it was started or restored; only the steps that change the state use it
	hot         bool         // an image was attached while it ran; only Attach and Checkpoint use it
	halted      bool         // the guest's tasks are stopped inside the sentry; only Pause and Resume use it

	destroyMu sync.Mutex
	destroyed bool // guarded by destroyMu
}

// ID returns the spec's id.
func (s *Sandbox) ID() string { return s.id }

// Link returns the channels.
func (s *Sandbox) Link() sandbox.Link { return s.ch.host }

// Done is closed when the sentry ended.
func (s *Sandbox) Done() <-chan struct{} { return s.sentry.done }

// ExitStatus says how the sentry ended, which ends as PID 1 did unless it was killed.
func (s *Sandbox) ExitStatus() sandbox.ExitStatus { return s.sentry.status() }

// Start hands over the network devices and starts PID 1.
func (s *Sandbox) Start(ctx context.Context) error {
	if err := s.start(ctx); err != nil {
		return fmt.Errorf("start sandbox %s: %w", s.id, err)
	}
	return nil
}

func (s *Sandbox) start(ctx context.Context) error {
	if err := s.boot(ctx, boot.ContMgrRootContainerStart, &s.id); err != nil {
		return err
	}
	// PID 1 runs, but runs only our agent so far: what it starts will find every process of the sandbox confined.
	<-s.joined
	if s.joinErr != nil {
		return s.joinErr
	}
	return s.confine()
}

// boot hands over the network devices and then makes the call that brings the sandbox to life.
func (s *Sandbox) boot(ctx context.Context, method string, arg any) error {
	links, err := linkArgs(s.device)
	if err != nil {
		return err
	}
	err = s.call(ctx, func(c *urpc.Client) error {
		if err := c.Call(boot.ContMgrCreateLinksAndRoutes, links, nil); err != nil {
			return fmt.Errorf("create network devices: %w", err)
		}
		return c.Call(method, arg, nil)
	})
	if err != nil {
		return err
	}
	s.alive = true
	_ = s.sentry.Signal(guestRuns) // fails only if it has ended, which others notice
	// The sandbox has its own descriptors now.
	if s.device != nil {
		if err := hostfile.Close(s.device.File); err != nil {
			return err
		}
	}
	return closeMounts(s.mounts)
}

// Attach mounts an EROFS image.
func (s *Sandbox) Attach(ctx context.Context, image, target string) error {
	if err := s.attach(ctx, image, target); err != nil {
		return fmt.Errorf("attach to sandbox %s: %w", s.id, err)
	}
	return nil
}

func (s *Sandbox) attach(ctx context.Context, image, target string) error {
	f, err := os.Open(image)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if !s.alive {
		i := slices.IndexFunc(s.mounts, func(m *mount) bool { return m.target == target })
		if i < 0 {
			return fmt.Errorf("%s is none of the spec's mounts", target)
		}
		return s.mounts[i].fill(ctx, f)
	}
	s.hot = true
	args := boot.MountArgs{
		ContainerID: s.id,
		Source:      "image", // shows up in /proc/mounts inside, where a host path has no business
		Destination: target,
		FsType:      "erofs",
		FilePayload: urpc.FilePayload{Files: []*os.File{f}},
	}
	return s.call(ctx, func(c *urpc.Client) error { return c.Call(boot.ContMgrMount, &args, nil) })
}

// call runs f with a connection to the sentry's control server. When ctx ends first, the sentry is killed: a call in
// flight cannot be taken back otherwise, and the sandbox is of no use after it. Destroy ends f the same way.
func (s *Sandbox) call(ctx context.Context, f func(*urpc.Client) error) error {
	c, err := client.ConnectTo(s.socket)
	if err != nil {
		return fmt.Errorf("connect to sentry: %w", err)
	}
	defer func() { _ = c.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = s.sentry.kill() })
	defer stop()
	if err := f(c); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
		return err
	}
	return nil
}

// Destroy kills the sentry and removes everything of the sandbox.
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

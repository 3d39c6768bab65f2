package gvisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/sandbox"
)

// Create boots a sentry up to the point where it waits for Start.
func (e *Engine) Create(ctx context.Context, spec sandbox.Spec) (sandbox.Sandbox, error) {
	if err := spec.Check(); err != nil {
		return nil, err
	}
	s := &Sandbox{
		id:  spec.ID,
		e:   e,
		dir: filepath.Join(e.boxesDir(), spec.ID),
	}
	s.destroyMu.Lock()                     // Close finds s from now on, and its Destroy waits for what is made of it here
	if err := e.boxes.Add(s); err != nil { // and nobody has s
		return nil, fmt.Errorf("create sandbox %s: %w", spec.ID, err)
	}
	err := s.create(ctx, &spec)
	s.destroyMu.Unlock()
	if err != nil {
		if rerr := s.Destroy(); rerr != nil {
			e.log.Error("sandbox left behind", "sandbox", s.id, "err", rerr)
		}
		return nil, fmt.Errorf("create sandbox %s: %w", spec.ID, err)
	}
	return s, nil
}

// create fills in s. When it fails, s.remove removes what it had made.
func (s *Sandbox) create(ctx context.Context, spec *sandbox.Spec) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	e := s.e
	emptyDir := filepath.Join(s.dir, "root")
	if err := os.MkdirAll(emptyDir, 0o711); err != nil {
		return err
	}
	if err := writeBundle(s.dir, ociSpec(spec, emptyDir, spec.TmpBytes)); err != nil {
		return err
	}
	var err error
	if s.group, err = e.tree.Create(s.id); err != nil {
		return err
	}
	if err := s.Limit(spec.Limits); err != nil {
		return err
	}
	if s.ch, err = newChannels(); err != nil {
		return err
	}
	defer func() { _ = s.ch.closeGuest() }()
	if spec.Egress && e.opts.Network != nil {
		d, err := e.opts.Network.Connect(s.id)
		if err != nil {
			return fmt.Errorf("connect to network: %w", err)
		}
		s.device = &d
	}
	if err := s.fork(ctx, spec); err != nil {
		return err
	}
	s.firstStubs = family(s.sentry.PID())[1:]
	s.joined = make(chan struct{})
	go func() { // ends by itself; Start and remove wait for it
		defer close(s.joined)
		s.joinErr = s.confine()
	}()
	return nil
}

// fork starts the sentry and waits until it has booted. When ctx ends first it kills what was started.
func (s *Sandbox) fork(ctx context.Context, spec *sandbox.Spec) error {
	root, err := os.Open(spec.Root)
	if err != nil {
		return fmt.Errorf("open root image: %w", err)
	}
	defer func() { _ = root.Close() }()
	tmp, err := hostfile.Nameless(s.e.tmpDir())
	if err != nil {
		return fmt.Errorf("make /tmp: %w", err)
	}
	defer func() { _ = tmp.Close() }()
	mounts, images, err := s.e.newMounts(spec.Mounts)
	if err != nil {
		return err
	}
	defer func() { _ = hostfile.Close(images...) }()
	s.mounts = mounts
	s.socket = s.e.controlSocket(s.id)
	l := launch{
		program:   s.e.opts.SentryPath,
		id:        s.id,
		bundle:    s.dir,
		socket:    s.socket,
		stdio:     s.ch.guest,
		images:    append([]*os.File{root}, images...), // in the order of the spec's mounts
		filestore: []*os.File{tmp},
		confs:     mountConfs(len(spec.Mounts)),
	}
	sentry, booted, err := l.start(s.e.settings)
	if err != nil {
		return err
	}
	s.sentry = sentry
	defer func() { _ = booted.Close() }()
	return awaitBoot(ctx, sentry, booted)
}

// remove removes everything that exists of s. It can be called again after an error.
func (s *Sandbox) remove() error {
	var errs []error
	if s.sentry != nil {
		if err := s.sentry.kill(); err != nil {
			return fmt.Errorf("kill sentry: %w", err)
		}
		<-s.sentry.done
		if s.joined != nil {
			<-s.joined
		}
	}
	if s.ch != nil {
		errs = append(errs, s.ch.closeHost())
	}
	errs = append(errs, closeMounts(s.mounts))
	if s.device != nil {
		errs = append(errs, hostfile.Close(s.device.File))
		if s.device.Close != nil {
			errs = append(errs, s.device.Close())
			s.device.Close = nil
		}
	}
	if s.group != nil {
		errs = append(errs, s.group.Remove(removeCgroupPatience))
	}
	if err := os.Remove(s.e.socketPath(s.id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return os.RemoveAll(s.dir) // last: as long as it is there, Sweep will look for the rest
}

// socketPath is where the control socket of sandbox id is.
func (e *Engine) socketPath(id string) string {
	return filepath.Join(e.runPath(), "runsc-"+id+".sock")
}

// controlSocket is socketPath for binding and connecting: a socket's path may have at most 107 bytes, and through the
// descriptor it is short wherever StateDir is.
func (e *Engine) controlSocket(id string) string {
	return fmt.Sprintf("/proc/self/fd/%d/runsc-%s.sock", e.runDir.Fd(), id)
}

package gvisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	gvsandbox "gvisor.dev/gvisor/runsc/sandbox"

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
	if err := e.register(s); err != nil {
		return nil, fmt.Errorf("create sandbox %s: %w", spec.ID, err)
	}
	if err := s.create(ctx, &spec); err != nil {
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
	oci, err := e.writeBundle(s.dir, ociSpec(spec, emptyDir, spec.TmpBytes))
	if err != nil {
		return err
	}
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
	if err := s.fork(ctx, &gvsandbox.Args{
		ID:              s.id,
		Spec:            oci,
		BundleDir:       s.dir,
		GoferMountConfs: mountConfs(),
		Attached:        true,
	}, spec.Root); err != nil {
		return err
	}
	s.firstStubs = family(s.sentry.pid)[1:]
	s.joined = make(chan struct{})
	go func() { // ends by itself; Start and remove wait for it
		defer close(s.joined)
		s.joinErr = s.confine()
	}()
	return nil
}

// fork starts the sentry and waits until it has booted. When ctx ends first it kills what was started.
func (s *Sandbox) fork(ctx context.Context, args *gvsandbox.Args, root string) error {
	image, err := os.Open(root)
	if err != nil {
		return fmt.Errorf("open root image: %w", err)
	}
	tmp, err := s.e.newTmpFile()
	if err != nil {
		_ = image.Close()
		return err
	}
	args.IOFiles = []*os.File{image} // the library closes both
	args.GoferFilestoreFiles = []*os.File{tmp}

	type result struct {
		box *gvsandbox.Sandbox
		p   *process
		err error
	}
	out := make(chan result, 1)
	go func() { // ends when the sentry has booted or died; this function waits for it
		var r result
		err := withStdio(ctx, s.ch.guest[0], s.ch.guest[1], s.ch.guest[2], func() {
			if r.box, r.err = gvsandbox.New(s.e.conf, args); r.err == nil {
				r.p, r.err = watch(r.box.Getpid())
			}
		})
		if err != nil {
			_ = closeFiles(image, tmp)
			r.err = err
		}
		out <- r
	}()
	var r result
	select {
	case r = <-out:
	case <-ctx.Done():
		// It may hang, and the library has not said yet which process it is.
		for r.p == nil && r.err == nil {
			if err := killSentryOf(s.id); err != nil {
				s.e.log.Warn("cannot look for sentry", "sandbox", s.id, "err", err)
			}
			r = <-out
		}
	}
	if r.err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w", context.Cause(ctx), r.err)
		}
		return r.err
	}
	s.sentry = r.p
	s.socket = r.box.GetControlSocketPath()
	return context.Cause(ctx)
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
	if s.device != nil {
		errs = append(errs, closeFiles(s.device.File))
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

// socketPath is where gVisor puts the control socket of sandbox id.
func (e *Engine) socketPath(id string) string {
	return filepath.Join(e.runPath(), "runsc-"+id+".sock")
}

package microvm

import (
	"context"
	"errors"
	"fmt"
	"os"

	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm/guest"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// Create starts a monitor that waits for Start or Restore.
func (e *Engine) Create(ctx context.Context, spec sandbox.Spec) (sandbox.Sandbox, error) {
	if err := spec.Check(); err != nil {
		return nil, err
	}
	s := &Sandbox{id: spec.ID, e: e, spec: spec, done: make(chan struct{})}
	s.life, s.end = context.WithCancelCause(context.Background())
	if err := e.boxes.Add(s); err != nil {
		return nil, fmt.Errorf("create sandbox %s: %w", spec.ID, err)
	}
	if err := s.step(ctx, "create", s.create); err != nil {
		if rerr := s.Destroy(); rerr != nil {
			e.log.Error("sandbox left behind", "sandbox", s.id, "err", rerr)
		}
		return nil, err
	}
	return s, nil
}

// create fills in s. When it fails, s.remove removes what it had made.
func (s *Sandbox) create(ctx context.Context) (err error) {
	e, spec := s.e, &s.spec
	if s.shape, err = shapeOf(spec); err != nil {
		return err
	}
	s.drives = make([]*os.File, s.shape.Drives)
	if s.drives[0], err = openImage(spec.Root); err != nil {
		return fmt.Errorf("open root image: %w", err)
	}
	in, from, err := s.expected(ctx)
	if err != nil {
		return err
	}
	if err := s.equip(in == e.boots); err != nil {
		in.release(from)
		return err
	}
	return s.bind(ctx, in, from)
}

// equip makes what the sandbox has besides its monitor.
func (s *Sandbox) equip(formatted bool) (err error) {
	e := s.e
	if s.group, err = e.tree.Create(s.id); err != nil {
		return err
	}
	if err := s.limit(s.spec.Limits); err != nil {
		return err
	}
	if s.ports, err = newPorts(); err != nil {
		return err
	}
	s.conn = guest.NewConn(s.ports.host[vmm.PortManage])
	if s.scratch, err = hostfile.Nameless(e.tmpDir()); err != nil {
		return fmt.Errorf("make scratch drive: %w", err)
	}
	if s.formatted = formatted; formatted {
		err = format(s.scratch, s.shape, s.tmpBytes())
	} else {
		err = s.scratch.Truncate(s.shape.ScratchBytes)
	}
	if err != nil {
		return err
	}
	if s.spec.Egress && e.opts.Network != nil {
		d, err := e.opts.Network.Connect(s.id)
		if err != nil {
			return fmt.Errorf("connect to network: %w", err)
		}
		s.device = &d
	}
	return nil
}

// expected is what the sandbox will probably be made from: the snapshot that its spec names, or else a boot template. The
// caller releases it.
func (s *Sandbox) expected(ctx context.Context) (*stash, *entry, error) {
	if s.spec.From != "" {
		if on, err := s.e.openSnapshot(s.spec.From, s.shape); err == nil {
			from, err := s.e.hold(ctx, on)
			return s.e.snaps, from, err
		} // what is wrong with it, Restore will say
	}
	from, err := s.e.template(ctx, s.shape)
	return s.e.boots, from, err
}

// remove removes everything that exists of s. It can be called again after an error.
func (s *Sandbox) remove() error {
	s.end(sandbox.ErrDestroyed)
	if err := s.killMachine(); err != nil {
		return err
	}
	s.stepMu.Lock() // until the steps under way have seen it
	defer s.stepMu.Unlock()
	if err := s.killMachine(); err != nil { // one that a step had just started
		return err
	}
	s.finish(sandbox.ExitStatus{Code: -1, Reason: "destroyed"})
	closeProcesses(s.frozen)
	s.frozen = nil
	var errs []error
	if s.ports != nil {
		errs = append(errs, s.ports.closeGuest())
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	if s.ports != nil {
		errs = append(errs, s.ports.close())
	}
	errs = append(errs, hostfile.Close(s.scratch), hostfile.Close(s.drives...))
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
	return errors.Join(errs...)
}

// killMachine kills the machine there is and waits until all has been seen to that follows from it.
func (s *Sandbox) killMachine() error {
	s.mu.Lock()
	m := s.machine
	s.mu.Unlock()
	if m == nil {
		return nil
	}
	if err := m.vm.Kill(); err != nil {
		return fmt.Errorf("kill monitor: %w", err)
	}
	<-m.gone
	return nil
}

// openImage opens an image for a drive.
func openImage(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && (!st.Mode().IsRegular() || st.Size() == 0 || st.Size() > vmm.MaxDriveBytes) {
		err = fmt.Errorf("%s is no image", path)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

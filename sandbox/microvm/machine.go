package microvm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm/guest"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// machine is a monitor, bound to the memory of what it waits to load.
type machine struct {
	vm    vmm.VM
	stash *stash
	from  *entry // held until the machine is gone
	gone  chan struct{}
}

// bind sees to it that the sandbox's monitor is one that waits for e, whose user it takes over. Usually there is one
// already; else it takes the place of the one there is.
func (s *Sandbox) bind(ctx context.Context, in *stash, e *entry) error {
	s.mu.Lock()
	m := s.machine
	s.mu.Unlock()
	if m != nil && m.from == e {
		in.release(e) // the machine holds it itself
		return nil
	}
	if err := s.prepare(ctx, in, e); err != nil {
		s.mu.Lock()
		m = s.machine
		s.mu.Unlock()
		if m == nil || m.from != e {
			in.release(e)
		}
		if m == nil {
			s.finish(sandbox.ExitStatus{Code: -1, Reason: "no monitor"})
		}
		return err
	}
	return nil
}

// preparePatience bounds how long a monitor may take until it waits. It is a twentieth of a second, some seconds on a host
// that is far too busy.
const preparePatience = time.Minute

// prepare starts a monitor that waits for e, and ends the one there was.
func (s *Sandbox) prepare(ctx context.Context, in *stash, e *entry) (err error) {
	m := vmm.Machine{ID: s.id, Shape: s.shape, Started: s.group.Add}
	if m.MaxFileBytes, err = guest.ScratchBytes(s.tmpBytes()); err != nil {
		return err
	}
	if err := s.discard(); err != nil {
		return err
	}
	if err := s.e.furnish(&m, e.saved.memory, s.ports); err != nil {
		return err
	}
	if m.Scratch, err = hostfile.Duplicate(s.scratch); err == nil && s.device != nil {
		m.MAC = s.device.MAC
		m.Network, err = hostfile.Duplicate(s.device.File)
	}
	if err != nil {
		return errors.Join(err, closeMachine(&m))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, preparePatience, fmt.Errorf("no monitor after %s", preparePatience))
	defer cancel()
	vm, err := s.e.opts.VMM.Prepare(ctx, m)
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	next := &machine{vm: vm, stash: in, from: e, gone: make(chan struct{})}
	s.mu.Lock()
	s.machine = next
	s.mu.Unlock()
	go s.watch(next) // ends with the machine; remove and discard wait for it
	if err := context.Cause(s.life); err != nil {
		return err // Destroy may have looked before there was something to kill
	}
	return setDrive(ctx, vm, 0, s.drives[0]) // will not change, unlike the others
}

// setDrive makes f, if there is one, the content of drive i.
func setDrive(ctx context.Context, vm vmm.VM, i int, f *os.File) error {
	if f == nil {
		return nil
	}
	if err := vm.SetDrive(ctx, i, f); err != nil {
		return fmt.Errorf("drive %d: %w", i, err)
	}
	return nil
}

// discard ends the monitor there is, if any, without ending the sandbox.
func (s *Sandbox) discard() error {
	s.mu.Lock()
	m := s.machine
	s.machine = nil
	s.mu.Unlock()
	if m == nil {
		return nil
	}
	err := m.vm.Kill()
	<-m.gone
	return err
}

// watch waits for the machine's end.
func (s *Sandbox) watch(m *machine) {
	defer close(m.gone)
	defer m.stash.release(m.from)
	select {
	case <-m.vm.Done():
	case <-s.conn.Exited():
		// All that is left for the guest to do is to power off.
		_ = m.vm.Kill() // fails only if it is gone
		<-m.vm.Done()
	}
	s.mu.Lock()
	current := s.machine == m
	s.running = s.running && !current
	s.mu.Unlock()
	if !current {
		return
	}
	_ = s.ports.closeGuest()
	<-s.conn.Broken() // everything the guest said was read
	s.finish(s.judge(m.vm.Exit()))
}

// judge says how the sandbox ended.
func (s *Sandbox) judge(monitor string) sandbox.ExitStatus {
	select {
	case <-s.conn.Exited():
		code, signal := s.conn.ExitStatus()
		switch {
		case code < 0:
			return sandbox.ExitStatus{Code: -1, Reason: fmt.Sprintf("PID 1 ended by signal %d", signal)}
		case code > 0:
			return sandbox.ExitStatus{Code: code, Reason: fmt.Sprintf("exit status %d", code)}
		}
		return sandbox.ExitStatus{}
	default:
	}
	switch {
	case s.life.Err() != nil:
		return sandbox.ExitStatus{Code: -1, Reason: "destroyed"}
	case monitor == "":
		return sandbox.ExitStatus{Code: -1, Reason: "the virtual machine powered off"}
	}
	return sandbox.ExitStatus{Code: -1, Reason: "the virtual machine ended: " + monitor}
}

// removeCgroupPatience is how long the kernel may take to notice that a cgroup's processes are gone.
const removeCgroupPatience = 5 * time.Second

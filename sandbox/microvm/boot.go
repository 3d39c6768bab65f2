package microvm

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/sandbox/microvm/guest"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// bootPatience is how long a guest may take to boot. Under emulation on a busy host it is seconds.
const bootPatience = 2 * time.Minute

// bootID makes the names of machines that boot differ from each other's and from all sandboxes', which have no dots.
var bootID atomic.Int64

// template returns the boot template for machines of a shape: a guest that has booted and knows nothing of what it will
// be. The first who needs it boots it, unless an earlier engine did. The caller releases it.
func (e *Engine) template(ctx context.Context, shape vmm.Shape) (*entry, error) {
	t, err := e.boots.hold(ctx, shapeName(shape), func(ctx context.Context) (*saved, error) { return e.makeTemplate(ctx, shape) })
	if err != nil {
		return nil, fmt.Errorf("boot template: %w", err)
	}
	return t, nil
}

func shapeName(s vmm.Shape) string {
	name := fmt.Sprintf("%dcpu-%dmib-%ddrives-%dmib", s.CPUs, s.MemoryBytes>>20, s.Drives, s.ScratchBytes>>20)
	if s.Network {
		name += "-net"
	}
	return name
}

func (e *Engine) makeTemplate(ctx context.Context, shape vmm.Shape) (*saved, error) {
	fingerprint, err := e.fingerprint()
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%.16s-%s", fingerprint, shapeName(shape))
	ended := func() error { return context.Cause(ctx) }
	dir := filepath.Join(e.opts.TemplateDir, name)
	begin := time.Now()
	load := func() (*saved, error) {
		on, err := open(dir, fingerprint, shape, memoryFile, stateFile)
		if err != nil {
			return nil, err
		}
		return on.load(nil, ended)
	}
	sv, err := load()
	if err == nil {
		e.log.Info("boot template loaded", "template", name, "dur_ms", time.Since(begin).Milliseconds())
		return sv, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		e.log.Warn("boot template on disk is of no use", "template", name, "err", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	e.log.Info("booting a template", "template", name, "accelerator", string(e.Accelerator()))
	if sv, err = e.boot(ctx, shape); err != nil {
		return nil, err
	}
	e.log.Info("template booted", "template", name, "dur_ms", time.Since(begin).Milliseconds(), "bytes", sv.bytes)
	err = keep(sv, dir, fingerprint, shape, ended)
	if errors.Is(err, os.ErrExist) { // another engine was faster; snapshots build on what is on disk
		var theirs *saved
		if theirs, err = load(); err == nil {
			_ = sv.close()
			return theirs, nil
		}
	}
	if err != nil {
		e.log.Warn("boot template is not kept on disk", "template", name, "err", err)
	}
	return sv, nil
}

// boot starts a machine, waits until its guest is ready and saves it.
func (e *Engine) boot(ctx context.Context, shape vmm.Shape) (_ *saved, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, bootPatience, fmt.Errorf("no guest after %s", bootPatience))
	defer cancel()
	var undo []func() error
	defer func() {
		for i := len(undo) - 1; i >= 0; i-- {
			err = errors.Join(err, undo[i]())
		}
	}()
	sv, err := newSaved()
	if err != nil {
		return nil, err
	}
	sv.template = rand.Text()
	undo = append(undo, func() error { // runs last: nobody has the memory mapped then, and nothing can fail any more
		if err == nil {
			err = dropZeros(sv.memory, func() error { return context.Cause(ctx) })
		}
		if err == nil {
			err = sv.seal()
		}
		if err != nil {
			return sv.close()
		}
		return nil
	})
	p, err := newPorts()
	if err != nil {
		return nil, err
	}
	undo = append(undo, p.close)
	group, err := e.tree.Create(fmt.Sprintf("boot.%d", bootID.Add(1)))
	if err != nil {
		return nil, err
	}
	undo = append(undo, func() error { return group.Remove(removeCgroupPatience) })
	if err := group.Set(hostLimits(shape, 0, false)); err != nil {
		return nil, err
	}
	if err := sv.memory.Truncate(shape.MemoryBytes); err != nil {
		return nil, err
	}
	m := vmm.Machine{ID: group.Name(), Shape: shape, Started: group.Add}
	if err := e.furnish(&m, sv.memory, p); err != nil {
		return nil, err
	}
	if m.Scratch, err = e.newScratch(shape, defaultTmpBytes); err != nil {
		return nil, errors.Join(err, closeMachine(&m))
	}
	if shape.Network {
		var other *os.File
		if m.Network, other, err = deadNetwork(); err != nil {
			return nil, errors.Join(err, closeMachine(&m))
		}
		undo = append(undo, other.Close)
		m.MAC = bootMAC
	}
	vm, err := e.opts.VMM.Boot(ctx, m, e.opts.Guest.Kernel())
	if err != nil {
		return nil, err
	}
	undo = append(undo, vm.Kill)
	_ = p.closeGuest() // so that the guest's end is seen
	conn := guest.NewConn(p.host[vmm.PortManage])
	undo = append(undo, conn.Close)
	if err := errors.Join(conn.Ready(ctx), context.Cause(ctx)); err != nil {
		return nil, withLastWords(vm, err)
	}
	if err := conn.Quiesce(ctx); err != nil {
		return nil, withLastWords(vm, err)
	}
	if err := vm.Stop(ctx); err != nil {
		return nil, fmt.Errorf("stop: %w", err)
	}
	if err := vm.Save(ctx, nil, sv.state); err != nil {
		return nil, fmt.Errorf("save: %w", err)
	}
	return sv, nil
}

// lastWordsPatience is how long a machine whose channel broke may take to end.
const lastWordsPatience = 500 * time.Millisecond

// withLastWords adds to err what a machine that has ended said.
func withLastWords(vm vmm.VM, err error) error {
	for _, other := range []error{guest.ErrGuest, guest.ErrClosed, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, other) {
			return err
		}
	}
	select {
	case <-vm.Done():
		return fmt.Errorf("%w; the machine is gone: %s", err, vm.Exit())
	case <-time.After(lastWordsPatience):
		return err
	}
}

// keep writes a template to disk, whole or not at all. Where there is one it returns an error that is os.ErrExist.
func keep(sv *saved, dir, fingerprint string, shape vmm.Shape, ended func() error) error {
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "tmp-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	d := newDraft(tmp, fingerprint, shape, sv, false)
	if err := d.pack(memoryFile, sv.memory, nil, ended); err != nil {
		return err
	}
	if err := d.copy(stateFile, sv.state); err != nil {
		return err
	}
	if err := d.finish(); err != nil {
		return err
	}
	return os.Rename(tmp, dir)
}

// furnish gives m what every machine has: memory and ports.
func (e *Engine) furnish(m *vmm.Machine, memory *os.File, p *ports) (err error) {
	if m.Memory, err = hostfile.Reopen(memory, os.O_RDWR); err != nil {
		return err
	}
	if m.Ports, err = p.guests(); err != nil {
		return errors.Join(err, hostfile.Close(m.Memory))
	}
	return nil
}

// closeMachine closes the files of a machine that nobody starts.
func closeMachine(m *vmm.Machine) error {
	return errors.Join(hostfile.Close(m.Memory, m.Scratch, m.Network), hostfile.Close(m.Ports[:]...))
}

// newScratch makes a scratch drive with an empty file system for tmpBytes.
func (e *Engine) newScratch(shape vmm.Shape, tmpBytes int64) (*os.File, error) {
	f, err := hostfile.Nameless(e.tmpDir())
	if err != nil {
		return nil, fmt.Errorf("make scratch drive: %w", err)
	}
	if err = format(f, shape, tmpBytes); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// format makes the empty file f a scratch drive for tmpBytes.
func format(f *os.File, shape vmm.Shape, tmpBytes int64) error {
	if err := guest.FormatScratch(f, tmpBytes); err != nil {
		return err
	}
	return f.Truncate(shape.ScratchBytes)
}

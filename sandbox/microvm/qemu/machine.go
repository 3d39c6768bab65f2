package qemu

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"thaw.dev/thaw/sandbox/microvm/jail"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// VM is a vmm.VM.
type VM struct {
	shape   vmm.Shape
	process *jail.Process
	qmp     *qmp
	memory  *os.File // what the guest's memory is, or for a machine that was loaded what it was at first

	kill sync.Once
}

var _ vmm.VM = (*VM)(nil)

// PID is QEMU's process.
func (v *VM) PID() int { return v.process.PID() }

// Stop stops the virtual CPUs, and waits for drive operations.
func (v *VM) Stop(ctx context.Context) error { return v.simple(ctx, "stop") }

// Continue undoes Stop.
func (v *VM) Continue(ctx context.Context) error { return v.simple(ctx, "cont") }

func (v *VM) simple(ctx context.Context, name string) error {
	if err := v.qmp.do(ctx, command{name: name}); err != nil {
		return fmt.Errorf("machine: %w", v.explain(err))
	}
	return nil
}

// Done is closed when QEMU has ended.
func (v *VM) Done() <-chan struct{} { return v.process.Done() }

// Exit says why.
func (v *VM) Exit() string { return v.process.Exit() }

// Kill ends the machine.
func (v *VM) Kill() error {
	v.kill.Do(func() {
		v.process.Kill()
		_ = v.qmp.close() // fails a command that is under way
		_ = v.memory.Close()
	})
	return nil
}

// endPatience is how long a QEMU that hung up may take to end.
const endPatience = time.Second

// explain adds QEMU's last words to an error of a connection that ended with it.
func (v *VM) explain(err error) error {
	if v.qmp.broken == nil {
		return err
	}
	late := time.NewTimer(endPatience)
	defer late.Stop()
	select {
	case <-v.process.Done():
		return fmt.Errorf("%w (qemu has ended: %s)", err, v.process.Exit())
	case <-late.C:
		return err
	}
}

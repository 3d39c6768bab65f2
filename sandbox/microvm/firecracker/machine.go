package firecracker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/sandbox/microvm/firecracker/supervisor"
	"thaw.dev/thaw/sandbox/microvm/jail"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// phase is where a machine is in vmm's life cycle.
type phase int

const (
	waiting phase = iota
	running
	stopped
)

// machine is one Firecracker and what serves it. It exists, and d.machines has it, until done is closed.
type machine struct {
	driver     *Driver
	id         string
	shape      vmm.Shape
	process    *jail.Process
	supervisor *supervisor.Client
	relays     *relays
	memory     *os.File   // what Boot was given, or nil
	files      []*os.File // what it was given besides its ports

	// Set by begin, before anybody else has the machine.
	root   *os.File // the jail's root directory, only a name
	api    *api
	frames *frames // nil without a network

	phase  phase
	filled [vmm.MaxDrives]bool // drives that have their content
	saved  bool                // since it was stopped: the guest has lost its connections

	done chan struct{}
}

// newMachine takes over the files of m and watches p. The goroutine ends with the process.
func newMachine(d *Driver, m vmm.Machine, p *jail.Process, s *supervisor.Client) *machine {
	vm := &machine{
		driver: d, id: m.ID, shape: m.Shape, process: p, supervisor: s, memory: m.Memory,
		relays: newRelays(m.Ports), files: []*os.File{m.Memory, m.Scratch, m.Network},
		done: make(chan struct{}),
	}
	return vm
}

// connect starts what serves the machine: its frames and its ports' relays, which wait until it runs. From now on
// watchEnd is responsible for everything.
func (vm *machine) connect(root, tap *os.File, m vmm.Machine) error {
	vm.root = root
	vm.api = newAPI(root)
	if tap != nil {
		var err error
		if vm.frames, err = pump(tap, m.Network); err != nil {
			return err
		}
	}
	return vm.relays.start(root)
}

// started lets the guest be spoken to, which runs for the first time. Until then it sends nothing: who works in it waits
// for what comes through the ports.
func (vm *machine) started() error {
	if vm.shape.Network {
		if err := vm.supervisor.AwaitNetwork(); err != nil {
			return err
		}
	}
	vm.phase = running
	vm.relays.open()
	return nil
}

// abandon ends a machine that could not be started, and returns err with what Firecracker said about it.
func (vm *machine) abandon(err error) error {
	_ = vm.Kill()
	if last := vm.process.Words(); last != "" {
		return fmt.Errorf("%w; firecracker said: %s", err, last)
	}
	return err
}

// PID implements vmm.VM.
func (vm *machine) PID() int { return vm.process.PID() }

// Done implements vmm.VM.
func (vm *machine) Done() <-chan struct{} { return vm.done }

// Exit implements vmm.VM.
func (vm *machine) Exit() string {
	select {
	case <-vm.done:
		return vm.process.Exit()
	default:
		return ""
	}
}

// Kill implements vmm.VM.
func (vm *machine) Kill() error {
	vm.process.Kill()
	<-vm.done
	return nil
}

var errPhase = errors.New("the machine is not in a state for that")

// SetDrive implements vmm.VM. Firecracker reads the size of a running machine's drive anew, and tells the guest.
func (vm *machine) SetDrive(ctx context.Context, i int, image *os.File) error {
	switch {
	case i < 0 || i >= vm.shape.Drives:
		return fmt.Errorf("set drive %d of machine %s: it has %d", i, vm.id, vm.shape.Drives)
	case vm.filled[i]:
		return fmt.Errorf("set drive %d of machine %s: it has its content", i, vm.id)
	case vm.phase == stopped:
		return fmt.Errorf("set drive %d of machine %s: %w", i, vm.id, errPhase)
	}
	info, err := image.Stat()
	if err == nil && info.Size() > vmm.MaxDriveBytes {
		err = fmt.Errorf("%s has %d bytes, a drive holds %d", image.Name(), info.Size(), int64(vmm.MaxDriveBytes))
	}
	if err != nil {
		return fmt.Errorf("set drive %d of machine %s: %w", i, vm.id, err)
	}
	if err := vm.attachImage(supervisor.Drive(i), image); err != nil {
		return fmt.Errorf("set drive %d of machine %s: %w", i, vm.id, err)
	}
	vm.filled[i] = true
	if vm.phase == waiting {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	if err := vm.api.patch(ctx, "/drives/"+driveID(i), drivePath{ID: driveID(i), Path: supervisor.Drive(i).Path()}); err != nil {
		return fmt.Errorf("set drive %d of machine %s: %w", i, vm.id, err)
	}
	return nil
}

// Stop implements vmm.VM.
func (vm *machine) Stop(ctx context.Context) error {
	if vm.phase != running {
		return fmt.Errorf("stop machine %s: %w", vm.id, errPhase)
	}
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	vm.relays.shut()
	if err := vm.api.patch(ctx, "/vm", vmState{State: "Paused"}); err != nil {
		vm.relays.open()
		return fmt.Errorf("stop machine %s: %w", vm.id, err)
	}
	vm.phase = stopped
	// The drives are served by the thread that answers, one event after the other: when it has answered again, what the
	// guest had asked for before it stood still is done.
	var info instance
	if err := vm.api.call(ctx, "GET", "/", nil, &info); err != nil {
		return fmt.Errorf("stop machine %s: %w", vm.id, err)
	}
	if info.State != statePaused {
		return fmt.Errorf("stop machine %s: firecracker says it is %.20q", vm.id, info.State)
	}
	return nil
}

// Continue implements vmm.VM.
func (vm *machine) Continue(ctx context.Context) error {
	if vm.phase != stopped {
		return fmt.Errorf("continue machine %s: %w", vm.id, errPhase)
	}
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	if err := vm.api.patch(ctx, "/vm", vmState{State: "Resumed"}); err != nil {
		return fmt.Errorf("continue machine %s: %w", vm.id, err)
	}
	vm.phase = running
	if vm.saved {
		vm.saved = false
		vm.relays.reset()
	}
	vm.relays.open()
	return nil
}

// lastBytes is how long the engine may take to read what the guest wrote before it ended by itself.
const lastBytes = time.Second

// watchEnd waits for the process and then takes away what served the machine.
func (vm *machine) watchEnd() {
	<-vm.process.Done()
	patience := lastBytes
	if vm.process.Exit() == "killed" {
		patience = 0
	}
	vm.relays.close(patience)
	if vm.frames != nil {
		vm.frames.close()
	}
	_ = hostfile.Close(append(vm.files, vm.root)...)
	vm.driver.remove(vm)
	close(vm.done)
}

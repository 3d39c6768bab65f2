package qemu

import (
	"context"
	"fmt"
	"io"
	"os"

	"thaw.dev/thaw/internal/hostfile"
)

// maxState is more than the state of the devices takes, in bytes. It is a few KB for each CPU and drive.
const maxState = 16 << 20

// Save writes a stopped machine.
func (v *VM) Save(ctx context.Context, memory, state *os.File) error {
	if err := v.saveDevices(ctx, state); err != nil {
		return fmt.Errorf("save devices: %w", v.explain(err))
	}
	if memory == nil {
		return nil
	}
	if err := v.saveMemory(ctx, memory); err != nil {
		return fmt.Errorf("save memory: %w", err)
	}
	return nil
}

// saveDevices writes the state of everything but memory. QEMU writes it into a file of ours, whose content is copied, so
// that it never has the file that others will load from.
func (v *VM) saveDevices(ctx context.Context, state *os.File) error {
	own, err := hostfile.Memory("state")
	if err != nil {
		return err
	}
	defer func() { _ = own.Close() }()
	in, err := hostfile.Reopen(own, os.O_WRONLY)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if err := v.qmp.do(ctx,
		command{name: "add-fd", args: object{"fdset-id": stateSet}, file: in},
		command{name: "xen-save-devices-state", args: object{"filename": setPath(stateSet), "live": false}},
		command{name: "remove-fd", args: object{"fdset-id": stateSet}},
	); err != nil {
		return err
	}
	n, err := io.Copy(state, io.LimitReader(own, maxState))
	if err == nil && (n == 0 || n == maxState) {
		err = fmt.Errorf("state of %d bytes", n)
	}
	return err
}

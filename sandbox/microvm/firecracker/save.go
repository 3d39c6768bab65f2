package firecracker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/microvm/firecracker/supervisor"
)

// Load implements vmm.VM.
func (vm *machine) Load(ctx context.Context, state *os.File) error {
	if vm.phase != waiting {
		return fmt.Errorf("load machine %s: %w", vm.id, errPhase)
	}
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	if err := vm.putState(state); err != nil {
		return fmt.Errorf("load machine %s: %w", vm.id, err)
	}
	err := vm.api.put(ctx, "/snapshot/load", snapshotLoad{
		State:  supervisor.LoadState.Path(),
		Memory: memoryBackend{Type: "File", Path: supervisor.Memory.Path()},
		Resume: true,
	})
	if err != nil {
		return fmt.Errorf("load machine %s: %w", vm.id, err)
	}
	if err := vm.started(); err != nil {
		return fmt.Errorf("load machine %s: %w", vm.id, err)
	}
	return nil
}

// putState copies a saved state into the jail, where Firecracker can read but not change it.
func (vm *machine) putState(state *os.File) error {
	info, err := state.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 || info.Size() > maxStateBytes {
		return fmt.Errorf("a saved state of %d bytes", info.Size())
	}
	f, err := openInJail(vm.root, string(supervisor.LoadState), unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0o444)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.NewSectionReader(state, 0, info.Size()))
	return errors.Join(err, f.Close())
}

// Save implements vmm.VM. Firecracker writes all of the memory, so it first goes to a file in the state directory.
func (vm *machine) Save(ctx context.Context, memory, state *os.File) error {
	if vm.phase != stopped {
		return fmt.Errorf("save machine %s: %w", vm.id, errPhase)
	}
	if memory == nil {
		memory = vm.memory
	}
	if memory == nil {
		return fmt.Errorf("save machine %s: it has no memory file of its own", vm.id)
	}
	ctx, cancel := context.WithTimeout(ctx, savePatience)
	defer cancel()
	vm.saved = true // also if it fails half way
	if err := vm.save(ctx, memory, state); err != nil {
		return fmt.Errorf("save machine %s: %w", vm.id, err)
	}
	return nil
}

func (vm *machine) save(ctx context.Context, memory, state *os.File) (err error) {
	whole, err := os.CreateTemp(vm.driver.opts.StateDir, savePrefix)
	if err != nil {
		return err
	}
	defer func() { _ = whole.Close() }()
	err = vm.attachOwn(supervisor.SaveMemory, whole)
	if removed := os.Remove(whole.Name()); err != nil || removed != nil {
		return errors.Join(err, removed)
	}
	err = vm.api.put(ctx, "/snapshot/create", snapshotCreate{
		Type: "Full", State: supervisor.SaveState.Path(), Memory: supervisor.SaveMemory.Path(),
	})
	if err := errors.Join(err, vm.supervisor.Unmount(supervisor.SaveMemory)); err != nil {
		return err
	}
	info, err := whole.Stat()
	if err != nil {
		return err
	}
	if info.Size() != vm.shape.MemoryBytes {
		return fmt.Errorf("firecracker wrote %d bytes of memory", info.Size())
	}
	if err := copySparse(ctx, memory, whole, info.Size()); err != nil {
		return fmt.Errorf("copy memory: %w", err)
	}
	saved, err := openRegular(vm.root, string(supervisor.SaveState), maxStateBytes)
	if err != nil {
		return err
	}
	defer func() { _ = saved.Close() }()
	n, err := io.Copy(state, io.LimitReader(saved, maxStateBytes))
	if err == nil && n == 0 {
		err = errors.New("firecracker wrote no state")
	}
	return err
}

// savePrefix begins the names of files that memory is written to.
const savePrefix = "save-"

// Units of copySparse, in bytes.
const (
	page  = 4 << 10
	chunk = 256 << 10
)

// copySparse makes to, an empty file or one of zeros, a copy of the first size bytes of from, with holes where they are
// zero.
func copySparse(ctx context.Context, to, from *os.File, size int64) error {
	if err := to.Truncate(size); err != nil && !errors.Is(err, unix.EPERM) { // sealed against growth, at its size already
		return err
	}
	b, zero := make([]byte, chunk), make([]byte, page)
	for at := int64(0); at < size; at += chunk {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		part := b[:min(chunk, size-at)]
		if _, err := from.ReadAt(part, at); err != nil {
			return err
		}
		for start := 0; start < len(part); {
			end := start
			for end < len(part) && !bytes.Equal(part[end:min(end+page, len(part))], zero[:min(page, len(part)-end)]) {
				end += page
			}
			end = min(end, len(part))
			if end == start {
				start += page
				continue
			}
			if _, err := to.WriteAt(part[start:end], at+int64(start)); err != nil {
				return err
			}
			start = end
		}
	}
	return nil
}

package microvm

import (
	"errors"
	"os"

	"thaw.dev/thaw/internal/hostfile"
)

// saved is a machine that was saved, in memory and sealed: any number of machines can be made from it, none can change
// it.
type saved struct {
	memory *os.File // sparse, as long as the guest's memory
	state  *os.File // everything else, as the monitor wrote it
	bytes  int64    // what both take

	// template is the name of the boot template that this is or builds on. Each boot has a name of its own: two machines
	// that were booted alike have other pages nevertheless.
	template string
}

// newSaved returns two files to save into.
func newSaved() (*saved, error) {
	memory, err := hostfile.Memory("guest memory")
	if err != nil {
		return nil, err
	}
	state, err := hostfile.Memory("machine state")
	if err != nil {
		return nil, errors.Join(err, memory.Close())
	}
	return &saved{memory: memory, state: state}, nil
}

// seal makes s unchangeable.
func (s *saved) seal() error {
	for _, f := range []*os.File{s.memory, s.state} {
		if err := hostfile.Seal(f); err != nil {
			return err
		}
		n, err := usedBytes(f)
		if err != nil {
			return err
		}
		s.bytes += n
	}
	return nil
}

func (s *saved) close() error { return hostfile.Close(s.memory, s.state) }

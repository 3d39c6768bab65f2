package microvm

import (
	"errors"
	"fmt"
	"os"

	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// ports are both ends of a machine's byte streams. The guest's ends are kept until the machine runs, because another
// monitor may have to take them over.
type ports struct {
	host, guest [vmm.NumPorts]*os.File
}

func newPorts() (*ports, error) {
	p := &ports{}
	for i := range p.host {
		var err error
		if p.host[i], p.guest[i], err = hostfile.SocketPair(vmm.PortNames[i]); err != nil {
			return nil, errors.Join(fmt.Errorf("make ports: %w", err), p.close())
		}
	}
	return p, nil
}

func (p *ports) link() sandbox.Link {
	return sandbox.Link{Control: p.host[vmm.PortControl], Data: p.host[vmm.PortData], Logs: p.host[vmm.PortLogs]}
}

// guests returns descriptors of the guest's ends for a monitor, which closes them.
func (p *ports) guests() (ends [vmm.NumPorts]*os.File, err error) {
	for i, f := range p.guest {
		if ends[i], err = hostfile.Duplicate(f); err != nil {
			_ = hostfile.Close(ends[:]...)
			return ends, err
		}
	}
	return ends, nil
}

func (p *ports) closeGuest() error { return hostfile.Close(p.guest[:]...) }

func (p *ports) close() error { return errors.Join(p.closeGuest(), hostfile.Close(p.host[:]...)) }

package main

import (
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// bootTime is how long the guest needs until it listens.
const bootTime = 30 * time.Millisecond

// vm is a started machine.
type vm struct {
	memory []byte
	drives []*os.File // in the order of config.Drives
	tap    *os.File   // nil without a network

	mu         sync.Mutex
	config     config        // guarded by mu but for what never changes
	running    chan struct{} // guarded by mu; closed while the virtual CPUs run
	paused     bool          // guarded by mu
	listening  bool          // guarded by mu
	generation int           // guarded by mu; of connections, see forgetConnections
}

// boot starts a machine that has its whole configuration.
func boot(c config) (*vm, error) {
	v, err := newVM(c, "")
	if err != nil {
		return nil, err
	}
	// The kernel's command line is the first thing in memory, a count the second.
	copy(v.memory[cmdlineAt:], *c.Boot.Args)
	v.resume()
	time.AfterFunc(bootTime, func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.listening = true
	})
	return v, nil
}

// restore makes the machine of a snapshot, paused. Its guest listened before, so it listens now.
func restore(c config, memory string) (*vm, error) {
	v, err := newVM(c, memory)
	if err != nil {
		return nil, err
	}
	v.listening = true
	return v, nil
}

func newVM(c config, memory string) (*vm, error) {
	v := &vm{config: c, running: make(chan struct{}), paused: true}
	var err error
	if v.memory, err = mapMemory(*c.Machine.MemoryMiB<<20, memory); err != nil {
		return nil, err
	}
	for _, d := range c.Drives {
		f, err := openDrive(d)
		if err != nil {
			return nil, err
		}
		v.drives = append(v.drives, f)
	}
	for _, n := range c.Network {
		if v.tap, err = openTap(n.Tap); err != nil {
			return nil, fmt.Errorf("Cannot create network device: Open tap device failed: %w", err)
		}
	}
	if c.Vsock != nil {
		l, err := net.Listen("unix", c.Vsock.Path)
		if err != nil {
			return nil, fmt.Errorf("Cannot create backend for vsock device: %w", err)
		}
		go v.serveVsock(l)
	}
	return v, nil
}

// openTap opens an existing device as Firecracker does, without any capability.
func openTap(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	ifr.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr); err != nil {
		return nil, err
	}
	if err := unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, unix.TUN_F_CSUM|unix.TUN_F_TSO4|unix.TUN_F_TSO6); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), unix.IoctlSetPointerInt(fd, unix.TUNSETVNETHDRSZ, vnetHeader)
}

func (v *vm) state() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.paused {
		return "Paused"
	}
	return "Running"
}

func (v *vm) pause() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.paused {
		v.paused, v.running = true, make(chan struct{})
	}
}

func (v *vm) resume() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.paused {
		v.paused = false
		close(v.running)
	}
}

// awaitRunning blocks while the machine is paused, at most for patience, and reports whether it runs.
func (v *vm) awaitRunning(patience time.Duration) bool {
	v.mu.Lock()
	running := v.running
	v.mu.Unlock()
	select {
	case <-running:
		return true
	case <-time.After(patience):
		return false
	}
}

// changeDrive is PATCH /drives/{id}: the file is opened anew and its size is told the guest.
func (v *vm) changeDrive(id, path string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range v.config.Drives {
		d := &v.config.Drives[i]
		if d.ID != id {
			continue
		}
		changed := *d
		changed.Path = path
		f, err := openDrive(changed)
		if err != nil {
			return err
		}
		_ = v.drives[i].Close()
		v.drives[i] = f
		changed.Bytes = size(f)
		*d = changed
		return nil
	}
	return fmt.Errorf("Drive update error: no drive with id %s", id)
}

// forgetConnections is what a snapshot does to the guest: its vsock driver drops every connection without a word.
func (v *vm) forgetConnections() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.generation++
}

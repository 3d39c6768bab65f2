package firecracker

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/hostfile"
)

// maxFrame is the largest Ethernet frame of a machine's network, in bytes.
const maxFrame = deviceMTU + 14

// frames carries Ethernet frames between a tap device and the engine's socket, one goroutine and one buffer for each
// direction. Where a device has no room, frames are dropped, as on every network.
type frames struct {
	tap, network *os.File
	wg           sync.WaitGroup
}

// pump takes over tap; network stays its owner's, whose descriptor is duplicated.
func pump(tap, network *os.File) (*frames, error) {
	err := hostfile.Control(network, func(fd uintptr) error { return unix.SetNonblock(int(fd), true) })
	if err == nil {
		network, err = hostfile.Duplicate(network) // and neither blocks now
	}
	if err != nil {
		_ = tap.Close()
		return nil, fmt.Errorf("network: %w", err)
	}
	f := &frames{tap: tap, network: network}
	f.wg.Go(func() { carryFrames(f.network, f.tap) })
	f.wg.Go(func() { carryFrames(f.tap, f.network) })
	return f, nil
}

// carryFrames ends when one of the files is closed or its other end is gone.
func carryFrames(to, from *os.File) {
	b := make([]byte, maxFrame+1)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if n > maxFrame {
			continue
		}
		if _, err := to.Write(b[:n]); err != nil && !dropped(err) {
			return
		}
	}
}

// dropped reports whether err concerns one frame only.
func dropped(err error) bool {
	return errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.EMSGSIZE) || errors.Is(err, unix.EINVAL) ||
		errors.Is(err, unix.EIO) || errors.Is(err, unix.ENOMEM)
}

// close ends the pump and waits for it.
func (f *frames) close() {
	_, _ = f.tap.Close(), f.network.Close()
	f.wg.Wait()
}

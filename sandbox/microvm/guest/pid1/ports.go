package pid1

import (
	"errors"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/stream"
)

// The channels by index, under which names the console device has them, and from which port on the vsock device. Package
// vmm says so, which this one cannot import: it knows net.
const (
	channelManage = iota
	channelControl
	channelData
	channelLogs
	numChannels

	firstVsockPort = 1024
)

var portNames = [numChannels]string{"thaw.manage", "thaw.control", "thaw.data", "thaw.logs"}

// far is the machine's end of a channel. Read and Write block and never say that the host hung up: they wait for it to
// come back. One goroutine may read and one write.
type far interface {
	Read(p []byte) (int, error)
	Write(p []byte) (int, error)
}

// Numbers of virtio devices. Source: Virtual I/O Device (VIRTIO) 1.2, section 5.
const (
	deviceConsole = "0x0003"
	deviceVsock   = "0x0013"
)

// portPatience is how long the monitor may take to tell of its ports.
const portPatience = 20 * time.Second

// openChannels opens the machine's ports: those of its console device, or if it has none, of its vsock device.
func openChannels() (ch [numChannels]far, err error) {
	console, err := hasDevice(deviceConsole)
	if err != nil {
		return ch, err
	}
	if !console {
		for i := range ch {
			if ch[i], err = listen(firstVsockPort + uint32(i)); err != nil {
				return ch, err
			}
		}
		return ch, nil
	}
	for i := range ch {
		if ch[i], err = openPort(portNames[i]); err != nil {
			return ch, err
		}
	}
	return ch, nil
}

func hasDevice(id string) (bool, error) {
	const dir = "/sys/bus/virtio/devices"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		got, err := get(dir + "/" + e.Name() + "/device")
		if err != nil {
			return false, err
		}
		if got == id {
			return true, nil
		}
	}
	return false, nil
}

// openPort opens the port of the console device that is called name.
func openPort(name string) (far, error) {
	const dir = "/sys/class/virtio-ports"
	for began := time.Now(); time.Since(began) < portPatience; time.Sleep(time.Millisecond) {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		for _, e := range entries {
			if got, err := get(dir + "/" + e.Name() + "/name"); err != nil || got != name {
				continue // a port has its name a little later than its entry
			}
			fd, err := unix.Open("/dev/"+e.Name(), unix.O_RDWR|unix.O_CLOEXEC, 0)
			if err != nil {
				return nil, fail("open "+name, err)
			}
			s, err := stream.New(fd)
			return port{s}, fail("open "+name, err)
		}
	}
	return nil, errors.New("there is no port " + name)
}

// port is a port of the console device.
type port struct{ *stream.Stream }

// hungUp is how long to wait before looking whether the host is back.
const hungUp = 20 * time.Millisecond

// Read waits until there is something.
func (p port) Read(b []byte) (int, error) {
	for {
		n, err := p.Stream.Read(b)
		if !errors.Is(err, io.EOF) {
			return n, err
		}
		time.Sleep(hungUp) // as long as nobody is connected it is always at its end
	}
}

// writeAll writes all of b.
func writeAll(fd int, b []byte) (int, error) {
	done := 0
	for done < len(b) {
		n, err := unix.Write(fd, b[done:])
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
		case err != nil:
			return done, err
		default:
			done += n
		}
	}
	return done, nil
}

// readFull reads until b is full or nothing comes any more, which is no error.
func readFull(fd int, b []byte) (int, error) {
	done := 0
	for done < len(b) {
		n, err := unix.Read(fd, b[done:])
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return done, err
		case n == 0:
			return done, nil
		default:
			done += n
		}
	}
	return done, nil
}

// itoa is strconv's.
func itoa(n int) string { return strconv.Itoa(n) }

package pid1

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/microvm/guest/wire"
)

// sandboxGroup is the cgroup of all processes of the sandbox.
const sandboxGroup = cgroupDir + "/sandbox"

// makeGroup makes that cgroup and puts the launcher into it.
func makeGroup(pid int) error {
	if err := put(cgroupDir+"/cgroup.subtree_control", "+memory +pids"); err != nil {
		return err
	}
	if err := unix.Mkdir(sandboxGroup, 0o755); err != nil {
		return fail("make cgroup", err)
	}
	if err := put(sandboxGroup+"/cgroup.procs", itoa(pid)); err != nil {
		return err
	}
	for i, name := range knobNames {
		mode := unix.O_WRONLY
		if i == knobPeak {
			mode = unix.O_RDONLY
		}
		var err error
		if knobs[i], err = unix.Open(sandboxGroup+"/"+name, mode|unix.O_CLOEXEC, 0); err != nil {
			return fail("open "+name, err)
		}
	}
	return nil
}

// The group's files that are used at each restore and invocation are kept open: to look one up takes the kernel longer than
// all the rest.
const (
	knobFreeze = iota
	knobMemory
	knobPids
	knobPeak
	numKnobs
)

var (
	knobNames = [numKnobs]string{"cgroup.freeze", "memory.max", "pids.max", "memory.peak"}
	knobs     [numKnobs]int // descriptors, from makeGroup on
)

// turn sets a knob.
func turn(knob int, text string) error {
	err := raw(unix.SYS_PWRITE64, uintptr(knobs[knob]), uintptr(unsafe.Pointer(unsafe.StringData(text))), uintptr(len(text)), 0, 0)
	if err != nil {
		return fail("write "+text+" to "+knobNames[knob], err)
	}
	return nil
}

// fileReserveBytes is what the sandbox's group may hold beyond its limit, for what the kernel keeps of files. The limit
// itself, on all other memory, is watchMemory's: the kernel would rather drop the programs that are running from memory,
// and read them again for each few instructions, than kill one of them.
const fileReserveBytes = 32 << 20

// limit sets the limits, if they are others; 0 is none.
func (m *machine) limit(l wire.Limits) error {
	if l == m.limits {
		return nil
	}
	most := l.MemoryBytes
	if most > 0 {
		most += fileReserveBytes
	}
	m.memoryBytes.Store(l.MemoryBytes)
	for _, s := range []struct {
		knob  int
		value int64
	}{{knobMemory, most}, {knobPids, l.Pids}} {
		text := "max"
		if s.value > 0 {
			text = itoa(int(s.value))
		}
		if err := turn(s.knob, text); err != nil {
			return err
		}
	}
	m.limits = l
	return nil
}

// freezePatience is how long the sandbox's processes may take to stand still, in milliseconds.
const freezePatience = 10_000

// freeze stops all processes of the sandbox, and returns when they stand still, or lets them go on.
func freeze(on bool) error {
	text := "0"
	if on {
		text = "1"
	}
	if err := turn(knobFreeze, text); err != nil || !on {
		return err
	}
	fd, err := unix.Open(sandboxGroup+"/cgroup.events", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fail("freeze", err)
	}
	defer func() { _ = unix.Close(fd) }()
	for b := make([]byte, 1<<8); ; {
		n, err := unix.Pread(fd, b, 0)
		if err != nil {
			return fail("freeze", err)
		}
		if field(string(b[:n]), "frozen") == 1 {
			return nil
		}
		n, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}}, freezePatience)
		if err == nil && n == 0 {
			err = unix.ETIMEDOUT
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fail("freeze", err)
		}
	}
}

// stats reads what the sandbox has used, in a moment in which a caller may be waiting for it.
func (m *machine) stats() (wire.Stats, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_PREAD64, uintptr(knobs[knobPeak]), uintptr(unsafe.Pointer(&m.figure)), uintptr(len(m.figure)), 0, 0, 0)
	if errno != 0 {
		return wire.Stats{}, fail("read "+knobNames[knobPeak], errno)
	}
	s := wire.Stats{OOMKills: m.oomKills.Load()}
	for _, c := range m.figure[:n] {
		if c < '0' || c > '9' {
			break
		}
		s.PeakMemoryBytes = 10*s.PeakMemoryBytes + int64(c-'0')
	}
	if most := m.memoryBytes.Load(); most > 0 {
		s.PeakMemoryBytes = min(s.PeakMemoryBytes, most)
	}
	return s, nil
}

// memoryUsed is how much memory the sandbox has, in bytes, without what the kernel could give up of files.
func memoryUsed() (int64, error) {
	current, err := get(sandboxGroup + "/memory.current")
	if err != nil {
		return 0, err
	}
	stat, err := get(sandboxGroup + "/memory.stat")
	if err != nil {
		return 0, err
	}
	files := field(stat, "file") - field(stat, "shmem") + field(stat, "slab_reclaimable")
	return max(0, number(current)-files), nil
}

func number(text string) int64 { return field("n "+text, "n") }

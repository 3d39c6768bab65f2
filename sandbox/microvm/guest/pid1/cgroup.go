package pid1

import (
	"errors"

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
	return put(sandboxGroup+"/cgroup.procs", itoa(pid))
}

// limit sets the limits; 0 is none.
func limit(l wire.Limits) error {
	for _, s := range []struct {
		file  string
		value int64
	}{{"memory.max", l.MemoryBytes}, {"pids.max", l.Pids}} {
		text := "max"
		if s.value > 0 {
			text = itoa(int(s.value))
		}
		if err := put(sandboxGroup+"/"+s.file, text); err != nil {
			return err
		}
	}
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
	if err := put(sandboxGroup+"/cgroup.freeze", text); err != nil || !on {
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

// stats reads what the sandbox uses. Memory is without what the kernel could give up at once, which it holds of files.
func stats() (wire.Stats, error) {
	var text [5]string
	for i, file := range [5]string{"memory.current", "memory.peak", "memory.stat", "cpu.stat", "memory.events"} {
		var err error
		if text[i], err = get(sandboxGroup + "/" + file); err != nil {
			return wire.Stats{}, err
		}
	}
	files := field(text[2], "file") - field(text[2], "shmem")
	return wire.Stats{
		MemoryBytes:     max(0, number(text[0])-files),
		PeakMemoryBytes: number(text[1]),
		CPUNanos:        field(text[3], "usage_usec") * 1000,
		OOMKills:        field(text[4], "oom_kill"),
	}, nil
}

func number(text string) int64 { return field("n "+text, "n") }

// watchOOM calls tell with the number of processes that the memory limit has killed, each time it grew. It ends with an
// error only.
func watchOOM(tell func(kills int64) error) error {
	fd, err := unix.Open(sandboxGroup+"/memory.events", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fail("watch memory", err)
	}
	b := make([]byte, 1<<10)
	for told := int64(0); ; {
		n, err := unix.Pread(fd, b, 0)
		if err != nil {
			return fail("watch memory", err)
		}
		if kills := field(string(b[:n]), "oom_kill"); kills > told {
			told = kills
			if err := tell(kills); err != nil {
				return err
			}
		}
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}}, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return fail("watch memory", err)
		}
	}
}

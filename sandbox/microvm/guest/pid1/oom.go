package pid1

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/microvm/guest/wire"
)

// killPatience is how long a killed process may take to give its memory back, in milliseconds, before another is killed.
const killPatience = 2000

// watchMemory enforces the limit on memory, and tells the host of each process that was killed for it. The kernel wakes it
// whenever the sandbox's group has reached what it may have with files. It ends with an error only.
func (m *machine) watchMemory() error {
	fd, err := unix.Open(sandboxGroup+"/memory.events", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fail("watch memory", err)
	}
	b := make([]byte, 1<<10)
	for ours := int64(0); ; {
		n, err := unix.Pread(fd, b, 0)
		if err != nil {
			return fail("watch memory", err)
		}
		killed, err := m.killForMemory()
		if err != nil {
			return err
		}
		ours += killed
		if kills := ours + field(string(b[:n]), "oom_kill"); kills > m.oomKills.Load() {
			m.oomKills.Store(kills)
			if err := m.event(wire.KindOOM, (&wire.OOM{Kills: kills}).Append(nil)); err != nil {
				return err
			}
		}
		if killed > 0 {
			continue
		}
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}}, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return fail("watch memory", err)
		}
	}
}

// killForMemory kills the largest process if the sandbox has more memory than its limit, and waits for its end. It returns
// how many it killed.
func (m *machine) killForMemory() (int64, error) {
	most := m.memoryBytes.Load()
	if most == 0 {
		return 0, nil
	}
	used, err := memoryUsed()
	if err != nil || used <= most {
		return 0, err
	}
	pid, err := m.largest()
	if err != nil || pid == 0 {
		return 0, err
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return 0, nil //nolint:nilerr // it ended by itself
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		return 0, nil //nolint:nilerr // as above
	}
	_, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, killPatience)
	if errors.Is(err, unix.EINTR) {
		err = nil
	}
	return 1, fail("wait for a killed process", err)
}

// largest is the process of the sandbox with the most memory, other than the agent if there is another; 0 if there is none.
func (m *machine) largest() (int, error) {
	list, err := get(sandboxGroup + "/cgroup.procs")
	if err != nil {
		return 0, err
	}
	found, most := 0, int64(-1)
	for text := range strings.Lines(list) {
		pid := int(number(strings.TrimSpace(text)))
		statm, err := get("/proc/" + itoa(pid) + "/statm")
		if err != nil {
			continue // it has just ended
		}
		parts := strings.Fields(statm)
		if len(parts) < 2 {
			continue
		}
		size := number(parts[1])
		if pid == m.launcher.pid {
			size = 0
		}
		if size > most {
			found, most = pid, size
		}
	}
	return found, nil
}

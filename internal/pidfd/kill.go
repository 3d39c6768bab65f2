package pidfd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// killPatience is how long a killed process may take to end, with all that has to end before it.
	killPatience = 10 * time.Second
	// killLook is how often Kill looks whether its caller still wants to wait, in milliseconds.
	killLook = 100
)

// Kill kills process pid if it is one that is meant, and waits until it has ended; of a child it waits for no status. It
// says whether it killed one: not if there is none, nor if meant says no, which is asked when the number cannot change
// hands any more.
func Kill(ctx context.Context, pid int, meant func(pid int) bool) (bool, error) {
	p, err := Open(pid)
	if errors.Is(err, ErrEnded) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = p.Close() }()
	if !meant(pid) {
		return false, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, killPatience, fmt.Errorf("it is still there after %s", killPatience))
	defer cancel()
	switch err := p.Signal(unix.SIGKILL); {
	case errors.Is(err, ErrEnded):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("kill process %d: %w", pid, err)
	}
	if err := p.awaitEnd(ctx); err != nil {
		return true, fmt.Errorf("kill process %d: %w", pid, err)
	}
	return true, nil
}

// KillAll kills all processes of this host that are meant, and returns their numbers. It goes on when one cannot be
// killed.
func KillAll(ctx context.Context, meant func(pid int) bool) (killed []int, err error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || !meant(pid) {
			continue
		}
		if err := context.Cause(ctx); err != nil {
			errs = append(errs, err)
			break
		}
		ok, err := Kill(ctx, pid, meant)
		if ok {
			killed = append(killed, pid)
		}
		errs = append(errs, err)
	}
	return killed, errors.Join(errs...)
}

// awaitEnd waits until the process, anybody's, has ended.
func (p *Process) awaitEnd(ctx context.Context) error {
	raw, err := p.fd.SyscallConn()
	if err != nil {
		return err
	}
	for {
		var n int
		var perr error
		if err := raw.Control(func(fd uintptr) {
			n, perr = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, killLook) //nolint:gosec // a descriptor
		}); err != nil {
			return err
		}
		if n > 0 || (perr != nil && !errors.Is(perr, unix.EINTR)) {
			return perr
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

package pidfd_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/internal/pidfd"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// sleeper starts a child that sleeps, for which somebody has to wait.
func sleeper(t *testing.T) int {
	t.Helper()
	path, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	pid, err := syscall.ForkExec(path, []string{"sleep", "1000"}, &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}})
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func child(t *testing.T) *pidfd.Process {
	t.Helper()
	p, err := pidfd.Child(sleeper(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func TestChildEndsOnce(t *testing.T) {
	t.Parallel()
	p := child(t)
	ended := make(chan unix.WaitStatus)
	go func() { ended <- p.Wait() }()
	if err := p.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if ws := <-ended; !ws.Signaled() || ws.Signal() != unix.SIGTERM {
		t.Errorf("it ended by %#x", ws)
	}
	if err := p.Signal(0); !errors.Is(err, pidfd.ErrEnded) {
		t.Errorf("signal to one that was waited for: %v", err)
	}
	if _, err := pidfd.Open(p.PID()); !errors.Is(err, pidfd.ErrEnded) {
		t.Errorf("open it again: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := p.Signal(0); !errors.Is(err, pidfd.ErrEnded) {
		t.Errorf("signal after close: %v", err)
	}
}

// TestKillAsksAgain: the number of what was meant may be another's by the time it is opened.
func TestKillAsksAgain(t *testing.T) {
	t.Parallel()
	p := child(t)
	asked := 0
	killed, err := pidfd.KillAll(t.Context(), func(pid int) bool {
		if pid == p.PID() {
			asked++
		}
		return pid == p.PID() && asked == 1
	})
	if err != nil || len(killed) != 0 || asked != 2 {
		t.Errorf("killed %v, asked %d times, %v", killed, asked, err)
	}
	ended := make(chan unix.WaitStatus, 1)
	go func() { ended <- p.Wait() }()
	killed, err = pidfd.KillAll(t.Context(), func(pid int) bool { return pid == p.PID() })
	if err != nil || !slices.Equal(killed, []int{p.PID()}) {
		t.Errorf("killed %v, want %d: %v", killed, p.PID(), err)
	}
	if ws := <-ended; ws.Signal() != unix.SIGKILL {
		t.Errorf("it ended by %#x", ws)
	}
	if ok, err := pidfd.Kill(t.Context(), p.PID(), func(int) bool { return true }); ok || err != nil {
		t.Errorf("killed a process that is gone: %v, %v", ok, err)
	}
}

// TestKillAllEndsWithItsCaller: it kills nothing more, this process least of all.
func TestKillAllEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if killed, err := pidfd.KillAll(ctx, func(pid int) bool { return pid == os.Getpid() }); !errors.Is(err, context.Canceled) || len(killed) != 0 {
		t.Errorf("killed %v, %v", killed, err)
	}
}

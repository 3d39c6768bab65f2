package firecracker_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/sandbox/microvm/firecracker"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

func TestHowMachinesEnd(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	for name, c := range map[string]struct{ line, want string }{
		"reboot":  {"reboot", ""},
		"failure": {"exit 1", "exit status 1"},
		"seccomp": {"exit 148", "exit status 148"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := boot(t, d, small)
			_, _ = g.try(vmm.PortControl, "%s", c.line)
			if got := g.awaitEnd(); got != c.want {
				t.Errorf("it ended with %q, want %q", got, c.want)
			}
			gone(t, g.vm.PID())
			if err := g.vm.Kill(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestKillEndsEverything(t *testing.T) {
	t.Parallel()
	g := boot(t, newDriver(t), small)
	g.expect("1", "count")
	inner := monitor(t, g.vm.PID())
	if g.vm.Exit() != "" {
		t.Errorf("a running machine ended with %q", g.vm.Exit())
	}
	for range 2 {
		if err := g.vm.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	if g.vm.Exit() != "killed" {
		t.Errorf("it ended with %q", g.vm.Exit())
	}
	gone(t, g.vm.PID())
	gone(t, inner)
	if err := g.vm.Stop(within(t)); err == nil {
		t.Error("stopped a dead machine")
	}
}

func TestKillDoesNotWaitForReaders(t *testing.T) {
	t.Parallel()
	g := boot(t, newDriver(t), small)
	if _, err := fmt.Fprintln(g.ports[vmm.PortData], "long 8000000"); err != nil {
		t.Fatal(err)
	}
	if _, err := g.read[vmm.PortData].Peek(1); err != nil { // the rest is on its way, and nobody reads it
		t.Fatal(err)
	}
	start := time.Now()
	if err := g.vm.Kill(); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > patience/2 {
		t.Errorf("Kill took %s", d)
	}
}

func TestLastWordsAreKeptAndBounded(t *testing.T) {
	t.Parallel()
	g := boot(t, newDriver(t), small)
	for range 20 {
		g.expect("said", "say %s", strings.Repeat("noise ", 200))
	}
	g.expect("said", "say the end")
	_, _ = g.try(vmm.PortControl, "exit 1")
	got := g.awaitEnd()
	if !strings.HasSuffix(got, "the end") || len(got) > 4<<10 {
		t.Errorf("it ended with %d bytes: %.100q … %q", len(got), got, got[max(0, len(got)-40):])
	}
}

func TestLastBytesOfAPortArrive(t *testing.T) {
	t.Parallel()
	g := boot(t, newDriver(t), small)
	if got := g.ask(vmm.PortManage, "reboot"); got != "bye" { // the guest ends right after it said so
		t.Errorf("got %q", got)
	}
	g.awaitEnd()
	if _, err := g.read[vmm.PortManage].ReadByte(); err == nil {
		t.Error("the port goes on after the end")
	}
}

// daemonEnv makes the test binary a daemon with a machine: its value is the directory with the programs and the state.
const daemonEnv = "THAW_TEST_FIRECRACKER_DAEMON"

// beDaemon boots a machine, prints the supervisor's process ID, and waits for its end.
func beDaemon(dir string) {
	d, err := firecracker.New(firecracker.Options{
		StateDir: filepath.Join(dir, "state"), Program: filepath.Join(dir, "firecracker"), Jailer: filepath.Join(dir, "jailer"),
		Supervisor: os.Getenv(daemonEnv + "_JAIL"),
		Logger:     slog.New(slog.DiscardHandler),
	})
	check(err)
	m := vmm.Machine{ID: "daemons", Shape: small}
	for i := range m.Ports {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		check(err)
		m.Ports[i] = os.NewFile(uintptr(fds[1]), "port")
	}
	open := func(name string) *os.File {
		f, err := os.Open(filepath.Join(dir, name))
		check(err)
		return f
	}
	vm, err := d.Boot(context.Background(), m, vmm.Kernel{Image: open("kernel"), Initrd: open("kernel")})
	check(err)
	fmt.Println(vm.PID())
	<-vm.Done()
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// daemon starts a daemon on a state directory and returns it with its machine's supervisor and monitor.
func daemon(t *testing.T) (dir string, d *exec.Cmd, pids []int) {
	t.Helper()
	program, _ := programs(t)
	dir = filepath.Dir(program)
	if err := os.WriteFile(filepath.Join(dir, "kernel"), []byte("kernel"), 0o600); err != nil {
		t.Fatal(err)
	}
	d = exec.CommandContext(within(t), os.Args[0]) //nolint:gosec // this test binary
	d.Env = append(os.Environ(), daemonEnv+"="+dir, daemonEnv+"_JAIL="+helperbin.Jail(t))
	d.Stderr = t.Output()
	out, err := d.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return dir, d, []int{pid, monitor(t, pid)}
}

func TestMachinesDieWithTheDaemon(t *testing.T) {
	t.Parallel()
	driver := newDriver(t) // skips without root
	_ = driver
	_, d, pids := daemon(t)
	watched := make([]int, len(pids))
	for i, pid := range pids {
		var err error
		if watched[i], err = unix.PidfdOpen(pid, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = d.Wait()
	for i, fd := range watched {
		if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(patience.Milliseconds())); n != 1 {
			t.Errorf("process %d survived the daemon: %v", pids[i], err)
		}
		_ = unix.Close(fd)
	}
}

func TestSweepEndsWhatOthersLeft(t *testing.T) {
	t.Parallel()
	_ = newDriver(t) // skips without root
	dir, d, pids := daemon(t)
	leftover := filepath.Join(dir, "state", "save-1")
	if err := os.WriteFile(leftover, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mine := boot(t, newDriver(t), small) // on another state directory
	sweeper := newDriver(t, func(o *firecracker.Options) { o.StateDir = filepath.Join(dir, "state") })
	if err := sweeper.Sweep(within(t)); err != nil {
		t.Fatal(err)
	}
	if err := d.Wait(); err != nil { // it ends when its machine has
		t.Error(err)
	}
	for _, pid := range pids {
		gone(t, pid)
	}
	if _, err := os.Stat(leftover); err == nil {
		t.Error("a file is left")
	}
	mine.expect("1", "count")
}

// TestLinksInTheJailLeadNowhere: a monitor that was taken over replaces its socket by a link to one of the host's.
func TestLinksInTheJailLeadNowhere(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	path := filepath.Join(t.TempDir(), "host.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	got := make(chan struct{})
	go func() {
		if conn, err := l.Accept(); err == nil {
			close(got)
			_ = conn.Close()
		}
	}()
	g := boot(t, d, small)
	g.expect("linked", "link %s", path)
	g.save(small) // the ports connect again, or try to
	if _, err := fmt.Fprintln(g.ports[vmm.PortControl], "count"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-got:
		t.Error("the driver connected to a socket of the host")
	case <-time.After(100 * time.Millisecond): // some 8 attempts
	}
	if err := g.vm.Kill(); err != nil {
		t.Error(err)
	}
}

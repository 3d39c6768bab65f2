package firecracker_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/sandbox/microvm/firecracker"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(daemonEnv); dir != "" {
		beDaemon(dir)
		return
	}
	leakcheck.Main(m)
}

// patience bounds every wait of these tests.
const patience = 20 * time.Second

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// programs returns firecracker and jailer: the double, under both names.
func programs(t testing.TB) (program, jailer string) {
	t.Helper()
	double := helperbin.Build(t, "thaw.dev/thaw/sandbox/microvm/firecracker/double")
	b, err := os.ReadFile(double)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"firecracker", "jailer"} {
		testenv.WriteProgram(t, filepath.Join(dir, name), b)
	}
	return filepath.Join(dir, "firecracker"), filepath.Join(dir, "jailer")
}

func newDriver(t testing.TB, change ...func(*firecracker.Options)) *firecracker.Driver {
	t.Helper()
	testenv.NeedsRoot(t)
	program, jailer := programs(t)
	o := firecracker.Options{
		StateDir: filepath.Join(t.TempDir(), "state"), Program: program, Jailer: jailer, Supervisor: helperbin.Jail(t),
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	for _, c := range change {
		c(&o)
	}
	d, err := firecracker.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

var ids atomic.Int32

// guest is the engine's side of a machine.
type guest struct {
	t     testing.TB
	vm    vmm.VM
	ports [vmm.NumPorts]net.Conn
	read  [vmm.NumPorts]*bufio.Reader
	wire  *os.File // its network
}

// machine returns a machine of a shape and the guest that it will be.
func machine(t testing.TB, shape vmm.Shape) (vmm.Machine, *guest) {
	t.Helper()
	m := vmm.Machine{ID: fmt.Sprintf("boot.%d", ids.Add(1)), Shape: shape}
	g := &guest{t: t}
	for i := range m.Ports {
		near, far := pair(t, unix.SOCK_STREAM)
		conn, err := net.FileConn(near)
		if err != nil {
			t.Fatal(err)
		}
		_ = near.Close()
		t.Cleanup(func() { _ = conn.Close() })
		g.ports[i], g.read[i], m.Ports[i] = conn, bufio.NewReader(conn), far
	}
	if shape.Network {
		g.wire, m.Network = pair(t, unix.SOCK_SEQPACKET)
		t.Cleanup(func() { _ = g.wire.Close() })
		m.MAC = net.HardwareAddr{2, 0, 0, 0, 0, 1}
	}
	if shape.ScratchBytes > 0 {
		m.Scratch = nameless(t, t.TempDir(), shape.ScratchBytes)
	}
	return m, g
}

// pair returns both ends of a socket; the near one supports deadlines.
func pair(t testing.TB, kind int) (near, far *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fds[0]), "near"), os.NewFile(uintptr(fds[1]), "far")
}

// nameless returns a file without a name, as engines make them.
func nameless(t testing.TB, dir string, bytes int64) *os.File {
	t.Helper()
	f, err := hostfile.Nameless(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(bytes); err != nil {
		t.Fatal(err)
	}
	return f
}

func memfd(t testing.TB, bytes int64) *os.File {
	t.Helper()
	f, err := hostfile.Memory("memory")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if err := f.Truncate(bytes); err != nil {
		t.Fatal(err)
	}
	return f
}

func duplicate(t testing.TB, f *os.File) *os.File {
	t.Helper()
	again, err := hostfile.Duplicate(f)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// kernel is what the double takes for one.
func kernel(t testing.TB) vmm.Kernel {
	t.Helper()
	file := func(name string) *os.File {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(name), 0o400); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	return vmm.Kernel{Image: file("vmlinux"), Initrd: file("initrd"), Cmdline: "quiet panic=-1"}
}

func boot(t testing.TB, d *firecracker.Driver, shape vmm.Shape) *guest {
	t.Helper()
	m, g := machine(t, shape)
	vm, err := d.Boot(within(t), m, kernel(t))
	if err != nil {
		t.Fatal(err)
	}
	g.vm = vm
	return g
}

// saved is a machine on files.
type saved struct {
	shape         vmm.Shape
	memory, state *os.File
}

// save stops and saves g, which goes on.
func (g *guest) save(shape vmm.Shape) saved {
	g.t.Helper()
	s := saved{shape: shape, memory: memfd(g.t, shape.MemoryBytes), state: nameless(g.t, g.t.TempDir(), 0)}
	g.t.Cleanup(func() { _ = s.state.Close() })
	if err := g.vm.Stop(within(g.t)); err != nil {
		g.t.Fatal(err)
	}
	if err := g.vm.Save(within(g.t), s.memory, s.state); err != nil {
		g.t.Fatal(err)
	}
	if err := g.vm.Continue(within(g.t)); err != nil {
		g.t.Fatal(err)
	}
	if err := hostfile.Seal(s.memory); err != nil {
		g.t.Fatal(err)
	}
	return s
}

func prepare(t testing.TB, d *firecracker.Driver, s saved) *guest {
	t.Helper()
	m, g := machine(t, s.shape)
	m.Memory = duplicate(t, s.memory)
	vm, err := d.Prepare(within(t), m)
	if err != nil {
		t.Fatal(err)
	}
	g.vm = vm
	return g
}

func load(t testing.TB, d *firecracker.Driver, s saved) *guest {
	t.Helper()
	g := prepare(t, d, s)
	if err := g.vm.Load(within(t), s.state); err != nil {
		t.Fatal(err)
	}
	return g
}

// ask sends a line on a port and returns the answer.
func (g *guest) ask(port int, format string, args ...any) string {
	g.t.Helper()
	answer, err := g.try(port, format, args...)
	if err != nil {
		g.t.Fatalf("%s: %v", fmt.Sprintf(format, args...), err)
	}
	return answer
}

func (g *guest) try(port int, format string, args ...any) (string, error) {
	if err := g.ports[port].SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(g.ports[port], format+"\n", args...); err != nil {
		return "", err
	}
	line, err := g.read[port].ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}

// expect asks and compares.
func (g *guest) expect(want string, format string, args ...any) {
	g.t.Helper()
	if got := g.ask(vmm.PortControl, format, args...); got != want {
		g.t.Errorf("%s: got %.200q, want %.200q", fmt.Sprintf(format, args...), got, want)
	}
}

func (g *guest) awaitEnd() string {
	g.t.Helper()
	select {
	case <-g.vm.Done():
		return g.vm.Exit()
	case <-time.After(patience):
		g.t.Fatal("the machine did not end")
		return ""
	}
}

// gone fails the test if process pid is still there.
func gone(t testing.TB, pid int) {
	t.Helper()
	if err := unix.Kill(pid, 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("process %d is still there: %v", pid, err)
	}
}

package guest_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm/guest"
	"thaw.dev/thaw/sandbox/sandboxtest"
	"thaw.dev/thaw/sandbox/sandboxtest/guest/wire"
)

const mib = 1 << 20

// linked is as much of a sandbox as sandboxtest.Meet needs.
type linked struct {
	sandbox.Sandbox
	link sandbox.Link
}

func (l linked) Link() sandbox.Link { return l.link }

func tenant(args ...string) wire.Request {
	return wire.Request{Op: wire.Run, UID: 1000, Args: args}
}

// TestGuest is one machine's life: every request of the manage channel, and what the agent and tenants find inside.
func TestGuest(t *testing.T) {
	t.Parallel()
	root := sandboxtest.RootImage(t)
	code := sandboxtest.CodeImage(t, map[string]string{"/code.txt": "code"})
	layer := sandboxtest.CodeImage(t, map[string]string{"/layer.txt": "layer"})
	const tmpBytes = 16 * mib
	ours, theirs := packets(t)
	began := time.Now()
	m := boot(t, []string{root, code, layer}, tmpBytes, theirs)
	if err := m.conn.Ready(within(t)); err != nil {
		t.Fatal(err)
	}
	kernel, took := m.conn.Boot()
	t.Logf("%s is ready after %s, by its own clock %s", kernel, time.Since(began), took)

	network := &guest.Network{
		Address: netip.MustParsePrefix("10.9.8.2/24"), Gateway: netip.MustParseAddr("10.9.8.1"),
		MAC: net.HardwareAddr{2, 0, 0, 9, 8, 2}, MTU: 1400,
	}
	began = time.Now()
	err := m.conn.Setup(within(t), guest.Setup{
		Args: []string{sandboxtest.GuestPath}, Env: []string{"A=b"}, Mounts: []guest.Mount{{Drive: 1, Target: "/var/task"}},
		Refresh: guest.Refresh{Hostname: "first", Network: network, Limits: guest.Limits{MemoryBytes: 64 * mib, Pids: 200}},
	})
	if err != nil {
		t.Fatal(err)
	}
	g := sandboxtest.Meet(t, linked{link: m.link})
	t.Logf("set up after %s", time.Since(began))
	g.Echo()

	t.Run("inside", func(t *testing.T) { inside(t, g, tmpBytes) })
	t.Run("hardening", func(t *testing.T) { hardening(t, g) })
	t.Run("channels", func(t *testing.T) { channels(t, m, g) })
	t.Run("mounts", func(t *testing.T) { mounts(t, m, g) })
	t.Run("network", func(t *testing.T) { frames(t, g, ours, network) })
	t.Run("refresh", func(t *testing.T) { refresh(t, m, g) })
	t.Run("limits", func(t *testing.T) { limits(t, m, g) })
	t.Run("quiesce", func(t *testing.T) { quiesce(t, m, g) })

	if err := m.conn.Setup(within(t), guest.Setup{Args: []string{"/x"}, Refresh: guest.Refresh{Hostname: "x"}}); !errors.Is(err, guest.ErrGuest) {
		t.Errorf("a second setup: %v", err)
	}
	g.Must(wire.Request{Op: wire.Print, Text: "last words"})
	if _, err := g.Try(wire.Request{Op: wire.Exit, N: 7}); err == nil {
		t.Error("the agent answered instead of exiting")
	}
	<-m.conn.Exited()
	if code, signal := m.conn.ExitStatus(); code != 7 || signal != 0 {
		t.Errorf("exit code %d, signal %d", code, signal)
	}
	wantLog(t, m, "last words")
	select {
	case <-m.done:
	case <-time.After(patience):
		t.Error("the machine goes on without its agent")
	}
}

// inside looks around in the sandbox.
func inside(t *testing.T, g *sandboxtest.Guest, tmpBytes int64) {
	if names := g.Must(wire.Request{Op: wire.List, Path: "/"}).Names; len(names) > 12 {
		t.Errorf("in the root directory: %q", names)
	}
	var pids []string
	for _, name := range g.Must(wire.Request{Op: wire.List, Path: "/proc"}).Names {
		if name[0] >= '0' && name[0] <= '9' {
			pids = append(pids, name)
		}
	}
	if !slices.Equal(pids, []string{"1"}) {
		t.Errorf("processes %q", pids)
	}
	want := []string{"fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero"}
	if names := g.Must(wire.Request{Op: wire.List, Path: "/dev"}).Names; !slices.Equal(names, want) {
		t.Errorf("in /dev: %q", names)
	}
	if names := g.Must(wire.Request{Op: wire.List, Path: "/sys"}).Names; len(names) > 0 {
		t.Errorf("in /sys: %q", names)
	}
	if n := g.Must(wire.Request{Op: wire.Free, Path: "/tmp"}).N; n != tmpBytes {
		t.Errorf("/tmp has %d bytes, want %d", n, tmpBytes)
	}
	if name := g.Must(wire.Request{Op: wire.Hostname}).Text; name != "first" {
		t.Errorf("host name %q", name)
	}
	if env := g.Must(wire.Request{Op: wire.Read, Path: "/proc/self/environ"}).Text; env != "A=b\x00" {
		t.Errorf("environment %q", env)
	}
	if text := g.Must(wire.Request{Op: wire.Read, Path: "/proc/self/limits"}).Text; !regexp.MustCompile(`Max processes +unlimited +unlimited`).MatchString(text) {
		t.Errorf("limits of the agent:\n%s", text)
	}
	if g.Do(wire.Request{Op: wire.Write, Path: "/etc/new", Text: "x"}).Err == "" {
		t.Error("the root can be written")
	}
	for _, path := range []string{"/dev/null", "/dev/shm/x", "/tmp/x"} {
		g.Must(wire.Request{Op: wire.Write, Path: path, Text: "x"})
	}
}

// hardening checks what agent and tenant must not be able to do, as the kernel itself tells it.
func hardening(t *testing.T, g *sandboxtest.Guest) {
	agent := g.Must(wire.Request{Op: wire.Read, Path: "/proc/self/status"}).Text
	const four = 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID | 1<<unix.CAP_KILL | 1<<unix.CAP_SYS_ADMIN
	wantStatus(t, agent, map[string]uint64{"CapEff": four, "CapPrm": four, "CapBnd": four, "CapInh": 0, "CapAmb": 0, "NoNewPrivs": 1})
	other := g.Must(tenant(wire.TenantRead, "/proc/self/status")).Text
	wantStatus(t, other, map[string]uint64{"CapEff": 0, "CapPrm": 0, "CapBnd": four, "NoNewPrivs": 1})
	for path, want := range map[string]string{
		"kernel/modules_disabled": "1", "kernel/sysrq": "0", "kernel/kptr_restrict": "2", "kernel/dmesg_restrict": "1",
		"kernel/kexec_load_disabled": "1", "user/max_user_namespaces": "0",
	} {
		if got := strings.TrimSpace(g.Must(wire.Request{Op: wire.Read, Path: "/proc/sys/" + path}).Text); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	for _, path := range []string{"/proc/1/environ", "/proc/1/root/proc/version", "/proc/kcore", "/proc/1/mem"} {
		if resp := g.Must(tenant(wire.TenantRead, path)); resp.N == 0 {
			t.Errorf("a tenant reads %s", path)
		}
	}
}

func wantStatus(t *testing.T, status string, want map[string]uint64) {
	t.Helper()
	for key, value := range want {
		_, rest, _ := strings.Cut(status, "\n"+key+":")
		text, _, _ := strings.Cut(rest, "\n")
		if got, err := strconv.ParseUint(strings.TrimSpace(text), 16, 64); err != nil || got != value {
			t.Errorf("%s is %s, want %x", key, text, value)
		}
	}
}

// channels sends more than any buffer on the way holds.
func channels(t *testing.T, m *vm, g *sandboxtest.Guest) {
	text := strings.Repeat("0123456789abcdef", 32<<10)
	if got := g.Must(wire.Request{Op: wire.Echo, Text: text}).Text; got != text {
		t.Errorf("%d bytes came back as %d", len(text), len(got))
	}
	g.Must(wire.Request{Op: wire.Print, Text: "to the log"})
	wantLog(t, m, "to the log")
	const n = 64 << 10
	g.Must(wire.Request{Op: wire.Garbage, N: n})
	if err := m.link.Data.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if got, err := io.CopyN(io.Discard, m.link.Data, n); got != n {
		t.Errorf("%d bytes on the data channel: %v", got, err)
	}
}

func wantLog(t *testing.T, m *vm, text string) {
	t.Helper()
	if err := m.link.Logs.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, len(text))
	if _, err := io.ReadFull(m.link.Logs, b); err != nil || string(b) != text {
		t.Errorf("the log says %q, %v", b, err)
	}
}

func mounts(t *testing.T, m *vm, g *sandboxtest.Guest) {
	for _, bad := range []guest.Mount{
		{Drive: 2, Target: "/nowhere"}, {Drive: 2, Target: "opt"}, {Drive: 2, Target: "/"}, {Drive: 2, Target: "/opt/../etc"},
		{Drive: 2, Target: "/dev/fd"}, {Drive: 2, Target: "/guest"}, {Drive: 0, Target: "/opt"}, {Drive: 77, Target: "/opt"}, {Drive: -1, Target: "/opt"},
	} {
		if err := m.conn.Mount(within(t), bad.Drive, bad.Target); !errors.Is(err, guest.ErrGuest) {
			t.Errorf("mounted drive %d on %q: %v", bad.Drive, bad.Target, err)
		}
	}
	if err := m.conn.Mount(within(t), 2, "/opt"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/var/task/code.txt": "code", "/opt/layer.txt": "layer"} {
		if got := g.Must(tenant(wire.TenantRead, path)).Text; got != want {
			t.Errorf("%s contains %q", path, got)
		}
		if g.Do(wire.Request{Op: wire.Write, Path: path, Text: "x"}).Err == "" {
			t.Errorf("could write %s", path)
		}
	}
}

// packets is a network: the host's end, and what QEMU needs to be told.
func packets(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs = os.NewFile(uintptr(fds[0]), "network"), os.NewFile(uintptr(fds[1]), "network")
	t.Cleanup(func() { _ = ours.Close() })
	return ours, theirs
}

// frames has the guest look for its gateway: it does that with the addresses it was given.
func frames(t *testing.T, g *sandboxtest.Guest, f *os.File, n *guest.Network) {
	resp := g.Do(wire.Request{Op: wire.Connect, Text: "192.0.2.1:80"})
	if resp.Err == "" {
		t.Error("there is somebody on the network")
	}
	gateway, self := n.Gateway.As4(), n.Address.Addr().As4()
	want := slices.Concat([]byte{0, 1, 8, 0, 6, 4, 0, 1}, n.MAC, self[:], make([]byte, 6), gateway[:]) // a question by ARP
	if err := f.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	for b := make([]byte, 2<<10); ; {
		k, err := f.Read(b)
		if err != nil {
			t.Fatalf("no question for the gateway: %v", err)
		}
		if k >= 42 && bytes.Equal(b[14:42], want) {
			return
		}
		if b[12] == 0x86 && b[13] == 0xdd {
			t.Errorf("the guest says something by IPv6: %x", b[:k])
		}
	}
}

func refresh(t *testing.T, m *vm, g *sandboxtest.Guest) {
	network := &guest.Network{
		Address: netip.MustParsePrefix("10.9.8.3/25"), Gateway: netip.MustParseAddr("10.9.8.1"),
		MAC: net.HardwareAddr{2, 0, 0, 9, 8, 3}, MTU: 1300,
	}
	again := guest.Refresh{Hostname: "second", Network: network, Limits: guest.Limits{MemoryBytes: 64 * mib, Pids: 190}}
	if err := m.conn.Refresh(within(t), again); err != nil {
		t.Fatal(err)
	}
	if name := g.Must(wire.Request{Op: wire.Hostname}).Text; name != "second" {
		t.Errorf("host name %q", name)
	}
	if route := g.Must(wire.Request{Op: wire.Read, Path: "/proc/net/fib_trie"}).Text; !strings.Contains(route, "10.9.8.3") || strings.Contains(route, "10.9.8.2\n") {
		t.Errorf("addresses after a refresh:\n%s", route)
	}
	asked := time.Now()
	if at := time.Unix(0, g.Must(wire.Request{Op: wire.Clocks}).N); at.Before(asked.Add(-5*time.Second)) || at.After(time.Now().Add(5*time.Second)) {
		t.Errorf("the guest's time is %s, the host's %s", at, asked)
	}
	for _, bad := range []guest.Refresh{{Network: network}, {Hostname: strings.Repeat("x", 65), Network: network}, {Hostname: "x"}} {
		if err := m.conn.Refresh(within(t), bad); !errors.Is(err, guest.ErrGuest) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func limits(t *testing.T, m *vm, g *sandboxtest.Guest) {
	if resp := g.Must(tenant(wire.TenantFill, "/tmp/big")); !strings.Contains(resp.Text, "no space left") {
		t.Errorf("filling /tmp ended with %+v", resp)
	}
	if resp := g.Must(tenant(wire.TenantAlloc, "100")); resp.N == 0 || strings.Contains(resp.Text, "allocated") {
		t.Errorf("100 MiB under a limit of 64: %+v", resp)
	}
	stats, err := m.conn.Stats(within(t))
	if err != nil || stats.OOMKills != 1 || stats.PeakMemoryBytes < 50*mib || stats.PeakMemoryBytes > 65*mib {
		t.Errorf("%+v, %v", stats, err)
	}
	if err := m.conn.Limit(within(t), guest.Limits{MemoryBytes: 100 * mib, Pids: 20}); err != nil {
		t.Fatal(err)
	}
	if resp := g.Must(tenant(wire.TenantAlloc, "70")); resp.N != 0 {
		t.Errorf("70 MiB under a limit of 100: %+v", resp)
	}
	if resp := g.Must(tenant(wire.TenantForkBomb)); !strings.Contains(resp.Text, "temporarily unavailable") {
		t.Errorf("the fork bomb ended with %+v", resp)
	}
	if err := m.conn.Limit(within(t), guest.Limits{}); err != nil {
		t.Fatal(err)
	}
	if kills := m.conn.OOMKills(); kills != 1 {
		t.Errorf("%d kills", kills)
	}
}

// quiesce stops the sandbox until the next refresh.
func quiesce(t *testing.T, m *vm, g *sandboxtest.Guest) {
	if err := m.conn.Quiesce(within(t)); err != nil {
		t.Fatal(err)
	}
	echoed := make(chan struct{})
	go func() {
		g.Echo()
		close(echoed)
	}()
	if _, err := m.conn.Stats(within(t)); err != nil {
		t.Error(err)
	}
	select {
	case <-echoed:
		t.Error("the agent runs in a quiet machine")
	default:
	}
	if err := m.conn.Refresh(within(t), guest.Refresh{Hostname: "third", Network: &guest.Network{
		Address: netip.MustParsePrefix("10.9.8.3/25"), Gateway: netip.MustParseAddr("10.9.8.1"), MAC: net.HardwareAddr{2, 0, 0, 9, 8, 3}, MTU: 1300,
	}}); err != nil {
		t.Fatal(err)
	}
	<-echoed
}

package jail_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/sandbox/microvm/jail"
)

// The test binary plays all parts: the shim, the jailed program, and a daemon that is killed.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == jail.Word:
		os.Exit(jail.Main(os.Args[2:]))
	case os.Args[0] == "inside":
		inside(os.Args[1])
	case len(os.Args) > 1 && os.Args[1] == "daemon":
		daemon(os.Args[2])
	}
	leakcheck.Main(m)
}

// inside is the jailed program. It says that it runs through descriptor 3 and waits for that to end.
func inside(what string) {
	switch what {
	case "fail":
		fmt.Fprintln(os.Stderr, strings.Repeat("x", 10<<10)+" last words")
		os.Exit(3)
	case "write":
		f := os.NewFile(3, "file")
		_, err := f.WriteAt([]byte("a"), 1<<20-1)
		_, over := f.WriteAt([]byte("a"), 1<<20)
		_, open := os.OpenFile("/x", os.O_CREATE|os.O_WRONLY, 0o600)
		_, device := os.OpenFile("/dev/x", os.O_CREATE|os.O_WRONLY, 0o600)
		fmt.Fprintln(os.Stderr, err == nil, errors.Is(over, unix.EFBIG), errors.Is(open, unix.EROFS), errors.Is(device, unix.EROFS),
			errors.Is(unix.Mount("none", "/dev", "tmpfs", 0, ""), unix.EPERM), errors.Is(unix.Setuid(0), unix.EPERM), os.Getenv("HOME") == "", os.Getenv("WORD"))
		os.Exit(1)
	}
	f := os.NewFile(3, "socket")
	_, _ = f.Write([]byte("up"))
	_, _ = f.Read(make([]byte, 1))
	os.Exit(0)
}

// daemon owns a jailed program and says its number.
func daemon(parent string) {
	p, err := start(context.Background(), parent, "wait", os.NewFile(3, "socket"))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(p.PID())
	select {}
}

func start(ctx context.Context, parent, what string, files ...*os.File) (*jail.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	root, err := jail.NewRoot(ctx, parent, jail.File{From: self, To: "/bin/jail.test"}, jail.File{From: "/etc/passwd", To: "/etc/name"})
	if err != nil {
		return nil, err
	}
	return jail.Start(ctx, jail.Options{
		Shim: []string{self, jail.Word}, Root: root, Args: []string{"inside", what}, Env: []string{"WORD=given"}, Files: files,
		MaxFiles: 32, MaxFileBytes: 1 << 20,
	})
}

// socket returns two ends of a connection. Reads of ours end after a few seconds.
func socket(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		t.Fatal(err)
	}
	ours, theirs = os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	if err := ours.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

// waiting starts a program that waits, and returns the end of the socket that ends it.
func waiting(t *testing.T) (*jail.Process, *os.File) {
	t.Helper()
	testenv.NeedsRoot(t)
	ours, theirs := socket(t)
	p, err := start(t.Context(), t.TempDir(), "wait", theirs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	if _, err := ours.Read(make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	_ = theirs.Close()
	return p, ours
}

func TestWhatAJailedProcessIs(t *testing.T) {
	t.Parallel()
	p, ours := waiting(t)
	proc := fmt.Sprintf("/proc/%d/", p.PID())
	status, err := os.ReadFile(proc + "status")
	if err != nil {
		t.Fatal(err)
	}
	zero, user := "0000000000000000", strings.TrimSuffix(strings.Repeat(strconv.Itoa(jail.User)+"\t", 4), "\t")
	for name, want := range map[string]string{
		"CapInh": zero, "CapPrm": zero, "CapEff": zero, "CapBnd": zero, "CapAmb": zero,
		"NoNewPrivs": "1", "THP_enabled": "0", "Uid": user, "Gid": user, "Groups": "",
		"NSpid": strconv.Itoa(p.PID()) + "\t1",
	} {
		if !strings.Contains(string(status), "\n"+name+":\t"+want) || (name == "Groups" && !strings.Contains(string(status), "\nGroups:\t \n")) {
			t.Errorf("%s is not %q:\n%s", name, want, status)
		}
	}
	for _, ns := range []string{"mnt", "pid", "net", "ipc", "uts", "cgroup"} {
		inside, err := os.Readlink(proc + "ns/" + ns)
		outside, err2 := os.Readlink("/proc/self/ns/" + ns)
		if err != nil || err2 != nil || inside == outside {
			t.Errorf("namespace %s: %s inside, %s outside, %v, %v", ns, inside, outside, err, err2)
		}
	}
	for dir, want := range map[string][]string{"": {"bin", "dev", "etc", "proc"}, "bin": {"jail.test"}, "etc": {"name"}, "dev": {"null", "urandom"}} {
		got := slices.DeleteFunc(names(t, proc+"root/"+dir), func(name string) bool {
			return strings.HasPrefix(name, "lib") // of a test that was built with -race
		})
		if !slices.Equal(got, want) {
			t.Errorf("/%s holds %v, want %v", dir, got, want)
		}
	}
	mounts, err := os.ReadFile(proc + "mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(mounts)), "\n")
	for i, at := range []string{"/", "/proc", "/dev"} {
		if len(lines) != 3 {
			t.Fatalf("%d mounts:\n%s", len(lines), mounts)
		}
		if f := strings.Fields(lines[i]); f[4] != at || !strings.HasPrefix(f[5], "ro,nosuid") {
			t.Errorf("mount %s: %s", at, lines[i])
		}
	}
	fds := names(t, proc+"fd")
	for _, fd := range fds {
		target, err := os.Readlink(proc + "fd/" + fd)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"0": "/dev/null", "1": "/dev/null", "2": "pipe:", "3": "socket:"}[fd]
		if want == "" {
			want = "anon_inode:" // of the Go runtime in it
		}
		if !strings.HasPrefix(target, want) {
			t.Errorf("descriptor %s is %s", fd, target)
		}
	}
	limits, err := os.ReadFile(proc + "limits")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Max core file size": "0 0", "Max open files": "32 32", "Max file size": "1048576 1048576", "Max locked memory": "0 0"} {
		_, rest, _ := strings.Cut(string(limits), name)
		if got := strings.Join(strings.Fields(rest)[:2], " "); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	_ = ours.Close()
	<-p.Done()
	if p.Exit() != "" {
		t.Errorf("exit %q", p.Exit())
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestWhatAJailedProcessCannot(t *testing.T) {
	t.Parallel()
	testenv.NeedsRoot(t)
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	p, err := start(t.Context(), t.TempDir(), "write", file)
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if want := "exit status 1: true true true true true true true given"; p.Exit() != want {
		t.Errorf("%q, want %q", p.Exit(), want)
	}
}

func TestLastWords(t *testing.T) {
	t.Parallel()
	testenv.NeedsRoot(t)
	p, err := start(t.Context(), t.TempDir(), "fail")
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if e := p.Exit(); !strings.HasPrefix(e, "exit status 3: x") || !strings.HasSuffix(e, " last words") || len(e) > 4<<10 {
		t.Errorf("%d bytes: %.40s", len(e), e)
	}
	p.Kill()
}

func TestKill(t *testing.T) {
	t.Parallel()
	p, _ := waiting(t)
	p.Kill()
	p.Kill()
	if p.Exit() != "killed" {
		t.Errorf("exit %q", p.Exit())
	}
	if err := unix.Kill(p.PID(), 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("signal to the dead: %v", err)
	}
}

func TestStartedMayRefuse(t *testing.T) {
	t.Parallel()
	testenv.NeedsRoot(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	root, err := jail.NewRoot(t.Context(), t.TempDir(), jail.File{From: self})
	if err != nil {
		t.Fatal(err)
	}
	refused, pid := errors.New("refused"), 0
	_, err = jail.Start(t.Context(), jail.Options{
		Shim: []string{self, jail.Word}, Root: root, Args: []string{"inside", "wait"}, MaxFiles: 8,
		Started: func(p int) error { pid = p; return refused },
	})
	if !errors.Is(err, refused) {
		t.Errorf("error %v", err)
	}
	if err := unix.Kill(pid, 0); pid == 0 || !errors.Is(err, unix.ESRCH) {
		t.Errorf("process %d: %v", pid, err)
	}
}

// killedDaemon starts a daemon that owns a jailed program, and returns both.
func killedDaemon(t *testing.T, parent string) (daemon *exec.Cmd, pid int) {
	t.Helper()
	testenv.NeedsRoot(t)
	ours, theirs := socket(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	daemon = exec.CommandContext(t.Context(), self, "daemon", parent)
	daemon.ExtraFiles = []*os.File{theirs}
	out, err := daemon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if pid, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
		t.Fatal(line)
	}
	if _, err := ours.Read(make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	return daemon, pid
}

// ended waits until a process that is not our child has ended.
func ended(t *testing.T, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10_000); n != 1 {
		t.Errorf("process %d lives on: %v", pid, err)
	}
}

func TestDiesWithTheDaemon(t *testing.T) {
	t.Parallel()
	daemon, pid := killedDaemon(t, t.TempDir())
	if err := daemon.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = daemon.Wait()
	ended(t, pid)
}

func TestSweep(t *testing.T) {
	t.Parallel()
	parent, other := t.TempDir(), t.TempDir()
	daemon, pid := killedDaemon(t, parent)
	elsewhere, spared := killedDaemon(t, other)
	killed, err := jail.Sweep(t.Context(), parent, nil)
	if err != nil || !slices.Equal(killed, []int{pid}) {
		t.Errorf("killed %v, want %d: %v", killed, pid, err)
	}
	ended(t, pid)
	if left, err := filepath.Glob(parent + "/*"); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if err := unix.Kill(spared, 0); err != nil {
		t.Errorf("the other: %v", err)
	}
	for _, d := range []*exec.Cmd{daemon, elsewhere} {
		_ = d.Process.Kill()
		_ = d.Wait()
	}
	ended(t, spared)
}

func TestRootHoldsLibraries(t *testing.T) {
	t.Parallel()
	sh := testenv.NeedsCommand(t, "sh")
	sum := ""
	for range 2 {
		parent := t.TempDir()
		root, err := jail.NewRoot(t.Context(), parent, jail.File{From: sh})
		if err != nil {
			t.Fatal(err)
		}
		if root.Program() != sh || len(root.Sum()) != 64 || (sum != "" && sum != root.Sum()) {
			t.Errorf("%s, %s after %s", root.Program(), root.Sum(), sum)
		}
		sum = root.Sum()
		libc, err := filepath.Glob(parent + "/root-*/lib/*/libc.so.6")
		if err != nil || len(libc) != 1 {
			t.Errorf("libc: %v, %v", libc, err)
		}
		if err := root.Remove(); err != nil {
			t.Error(err)
		}
	}
	if _, err := jail.NewRoot(t.Context(), t.TempDir(), jail.File{From: "/etc/passwd"}); err == nil {
		t.Error("a root for a text file")
	}
}

func BenchmarkStart(b *testing.B) {
	testenv.NeedsRoot(b)
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	root, err := jail.NewRoot(b.Context(), b.TempDir(), jail.File{From: self})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		p, err := jail.Start(b.Context(), jail.Options{Shim: []string{self, jail.Word}, Root: root, Args: []string{"inside", "fail"}, MaxFiles: 32})
		if err != nil {
			b.Fatal(err)
		}
		<-p.Done()
	}
}

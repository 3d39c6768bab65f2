package guest_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm/guest"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// patience bounds what a machine may take for anything.
const patience = 60 * time.Second

// machines limits how many run at once: emulation takes a core each.
var machines = make(chan struct{}, 1)

// files builds the guest's files as a user does, once for all test processes.
func files(t testing.TB) *guest.Files {
	t.Helper()
	dir := testenv.Cached(t, "guest", "debian-2", func(dir string) {
		began := time.Now()
		if err := guest.Build(t.Context(), dir, guest.Source{}, func(step string) { t.Logf("%s: %s", time.Since(began), step) }); err != nil {
			t.Fatal(err)
		}
	})
	f, err := guest.Open(dir, helperbin.Build(t, "thaw.dev/thaw/cmd/thaw-init"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// vm is a machine under test: QEMU with nothing around it.
type vm struct {
	conn    *guest.Conn
	link    sandbox.Link
	done    chan struct{}
	console func() string
}

// boot starts a machine with these images as its drives, and a disk for /tmp of tmpBytes if that is not 0, and a network
// device if it gets one.
func boot(t testing.TB, images []string, tmpBytes int64, network *os.File) *vm {
	t.Helper()
	qemu := testenv.NeedsCommand(t, "qemu-system-x86_64")
	f := files(t)
	machines <- struct{}{}
	var (
		cmd   = exec.Command(qemu)
		ours  [vmm.NumPorts]*os.File
		pass  []*os.File
		args  = strings.Fields("-M microvm,isa-serial=on,pit=off,pic=off,rtc=on -accel tcg -cpu max -m 256 -smp 1 -nodefaults -no-user-config -display none -no-reboot")
		k     = f.Kernel()
		kfd   = func(f *os.File) string { pass = append(pass, f); return strconv.Itoa(2 + len(pass)) }
		log   = filepath.Join(t.TempDir(), "console")
		cline = k.Cmdline + " tsc=reliable no_timer_check tsc_early_khz=" + counterKHz(t)
	)
	if testing.Verbose() {
		cline = strings.NewReplacer("8250.nr_uarts=0", "console=ttyS0", "quiet", "").Replace(cline)
		args = append(args, "-serial", "file:"+log)
	}
	args = append(args, "-kernel", "/proc/self/fd/"+kfd(k.Image), "-initrd", "/proc/self/fd/"+kfd(k.Initrd), "-append", cline)
	args = append(args, "-device", "virtio-serial-device,max_ports=8")
	for i, name := range vmm.PortNames {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		ours[i] = os.NewFile(uintptr(fds[0]), name)
		fd := kfd(os.NewFile(uintptr(fds[1]), name))
		args = append(args, "-chardev", fmt.Sprintf("socket,id=c%d,fd=%s", i, fd), "-device", fmt.Sprintf("virtserialport,nr=%d,chardev=c%d,name=%s", i+1, i, name))
	}
	disk := func(path, serial, options string) {
		i := strings.Count(strings.Join(args, " "), "virtio-blk")
		args = append(args, "-blockdev", fmt.Sprintf("driver=raw,node-name=d%d,file.driver=file,file.filename=%s,file.locking=off,%s", i, path, options),
			"-device", fmt.Sprintf("virtio-blk-device,drive=d%d,serial=%s", i, serial))
	}
	for i, path := range images {
		disk(path, vmm.DriveSerial(i), "read-only=on")
	}
	if tmpBytes > 0 {
		path := filepath.Join(t.TempDir(), "scratch")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := guest.FormatScratch(f, tmpBytes); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		disk(path, vmm.ScratchSerial, "cache.no-flush=on")
	}
	if network != nil {
		args = append(args, "-netdev", "dgram,id=n,local.type=fd,local.str="+kfd(network), "-device", "virtio-net-device,netdev=n")
	}
	cmd.Args = append(cmd.Args, args...)
	cmd.ExtraFiles = pass
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range pass[2:] {
		_ = f.Close()
	}
	m := &vm{
		conn: guest.NewConn(ours[vmm.PortManage]),
		link: sandbox.Link{Control: ours[vmm.PortControl], Data: ours[vmm.PortData], Logs: ours[vmm.PortLogs]},
		done: make(chan struct{}),
		console: sync.OnceValue(func() string {
			b, _ := os.ReadFile(log)
			return said.String() + string(b)
		}),
	}
	go func() {
		_ = cmd.Wait()
		close(m.done)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-m.done
		_ = m.conn.Close()
		for _, f := range ours[1:] {
			_ = f.Close()
		}
		<-machines
		if t.Failed() || testing.Verbose() {
			t.Logf("console:\n%s", m.console())
		}
	})
	return m
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// counterKHz is roughly the frequency of the processor's time stamp counter.
func counterKHz(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^cpu MHz\s*: (\d+)\.(\d{3})`).FindSubmatch(b)
	if m == nil {
		t.Fatal("/proc/cpuinfo does not tell the processor's frequency")
	}
	return string(m[1]) + string(m[2])
}

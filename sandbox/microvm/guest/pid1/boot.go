package pid1

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Where things are in the machine's own file system.
const (
	modulesDir = "/modules"
	cgroupDir  = "/cgroup"
	root       = "/sandbox" // where the root image is mounted, which is the agent's root
	devDir     = "/sandbox-dev"
	procDir    = "/sandbox-proc"
)

// Dirs are the directories that the initramfs must have, and ModulesDir the one with the kernel's modules, whose names
// give their order.
var Dirs = []string{"/dev", "/proc", "/sys", ModulesDir, cgroupDir, root, devDir, procDir}

// ModulesDir is where the initramfs has the kernel's modules.
const ModulesDir = modulesDir

// mount is a mount to make.
type mount struct {
	source, target, kind string
	flags                uintptr
	options              string
}

func (m mount) do() error {
	var text [4]*byte
	for i, s := range [...]string{m.source, m.target, m.kind, m.options} {
		if s == "" {
			continue
		}
		var err error
		if text[i], err = unix.BytePtrFromString(s); err != nil {
			return fail("mount "+m.target, err)
		}
	}
	return fail("mount "+m.target, raw(unix.SYS_MOUNT, uintptr(unsafe.Pointer(text[0])), uintptr(unsafe.Pointer(text[1])),
		uintptr(unsafe.Pointer(text[2])), m.flags, uintptr(unsafe.Pointer(text[3]))))
}

// prepare makes a machine of what the kernel left.
func prepare() error {
	const quiet = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	for _, m := range []mount{
		{"dev", "/dev", "devtmpfs", unix.MS_NOSUID | unix.MS_NOEXEC, ""},
		{"proc", "/proc", "proc", quiet, ""},
		{"sysfs", "/sys", "sysfs", quiet, ""},
	} {
		if err := m.do(); err != nil {
			return err
		}
	}
	if err := loadModules(); err != nil {
		return err
	}
	if err := harden(); err != nil {
		return err
	}
	if err := (mount{"cgroup", cgroupDir, "cgroup2", quiet, ""}).do(); err != nil {
		return err
	}
	return makeDev()
}

func loadModules() error {
	dir, err := os.ReadDir(modulesDir) // sorted
	if err != nil {
		return err
	}
	for _, entry := range dir {
		path := modulesDir + "/" + entry.Name()
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fail("open "+path, err)
		}
		if err := unix.FinitModule(fd, "", 0); err != nil && !errors.Is(err, unix.EEXIST) {
			return fail("load "+path, err)
		}
		_ = unix.Close(fd)
		_ = unix.Unlink(path) // gives the memory back
	}
	return nil
}

// harden takes away what nobody in this machine needs any more, or never did.
func harden() error {
	for _, s := range [][2]string{
		{"kernel/modules_disabled", "1"},
		{"kernel/kexec_load_disabled", "1"},
		{"kernel/sysrq", "0"},
		{"kernel/kptr_restrict", "2"},
		{"kernel/dmesg_restrict", "1"},
		{"kernel/unprivileged_bpf_disabled", "2"},
		{"user/max_user_namespaces", "0"},
		{"kernel/core_pattern", "core"},
		{"net/ipv6/conf/default/accept_ra", "0"},
		{"net/ipv6/conf/all/accept_ra", "0"},
		// Housekeeping that would wake each machine once or twice a second.
		{"vm/stat_interval", "3600"},
		{"vm/compaction_proactiveness", "0"},
	} {
		if err := put("/proc/sys/"+s[0], s[1]); err != nil {
			return err
		}
	}
	return put("/proc/self/oom_score_adj", "-1000")
}

// makeDev makes the sandbox's /dev.
func makeDev() error {
	for _, m := range []mount{
		{"dev", devDir, "tmpfs", unix.MS_NOSUID | unix.MS_NOEXEC, "mode=755,size=64k,nr_inodes=64"},
		{"devpts", devDir + "/pts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620,gid=5"},
		{"shm", devDir + "/shm", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, "mode=1777"},
	} {
		if m.target != devDir {
			if err := unix.Mkdir(m.target, 0o755); err != nil {
				return fail("make "+m.target, err)
			}
		}
		if err := m.do(); err != nil {
			return err
		}
	}
	unix.Umask(0)
	defer unix.Umask(0o022)
	for name, minor := range map[string]uint32{"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9} {
		if err := unix.Mknod(devDir+"/"+name, unix.S_IFCHR|0o666, int(unix.Mkdev(1, minor))); err != nil {
			return fail("make "+name, err)
		}
	}
	if err := unix.Mknod(devDir+"/tty", unix.S_IFCHR|0o666, int(unix.Mkdev(5, 0))); err != nil {
		return fail("make tty", err)
	}
	for name, to := range map[string]string{
		"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2", "ptmx": "pts/ptmx",
	} {
		if err := unix.Symlink(to, devDir+"/"+name); err != nil {
			return fail("make "+name, err)
		}
	}
	return nil
}

// fail says at what err happened; nil stays nil.
func fail(what string, err error) error {
	if err == nil {
		return nil
	}
	return &failure{what, err}
}

type failure struct {
	what string
	err  error
}

func (f *failure) Error() string { return f.what + ": " + f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// put writes text into a control file of the kernel.
func put(path, text string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fail("open "+path, err)
	}
	_, err = unix.Write(fd, []byte(text))
	_ = unix.Close(fd)
	return fail("write "+text+" to "+path, err)
}

// get reads a small file.
func get(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", fail("open "+path, err)
	}
	defer func() { _ = unix.Close(fd) }()
	b := make([]byte, 8<<10)
	n, err := readFull(fd, b)
	if err != nil {
		return "", fail("read "+path, err)
	}
	return strings.TrimSpace(string(b[:n])), nil
}

// field is the number after name in a file with a name and a number per line.
func field(text, name string) int64 {
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), " "); ok && k == name {
			n, _ := strconv.ParseInt(v, 10, 64)
			return n
		}
	}
	return 0
}

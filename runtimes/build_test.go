package runtimes_test

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/erofs/go-erofs"
	"golang.org/x/sys/unix"

	"thaw.dev/thaw/image"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/runtimes"
)

// steps collects what a catalog reports.
type steps struct {
	mu  sync.Mutex
	all []string
}

func (s *steps) add(runtime, step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, runtime+": "+step)
}

func (s *steps) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.all
	s.all = nil
	return all
}

// agentFile makes a file that stands for the agent, which these tests do not run.
func agentFile(t testing.TB, content string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "agent")
	if err := os.WriteFile(p, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
	return p
}

type options struct {
	dir, agent, searchPath string
	progress               func(string, string)
}

func open(t testing.TB, o options) *runtimes.Catalog {
	t.Helper()
	if o.dir == "" {
		o.dir = t.TempDir()
	}
	if o.agent == "" {
		o.agent = agentFile(t, "agent")
	}
	images, err := image.OpenStore(filepath.Join(o.dir, "images"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := runtimes.Open(runtimes.Options{
		Dir: filepath.Join(o.dir, "runtimes"), Images: images, AgentBinary: o.agent,
		SearchPath: o.searchPath, Progress: o.progress,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// installed returns the runtimes of a family on this machine.
func installed(t *testing.T, c *runtimes.Catalog, family lambda.Family) []runtimes.Runtime {
	t.Helper()
	all, err := c.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []runtimes.Runtime
	for _, r := range all {
		if r.Family == family {
			out = append(out, r)
		}
	}
	return out
}

// unpack writes an image into a directory, in which its programs can be run with chroot.
func unpack(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fsys, err := erofs.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.Chmod(filepath.Dir(root), 0o755); err != nil { // for programs that are not root
		t.Fatal(err)
	}
	err = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		dst := filepath.Join(root, p)
		switch d.Type() {
		case fs.ModeDir:
			if err := os.MkdirAll(dst, 0o755); err != nil {
				return err
			}
			return os.Chmod(dst, info.Mode().Perm())
		case fs.ModeSymlink:
			target, err := fsys.(interface {
				ReadLink(name string) (string, error)
			}).ReadLink(p)
			if err != nil {
				return err
			}
			return os.Symlink(target, dst)
		}
		in, err := fsys.Open(p)
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := os.OpenFile(dst, os.O_CREATE|os.O_WRONLY|os.O_EXCL, info.Mode().Perm())
		if err != nil {
			return err
		}
		defer out.Close()
		if _, err := io.Copy(out, in); err != nil {
			return err
		}
		return os.Chtimes(dst, info.ModTime(), info.ModTime())
	})
	if err != nil {
		t.Fatal(err)
	}
	null := filepath.Join(root, "dev", "null") // a sandbox has a /dev of its own
	if err := unix.Mknod(null, unix.S_IFCHR, int(unix.Mkdev(1, 3))); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(null, 0o666); err != nil {
		t.Fatal(err)
	}
	return root
}

// inside runs a program in an unpacked image as the sandbox's user, with the runtime's environment.
func inside(t *testing.T, root string, img runtimes.Image, args ...string) string {
	t.Helper()
	out, err := command(root, img, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

func command(root string, img runtimes.Image, args ...string) *exec.Cmd {
	cmd := exec.Command("chroot", append([]string{fmt.Sprintf("--userspec=%d:%d", runtimes.UserID, runtimes.GroupID), root}, args...)...)
	cmd.Env = nil
	for k, v := range img.Env() {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	return cmd
}

func TestProvided(t *testing.T) {
	t.Parallel()
	testenv.NeedsRoot(t)
	c := open(t, options{})
	start := time.Now()
	img, err := c.Ensure(t.Context(), "provided.al2023")
	if err != nil {
		t.Fatal(err)
	}
	report(t, img, start)
	root := unpack(t, img.Path)
	for _, name := range []string{"curl", "jq", "openssl"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Logf("%s is not on this host", name)
			continue
		}
		inside(t, root, img, "sh", "-c", name+" --version || "+name+" version")
	}
	got := inside(t, root, img, "bash", "-c", `
		set -e
		printf 'b 2\na 1\n' | sort | awk '{print $2}' | sed s/1/one/ | grep -c . 
		cd /tmp; find /etc -name hosts | xargs cat | head -1
		id -un; tar --version >/dev/null; echo zip | gzip | gunzip
		date +%Z; test -r /etc/ssl/certs/ca-certificates.crt && echo certificates
		test -x /thaw/agent && echo agent
		ls -d /var/task /opt /tmp /proc /dev /sys /mnt /run /var/runtime >/dev/null && echo mounts`)
	want := "2\n127.0.0.1 localhost sandbox.localdomain sandbox\nsbx_user1051\nzip\nUTC\ncertificates\nagent\nmounts\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := img.Argv(); len(got) != 1 || got[0] != "/var/task/bootstrap" {
		t.Errorf("argv %v", got)
	}
	checkLibraries(t, root, img)
}

// checkLibraries asks the dynamic loader of the image whether anything an ELF file in it needs is missing.
func checkLibraries(t *testing.T, root string, img runtimes.Image) {
	t.Helper()
	loaders, _ := filepath.Glob(filepath.Join(root, "lib64", "ld-linux*"))
	if len(loaders) == 0 {
		t.Log("no glibc loader here")
		return
	}
	loader := strings.TrimPrefix(loaders[0], root)
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode()&0o111 == 0 && !strings.Contains(d.Name(), ".so") {
			return nil
		}
		out, _ := command(root, img, loader, "--list", strings.TrimPrefix(p, root)).CombinedOutput() // fails for files that are not ELF
		if strings.Contains(string(out), "not found") {
			t.Errorf("%s lacks a library:\n%s", strings.TrimPrefix(p, root), out)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func report(t *testing.T, img runtimes.Image, start time.Time) {
	t.Helper()
	info, err := os.Stat(img.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s %s: built in %d ms, %d MB", img.Name, img.Version, time.Since(start).Milliseconds(), info.Size()>>20)
}

func TestPython(t *testing.T) {
	t.Parallel()
	testenv.NeedsRoot(t)
	c := open(t, options{})
	all := installed(t, c, lambda.FamilyPython)
	if len(all) == 0 {
		t.Fatal("this machine has no Python")
	}
	if len(all) > 2 { // the oldest and the newest stand for what is between
		all = []runtimes.Runtime{all[0], all[len(all)-1]}
	}
	for _, r := range all {
		t.Run("runtime="+r.Name, func(t *testing.T) {
			start := time.Now()
			img, err := c.Ensure(t.Context(), r.Name)
			if err != nil {
				t.Fatal(err)
			}
			report(t, img, start)
			root := unpack(t, img.Path)
			python := "/var/lang/bin/" + r.Name
			got := inside(t, root, img, python, "-c", `
import asyncio, bz2, ctypes, decimal, email, hashlib, http.client, json, logging, lzma, sqlite3, ssl, sys, uuid, zlib
import concurrent.futures, multiprocessing, pwd, socket, subprocess, unittest, urllib.request, xml.etree.ElementTree
print("%d.%d" % sys.version_info[:2])
assert sqlite3.connect(":memory:").execute("select 1+1").fetchone() == (2,)
assert ctypes.CDLL(None).getpid() > 0
assert len(ssl.create_default_context().get_ca_certs()) > 20, "no CA certificates"
assert subprocess.check_output("echo $((6*7))", shell=True) == b"42\n"
assert pwd.getpwuid(993).pw_name == "sbx_user1051"
assert socket.gethostbyname("localhost") == "127.0.0.1"
assert not any("site-packages" in p or "dist-packages" in p for p in sys.path), sys.path
if sys.version_info >= (3, 9):
    import zoneinfo, datetime
    assert datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")).utcoffset().seconds == 7200
print("é".encode() == b"\xc3\xa9", sys.getfilesystemencoding())
`)
			want := strings.TrimPrefix(r.Name, "python") + "\nTrue utf-8\n"
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			checkBytecode(t, root, img, python)
			checkLibraries(t, root, img)
			if argv := img.Argv(); argv[0] != python {
				t.Errorf("argv %v", argv)
			} else if _, err := os.Stat(filepath.Join(root, argv[len(argv)-1])); err != nil {
				t.Errorf("bootstrap: %v", err)
			}
			startTimes(t, root, img, r.Source, python)
		})
	}
}

// checkBytecode proves that Python takes every module of the image from bytecode: it would say so if it compiled one.
func checkBytecode(t *testing.T, root string, img runtimes.Image, python string) {
	t.Helper()
	out := inside(t, root, img, python, "-v", "-c", "import json, ssl, asyncio, logging, http.client, decimal, email.message")
	loaded := 0
	for line := range strings.Lines(out) {
		if strings.Contains(line, "matches") || strings.HasPrefix(line, "# code object from '") && strings.Contains(line, ".pyc") {
			loaded++
		}
		if strings.HasPrefix(line, "# code object from") && !strings.Contains(line, ".pyc") {
			t.Errorf("compiled at start: %s", line)
		}
		if strings.Contains(line, "bytecode is stale") {
			t.Error(line)
		}
	}
	if loaded < 50 {
		t.Errorf("only %d modules from bytecode:\n%.2000s", loaded, out)
	}
}

// startTimes logs how long the interpreter takes to start here and on the host, best of five each.
func startTimes(t *testing.T, root string, img runtimes.Image, host, inside string) {
	t.Helper()
	best := func(run func() *exec.Cmd) time.Duration {
		least := time.Hour
		for range 5 {
			start := time.Now()
			if out, err := run().CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
			least = min(least, time.Since(start))
		}
		return least
	}
	flag := "-c"
	if img.Family == lambda.FamilyNode {
		flag = "-e"
	}
	here := best(func() *exec.Cmd { return command(root, img, inside, flag, "1") })
	there := best(func() *exec.Cmd { return exec.Command(host, flag, "1") })
	isolated := there
	if img.Family == lambda.FamilyPython {
		isolated = best(func() *exec.Cmd { return exec.Command(host, "-I", "-S", flag, "1") })
	}
	t.Logf("start: image %.1f ms, host %.1f ms, host without site %.1f ms", ms(here), ms(there), ms(isolated))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

func TestNode(t *testing.T) {
	t.Parallel()
	testenv.NeedsRoot(t)
	c := open(t, options{})
	all := installed(t, c, lambda.FamilyNode)
	if len(all) == 0 {
		t.Fatal("this machine has no Node.js")
	}
	for _, r := range all {
		t.Run("runtime="+r.Name, func(t *testing.T) {
			start := time.Now()
			img, err := c.Ensure(t.Context(), r.Name)
			if err != nil {
				t.Fatal(err)
			}
			report(t, img, start)
			root := unpack(t, img.Path)
			argv := img.Argv()
			got := inside(t, root, img, append(append([]string{}, argv[:len(argv)-1]...), "-e", `
const assert = require("assert"), v8 = require("v8"), cp = require("child_process");
require("crypto").randomUUID(); require("tls"); require("http2"); require("worker_threads");
assert.equal(cp.execSync("echo $((6*7))").toString(), "42\n");
assert.equal(new Intl.DateTimeFormat("de", {month: "long", timeZone: "Europe/Berlin"}).format(new Date(0)), "Januar");
assert(v8.getHeapStatistics().heap_size_limit >= 9216 * 2**20, "room for the largest function");
assert(typeof fetch === "function" && typeof gc === "function");
import("fs/promises").then(() => console.log("nodejs" + process.versions.node.split(".")[0] + ".x"));
`)...)
			if want := r.Name + "\n"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if _, err := os.Stat(filepath.Join(root, argv[len(argv)-1])); err != nil {
				t.Errorf("bootstrap: %v", err)
			}
			checkLibraries(t, root, img)
			startTimes(t, root, img, r.Source, "/var/lang/bin/node")
		})
	}
}

package runtimes_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/runtimes"
)

func writeFile(t *testing.T, p, content string, perm fs.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), perm); err != nil {
		t.Fatal(err)
	}
}

func invalid(t *testing.T, err error, words ...string) {
	t.Helper()
	e, ok := errors.AsType[*lambda.Error](err)
	if !ok || e.Kind != lambda.KindInvalid {
		t.Errorf("error %v, want one of KindInvalid", err)
		return
	}
	for _, w := range words {
		if !strings.Contains(e.Msg, w) {
			t.Errorf("text %q lacks %q", e.Msg, w)
		}
	}
}

func TestMissingRuntimes(t *testing.T) {
	t.Parallel()
	c := open(t, options{searchPath: t.TempDir()})
	for name, words := range map[string][]string{
		"python3.99": {"python3.99", "thaw runtime add python3.99 --interpreter /path/to/python3.99", "apt-get install python3.99"},
		"nodejs98.x": {"thaw runtime add nodejs98.x --interpreter /path/to/node", "apt-get install nodejs"},
		"java21":     {"java21", "not supported"},
		"../escape":  {"not supported"},
		"":           {"not supported"},
	} {
		_, err := c.Ensure(t.Context(), name)
		invalid(t, err, words...)
	}
	list, err := c.List(t.Context())
	if err != nil || len(list) != 2 || list[0].Name != "provided.al2" || list[1].State != runtimes.StateAvailable {
		t.Errorf("list %+v (%v), want the two provided runtimes", list, err)
	}
}

// A runtime is built by its first use, once, and is there at once for everybody later, also after a restart. A new
// agent gives a new image and removes the old one.
func TestLife(t *testing.T) {
	t.Parallel()
	const name = "provided.al2023"
	var told steps
	o := options{dir: t.TempDir(), agent: agentFile(t, "agent"), progress: told.add}
	c := open(t, o)
	images := make([]runtimes.Image, 4)
	var wg sync.WaitGroup
	for i := range images {
		wg.Go(func() {
			var err error
			if images[i], err = c.Ensure(t.Context(), name); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	writes := 0
	for _, s := range told.take() {
		if strings.HasPrefix(s, name+": write image") {
			writes++
		}
	}
	if writes != 1 || images[0] != images[3] || images[0].Digest == "" {
		t.Errorf("%d writes, images %+v", writes, images)
	}
	state := func(c *runtimes.Catalog) runtimes.Runtime {
		t.Helper()
		all, err := c.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			if r.Name == name {
				return r
			}
		}
		t.Fatalf("%s is not in %+v", name, all)
		return runtimes.Runtime{}
	}
	if r := state(c); r.State != runtimes.StateBuilt || r.Digest != images[0].Digest || r.Bytes == 0 {
		t.Errorf("runtime %+v", r)
	}

	c = open(t, o)
	if r := state(c); r.State != runtimes.StateBuilt {
		t.Errorf("after a restart: %+v", r)
	}
	if img, err := c.Ensure(t.Context(), name); err != nil || img != images[0] {
		t.Errorf("after a restart: %+v (%v)", img, err)
	}
	for _, s := range told.take() {
		if strings.Contains(s, "write") {
			t.Errorf("built again: %s", s)
		}
	}
	if err := os.Remove(images[0].Path); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Ensure(t.Context(), name); err != nil {
		t.Errorf("a lost image was not built again: %v", err)
	}

	// Not the agent's time but its content counts: it is extracted at each start.
	o.agent = agentFile(t, "agent")
	if img, err := open(t, o).Ensure(t.Context(), name); err != nil || img.Digest != images[0].Digest {
		t.Errorf("another copy of the agent gave another image (%v)", err)
	}
	o.agent = agentFile(t, "new agent")
	img, err := open(t, o).Ensure(t.Context(), name)
	if err != nil || img.Digest == images[0].Digest {
		t.Fatalf("a new agent gave the same image (%v)", err)
	}
	if _, err := os.Stat(images[0].Path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the replaced image: %v, want it gone", err)
	}

	c = open(t, o)
	if err := c.Remove(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if r := state(c); r.State != runtimes.StateAvailable || r.Digest != "" {
		t.Errorf("after Remove: %+v", r)
	}
	if err := c.Remove(t.Context(), name); lambda.KindOf(err) != lambda.KindNotFound {
		t.Errorf("second Remove: %v", err)
	}
}

func TestOpenRemovesInterruptedBuilds(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "runtimes")
	left := []string{".building-1", "custom/.building-2", "built/.building-3"}
	for _, name := range left {
		writeFile(t, filepath.Join(dir, name, "f"), "x", 0o600)
	}
	busy := filepath.Join(dir, ".building-4")
	writeFile(t, filepath.Join(busy, "f"), "another process builds now", 0o600)
	lock, err := os.Open(busy)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	open(t, options{dir: filepath.Dir(dir)})
	for _, name := range left {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want it gone", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(busy, "f")); err != nil {
		t.Error(err)
	}
}

// python finds a Python of this machine that lives where an image can have it.
func python(t *testing.T) runtimes.Runtime {
	t.Helper()
	all := installed(t, open(t, options{}), lambda.FamilyPython)
	if len(all) == 0 {
		t.Fatal("this machine has no Python")
	}
	return all[0]
}

func TestAddInterpreter(t *testing.T) {
	t.Parallel()
	host := python(t)
	dir := t.TempDir()
	empty := t.TempDir()
	c := open(t, options{dir: dir, searchPath: empty})
	_, err := c.Ensure(t.Context(), host.Name)
	invalid(t, err, "not installed")

	// A symbolic link, as a virtual environment has it, stands for the program.
	program := filepath.Join(t.TempDir(), "python")
	if err := os.Symlink(host.Source, program); err != nil {
		t.Fatal(err)
	}
	_, err = c.Add(t.Context(), "python3.99", runtimes.AddOptions{Interpreter: program})
	invalid(t, err, host.Name, "not python3.99")
	_, err = c.Add(t.Context(), host.Name, runtimes.AddOptions{Interpreter: "/bin/false"})
	invalid(t, err, "/bin/false")
	_, err = c.Add(t.Context(), host.Name, runtimes.AddOptions{Interpreter: filepath.Join(empty, "nothing")})
	invalid(t, err, "nothing")
	_, err = c.Add(t.Context(), "provided.al2", runtimes.AddOptions{Interpreter: program})
	invalid(t, err, "directory")
	_, err = c.Add(t.Context(), "ruby3.3", runtimes.AddOptions{Interpreter: program})
	invalid(t, err, "ruby3.3")
	_, err = c.Add(t.Context(), host.Name, runtimes.AddOptions{})
	invalid(t, err)
	_, err = c.Add(t.Context(), host.Name, runtimes.AddOptions{Interpreter: program, FromDir: empty})
	invalid(t, err)

	watcher := open(t, options{dir: dir, searchPath: empty}) // a server that runs while a command adds
	if _, err := watcher.Ensure(t.Context(), host.Name); err == nil {
		t.Error("runtime is there before Add")
	}
	r, err := c.Add(t.Context(), host.Name, runtimes.AddOptions{Interpreter: program})
	if err != nil {
		t.Fatal(err)
	}
	if r.State != runtimes.StateCustom || r.Version != host.Version || r.Source != program || r.Bytes == 0 {
		t.Errorf("added %+v", r)
	}
	img, err := watcher.Ensure(t.Context(), host.Name)
	if err != nil || img.Digest != r.Digest {
		t.Errorf("the server sees %+v (%v)", img, err)
	}
	if all := installed(t, watcher, lambda.FamilyPython); len(all) != 1 || all[0] != r {
		t.Errorf("list %+v, want %+v", all, r)
	}
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	_, err = open(t, options{dir: dir, searchPath: empty}).Ensure(t.Context(), host.Name)
	invalid(t, err, program, "thaw runtime add "+host.Name)
	if err := c.Remove(t.Context(), host.Name); err != nil {
		t.Fatal(err)
	}
	_, err = watcher.Ensure(t.Context(), host.Name)
	invalid(t, err, "not installed")
}

func TestAddDirectory(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "root")
	writeFile(t, filepath.Join(root, "usr/bin/python3.11"), "#!", 0o755|fs.ModeSetuid)
	writeFile(t, filepath.Join(root, "etc/passwd"), "theirs", 0o600)
	writeFile(t, filepath.Join(root, "etc/resolv.conf"), "nameserver 8.8.8.8\n", 0o644)
	if err := os.Symlink("usr/bin", filepath.Join(root, "bin")); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfifo", filepath.Join(root, "pipe")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	o := options{dir: t.TempDir()}
	c := open(t, o)
	_, err := c.Add(t.Context(), "python3.12", runtimes.AddOptions{FromDir: root})
	invalid(t, err, "python3.12", "/var/lang/bin")
	_, err = c.Add(t.Context(), "python3.12", runtimes.AddOptions{FromDir: root + "/missing"})
	invalid(t, err, "missing", "thaw runtime add python3.12 --from-dir")

	r, err := c.Add(t.Context(), "python3.11", runtimes.AddOptions{FromDir: root})
	if err != nil {
		t.Fatal(err)
	}
	c = open(t, o)
	img, err := c.Ensure(t.Context(), "python3.11")
	if err != nil || img.Digest != r.Digest {
		t.Fatalf("%+v (%v)", img, err)
	}
	got := unpack(t, img.Path)
	for p, want := range map[string]string{
		"/etc/passwd": "theirs", "/etc/resolv.conf": "nameserver 10.255.255.1\n", "/thaw/agent": "agent", "/bin/python3.11": "#!",
	} {
		if b, err := os.ReadFile(filepath.Join(got, p)); err != nil || string(b) != want {
			t.Errorf("%s: %q (%v), want %q", p, b, err, want)
		}
	}
	if target, err := os.Readlink(filepath.Join(got, "var/lang/bin/python3.11")); err != nil || target != "/usr/bin/python3.11" {
		t.Errorf("interpreter link %q (%v)", target, err)
	}
	for p, want := range map[string]fs.FileMode{
		"usr/bin/python3.11": 0o755, "etc/passwd": 0o644, "var/task": fs.ModeDir | 0o755, "tmp": fs.ModeDir | 0o755,
	} {
		if info, err := os.Stat(filepath.Join(got, p)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, want mode %v", p, info, want)
		}
	}
	if _, err := os.Lstat(filepath.Join(got, "pipe")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("pipe: %v", err)
	}
	if _, err := os.Stat(filepath.Join(got, img.Argv()[1])); err != nil {
		t.Errorf("bootstrap: %v", err)
	}

	writeFile(t, filepath.Join(root, "usr/lib/new"), "changed", 0o644)
	if again, err := open(t, o).Ensure(t.Context(), "python3.11"); err != nil || again.Digest == img.Digest {
		t.Errorf("a changed directory gave the same image (%v)", err)
	}
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	_, err = open(t, o).Ensure(t.Context(), "python3.11")
	invalid(t, err, root)
}

// Version managers put scripts on the PATH that find the interpreter when they are run.
func TestShims(t *testing.T) {
	t.Parallel()
	host := python(t)
	manager := t.TempDir()
	writeFile(t, filepath.Join(manager, "shims", host.Name), "#!/bin/sh\nexit 127\n", 0o755)
	bin := filepath.Join(manager, "versions", "1", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(host.Source, filepath.Join(bin, host.Name)); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(manager, "versions", "2", "bin", "python3.8"), "#!/bin/sh\nexit 1\n", 0o755)
	c := open(t, options{searchPath: "relative:/does/not/exist:" + filepath.Join(manager, "shims")})
	all := installed(t, c, lambda.FamilyPython)
	if len(all) != 1 || all[0].Source != host.Source || all[0].Version != host.Version {
		t.Errorf("found %+v, want %s", all, host.Source)
	}
}

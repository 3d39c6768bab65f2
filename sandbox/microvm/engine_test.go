package microvm_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"thaw.dev/thaw/internal/cgroup"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm"
	"thaw.dev/thaw/sandbox/microvm/guest"
	"thaw.dev/thaw/sandbox/microvm/guest/wire"
)

var trees atomic.Int64

// onDouble returns an engine that runs on a double, and what it was made of.
func onDouble(t testing.TB, d *double, change ...func(*microvm.Options)) (*microvm.Engine, microvm.Options) {
	t.Helper()
	testenv.NeedsRoot(t)
	o := microvm.Options{
		StateDir:   filepath.Join(t.TempDir(), "microvm"),
		CgroupName: fmt.Sprintf("thaw-double-%d-%d", os.Getpid(), trees.Add(1)),
		VMM:        d,
		Guest:      &guest.Files{},
		Logger:     slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	for _, c := range change {
		c(&o)
	}
	e, err := microvm.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e, o
}

func rootImage(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "root.erofs")
	if err := os.WriteFile(path, []byte("root image"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var boxes atomic.Int64

func spec(root string) sandbox.Spec {
	return sandbox.Spec{
		ID: fmt.Sprintf("box-%d", boxes.Add(1)), Root: root, Args: []string{"/agent"}, Mounts: []string{"/var/task", "/opt"},
	}
}

func create(t testing.TB, e sandbox.Engine, s sandbox.Spec) sandbox.Sandbox {
	t.Helper()
	box, err := e.Create(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := box.Destroy(); err != nil {
			t.Errorf("destroy: %v", err)
		}
	})
	return box
}

func started(t testing.TB, e sandbox.Engine, s sandbox.Spec) sandbox.Sandbox {
	t.Helper()
	box := create(t, e, s)
	if err := box.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return box
}

func wantTalk(t testing.TB, s sandbox.Sandbox, line, want string) {
	t.Helper()
	if got := talk(t, s, line); got != want {
		t.Errorf("%s: got %s, want %s", line, got, want)
	}
}

func TestSandboxesComeFromOneBoot(t *testing.T) {
	t.Parallel()
	d := newDouble()
	templates := filepath.Join(t.TempDir(), "templates")
	e, _ := onDouble(t, d, func(o *microvm.Options) { o.TemplateDir = templates })
	root := rootImage(t)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			s, err := e.Create(t.Context(), spec(root))
			if err == nil {
				err = s.Start(t.Context())
			}
			if err != nil {
				t.Error(err)
				return
			}
			wantTalk(t, s, "count", "2")
			wantTalk(t, s, "drive 0", `"root "`)
			if err := s.Destroy(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if d.count("boot") != 1 || d.count("prepare") != 5 {
		t.Errorf("%d boots and %d monitors for 5 sandboxes", d.count("boot"), d.count("prepare"))
	}
	for _, ino := range d.mems {
		if ino != d.mems[0] {
			t.Error("the machines do not share their memory")
		}
	}
	// Another engine finds the template on disk; one whose template is damaged boots again.
	again := newDouble()
	second, _ := onDouble(t, again, func(o *microvm.Options) { o.TemplateDir = templates })
	wantTalk(t, started(t, second, spec(root)), "count", "2")
	if again.count("boot") != 0 {
		t.Error("booted though there is a template on disk")
	}
	found, err := filepath.Glob(filepath.Join(templates, "*", "memory"))
	if err != nil || len(found) != 1 {
		t.Fatalf("templates on disk: %q, %v", found, err)
	}
	b, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	if err := os.WriteFile(found[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	last := newDouble()
	third, _ := onDouble(t, last, func(o *microvm.Options) { o.TemplateDir = templates })
	wantTalk(t, started(t, third, spec(root)), "count", "2")
	if last.count("boot") != 1 {
		t.Error("did not boot though the template on disk is damaged")
	}
}

func TestSpecsThatNeverWorkAreRefused(t *testing.T) {
	t.Parallel()
	e, _ := onDouble(t, newDouble())
	root := rootImage(t)
	for name, change := range map[string]func(*sandbox.Spec){
		"too many mounts": func(s *sandbox.Spec) { s.Mounts = make([]string, 12) },
		"a huge /tmp":     func(s *sandbox.Spec) { s.TmpBytes = 1 << 40 },
		"no root":         func(s *sandbox.Spec) { s.Root += ".missing" },
		"an empty root":   func(s *sandbox.Spec) { s.Root = os.DevNull },
	} {
		s := spec(root)
		change(&s)
		for i := range s.Mounts {
			s.Mounts[i] = fmt.Sprintf("/m%d", i)
		}
		if box, err := e.Create(t.Context(), s); err == nil {
			t.Errorf("%s: created", name)
			_ = box.Destroy()
		}
	}
	s := spec(root)
	s.MaxMemoryBytes, s.Limits.MemoryBytes = 256<<20, 128<<20
	box := create(t, e, s)
	if err := box.Limit(sandbox.Limits{MemoryBytes: 256<<20 + 1}); !errors.Is(err, sandbox.ErrSpec) {
		t.Errorf("limit above what the machine has: %v", err)
	}
}

// TestFailuresLeaveNothing makes each step fail in turn.
func TestFailuresLeaveNothing(t *testing.T) {
	t.Parallel()
	root := rootImage(t)
	boom := errors.New("boom")
	for _, step := range []string{"fingerprint", "boot", "stop", "save", "prepare", "setdrive", "load"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			d := newDouble()
			e, o := onDouble(t, d)
			d.fail(step, boom)
			s, err := e.Create(t.Context(), spec(root))
			if err == nil {
				err = s.Start(t.Context())
				if err := s.Destroy(); err != nil {
					t.Error(err)
				}
				<-s.Done()
				if s.ExitStatus().Code != -1 {
					t.Errorf("exit status %+v", s.ExitStatus())
				}
			}
			if !errors.Is(err, boom) {
				t.Fatalf("got %v", err)
			}
			wantNoGroups(t, o)
			if step == "fingerprint" {
				return // asked for once
			}
			d.fail(step, nil)
			wantTalk(t, started(t, e, spec(root)), "count", "2")
		})
	}
}

func groups(t testing.TB, o microvm.Options) []*cgroup.Group {
	t.Helper()
	h, err := cgroup.Detect()
	if err != nil {
		t.Fatal(err)
	}
	tree, err := cgroup.Open(h, o.CgroupName)
	if err != nil {
		t.Fatal(err)
	}
	all, err := tree.Groups()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func wantNoGroups(t testing.TB, o microvm.Options) {
	t.Helper()
	for _, g := range groups(t, o) {
		t.Errorf("cgroup %s is left", g.Name())
	}
}

// TestGuestThatNeverBoots: whoever waits for it can leave, the rest learn of its end.
func TestGuestThatNeverBoots(t *testing.T) {
	t.Parallel()
	d := newDouble()
	d.mute = true
	e, o := onDouble(t, d)
	root := rootImage(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := e.Create(ctx, spec(root)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := e.Create(t.Context(), spec(root))
		waiting <- err
	}()
	kill := time.NewTicker(time.Millisecond)
	defer kill.Stop()
	var err error
	for err == nil { // the first machine it meets may be the one that nobody waits for any more
		select {
		case err = <-waiting:
			if err == nil {
				t.Fatal("a guest that never boots was created")
			}
		case <-kill.C:
			for _, g := range groups(t, o) {
				pids, _ := g.Pids() // it may be gone
				for _, pid := range pids {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
			}
		}
	}
	if !strings.Contains(err.Error(), "last words") {
		t.Errorf("got %v", err)
	}
	wantNoGroups(t, o)
}

// TestCloseEndsWhatWaits: neither who waits for a boot nor the boot outlives the engine.
func TestCloseEndsWhatWaits(t *testing.T) {
	t.Parallel()
	d := newDouble()
	d.mute = true
	e, o := onDouble(t, d)
	root := rootImage(t)
	waiting := make(chan error, 1)
	go func() {
		_, err := e.Create(t.Context(), spec(root))
		waiting <- err
	}()
	for d.count("boot") == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if err := <-waiting; !errors.Is(err, sandbox.ErrDestroyed) {
		t.Errorf("create beside close: %v", err)
	}
	wantNoGroups(t, o)
	if _, err := e.Create(t.Context(), spec(root)); !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("create after close: %v", err)
	}
}

func pidsOf(t testing.TB, g *cgroup.Group) []int {
	t.Helper()
	pids, err := g.Pids()
	if err != nil {
		t.Fatal(err)
	}
	return pids
}

// TestHostileGuests: garbage and silence on the manage channel end a step, not the engine.
func TestHostileGuests(t *testing.T) {
	t.Parallel()
	root := rootImage(t)
	for name, answer := range map[string][]byte{
		"garbage": []byte("garbage that is no frame at all"),
		"refusal": wire.Append(nil, wire.Frame{Kind: wire.KindFailed, ID: 1, Body: []byte("\x1b[31mno")}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDouble()
			e, _ := onDouble(t, d)
			s := create(t, e, spec(root))
			d.answer = func(f wire.Frame) []byte { return answer }
			if err := s.Start(t.Context()); err == nil || strings.Contains(err.Error(), "\x1b") {
				t.Errorf("got %q", err)
			}
		})
	}
	t.Run("silence", func(t *testing.T) {
		t.Parallel()
		d := newDouble()
		e, _ := onDouble(t, d)
		s := create(t, e, spec(root))
		asked := make(chan struct{})
		d.answer = func(f wire.Frame) []byte { close(asked); return []byte{} }
		begun := make(chan error, 1)
		go func() { begun <- s.Start(context.Background()) }()
		<-asked
		if err := s.Destroy(); err != nil {
			t.Error(err)
		}
		if err := <-begun; !errors.Is(err, sandbox.ErrDestroyed) {
			t.Errorf("start beside destroy: %v", err)
		}
	})
}

func TestExitStatus(t *testing.T) {
	t.Parallel()
	e, o := onDouble(t, newDouble())
	root := rootImage(t)
	s := started(t, e, spec(root))
	if _, err := fmt.Fprintln(s.Link().Control, "exit 7"); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	if got := s.ExitStatus(); got.Code != 7 {
		t.Errorf("got %+v", got)
	}
	s = started(t, e, spec(root))
	for _, g := range groups(t, o) {
		if g.Name() == s.ID() {
			if err := exec.Command("kill", "-9", fmt.Sprint(pidsOf(t, g)[0])).Run(); err != nil {
				t.Fatal(err)
			}
		}
	}
	<-s.Done()
	if got := s.ExitStatus(); got.Code != -1 || !strings.Contains(got.Reason, "last words") {
		t.Errorf("got %+v", got)
	}
}

// TestRestore: with a hint no monitor is started in vain, and clones share what they came from.
func TestRestore(t *testing.T) {
	t.Parallel()
	d := newDouble()
	templates := filepath.Join(t.TempDir(), "templates")
	e, _ := onDouble(t, d, func(o *microvm.Options) { o.TemplateDir = templates })
	root := rootImage(t)
	original := started(t, e, spec(root))
	wantTalk(t, original, "count", "2")
	dir := t.TempDir()
	if err := original.Checkpoint(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	wantTalk(t, original, "count", "3")
	for _, c := range []struct {
		from     string
		prepares int
	}{{"", 2}, {dir, 1}, {filepath.Join(dir, "missing"), 2}} {
		before := d.count("prepare")
		sp := spec(root)
		sp.From = c.from
		s := create(t, e, sp)
		if err := s.Attach(t.Context(), root, "/opt"); err != nil {
			t.Fatal(err)
		}
		if err := s.Restore(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		wantTalk(t, s, "count", "3")
		wantTalk(t, s, "drive 0", `"root "`)
		wantTalk(t, s, "drive 2", `"root "`)
		if n := d.count("prepare") - before; n != c.prepares {
			t.Errorf("from %q: %d monitors, want %d", c.from, n, c.prepares)
		}
	}
	if n := len(d.mems); d.mems[n-1] != d.mems[n-3] || d.mems[n-1] == d.mems[0] {
		t.Errorf("memory of clones: %d", d.mems)
	}
	// The hint may be wrong in the other direction, too.
	sp := spec(root)
	sp.From = dir
	wantTalk(t, started(t, e, sp), "count", "2")
	// Another engine reads it from disk, if it has the boot template that it builds on.
	other, _ := onDouble(t, newDouble(), func(o *microvm.Options) { o.TemplateDir = templates })
	s := create(t, other, spec(root))
	if err := s.Restore(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	wantTalk(t, s, "count", "3")
	stranger, _ := onDouble(t, newDouble())
	if err := create(t, stranger, spec(root)).Restore(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "template") {
		t.Errorf("restored without its boot template: %v", err)
	}
}

func TestSnapshotsOfOtherShapesAreRefused(t *testing.T) {
	t.Parallel()
	e, _ := onDouble(t, newDouble())
	root := rootImage(t)
	original := started(t, e, spec(root))
	dir := t.TempDir()
	if err := original.Checkpoint(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	sp := spec(root)
	sp.MaxMemoryBytes = 1 << 30
	s := create(t, e, sp)
	if err := s.Restore(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "shape") {
		t.Errorf("got %v", err)
	}
}

// TestSnapshotsGoWithTheirBootTemplate: a snapshot holds what differs from its template. Where that is another, booted in the
// same way, it is refused; where it is the same, also in another engine, it works.
func TestSnapshotsGoWithTheirBootTemplate(t *testing.T) {
	t.Parallel()
	root, dir, templates := rootImage(t), t.TempDir(), filepath.Join(t.TempDir(), "templates")
	here := func(o *microvm.Options) { o.TemplateDir = templates }
	first, _ := onDouble(t, newDouble(), here)
	original := started(t, first, spec(root))
	wantTalk(t, original, "count", "2")
	if err := original.Checkpoint(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	restore := func(change ...func(*microvm.Options)) (sandbox.Sandbox, error) {
		e, _ := onDouble(t, newDouble(), change...)
		s := create(t, e, spec(root))
		return s, s.Restore(t.Context(), dir)
	}
	s, err := restore(here)
	if err != nil {
		t.Fatal(err)
	}
	wantTalk(t, s, "count", "3")
	if _, err := restore(); err == nil || !strings.Contains(err.Error(), "boot template") {
		t.Errorf("with another template: %v", err)
	}
	if err := os.RemoveAll(templates); err != nil {
		t.Fatal(err)
	}
	if _, err := restore(here); err == nil || !strings.Contains(err.Error(), "boot template") {
		t.Errorf("with a template that was made anew: %v", err)
	}
	// Neither a template nor what says nothing of one is taken for a snapshot.
	path := filepath.Join(dir, "microvm.json")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{
		strings.Replace(string(b), `"builds":true`, `"builds":false`, 1), strings.Replace(string(b), `"template":"`, `"template":"x`, 1),
	} {
		if other == string(b) {
			t.Fatalf("the description is %s", b)
		}
		if err := os.WriteFile(path, []byte(other), 0o600); err != nil {
			t.Fatal(err)
		}
		s := create(t, first, spec(root))
		if err := s.Restore(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "boot template") {
			t.Errorf("%s: %v", other, err)
		}
	}
}

// TestFailuresOfSnapshots makes each step of a checkpoint fail in turn.
func TestFailuresOfSnapshots(t *testing.T) {
	t.Parallel()
	d := newDouble()
	e, _ := onDouble(t, d)
	root := rootImage(t)
	boom := errors.New("boom")
	for _, step := range []string{"stop", "save", "continue"} {
		s := started(t, e, spec(root))
		d.fail(step, boom)
		if err := s.Checkpoint(t.Context(), t.TempDir()); !errors.Is(err, boom) {
			t.Errorf("%s: %v", step, err)
		}
		d.fail(step, nil)
	}
	s := started(t, e, spec(root))
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Checkpoint(t.Context(), dir); err == nil {
		t.Error("wrote into a directory that is not empty")
	}
}

func TestHotDrivesRunOut(t *testing.T) {
	t.Parallel()
	e, _ := onDouble(t, newDouble())
	root := rootImage(t)
	s := started(t, e, spec(root))
	n := 0
	for ; n < 20; n++ {
		if err := s.Attach(t.Context(), root, "/anywhere"); err != nil {
			if !strings.Contains(err.Error(), "too many") {
				t.Error(err)
			}
			break
		}
	}
	if n != 4 {
		t.Errorf("attached %d images", n)
	}
}

// TestLimitsWhilePausedReachTheGuest: they wait for Resume, and what guests count is bounded.
func TestLimitsWhilePausedReachTheGuest(t *testing.T) {
	t.Parallel()
	d := newDouble()
	e, _ := onDouble(t, d)
	s := started(t, e, spec(rootImage(t)))
	told := func() int { return d.count(fmt.Sprintf("request %d", wire.KindLimit)) }
	if err := s.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := told()
	for _, mb := range []int64{100, 200} {
		if err := s.Limit(sandbox.Limits{MemoryBytes: mb << 20}); err != nil {
			t.Fatal(err)
		}
	}
	if told() != before {
		t.Error("asked a guest that stands still")
	}
	if err := s.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if told() != before+1 {
		t.Errorf("told the guest %d times", told()-before)
	}
	if err := s.Limit(sandbox.Limits{MemoryBytes: 200 << 20, CPUMillis: 500}); err != nil || told() != before+1 {
		t.Errorf("told the guest what it knows: %v", err)
	}
	stats, err := s.Stats()
	if err != nil || stats.PeakMemoryBytes != 200<<20 || stats.OOMKills != 3 {
		t.Errorf("stats %+v, %v", stats, err)
	}
}

// TestSweepKillsWhatIsLeft leaves a process in the engine's cgroups, and files.
func TestSweepKillsWhatIsLeft(t *testing.T) {
	t.Parallel()
	t.Run("by the next engine", func(t *testing.T) {
		t.Parallel()
		leftBehind(t, func(e *microvm.Engine, _ microvm.Options) error { return e.Sweep(t.Context()) })
	})
	t.Run("without an engine", func(t *testing.T) {
		t.Parallel()
		leftBehind(t, func(_ *microvm.Engine, o microvm.Options) error {
			// Nothing else is needed, and where nothing is left it does nothing.
			o = microvm.Options{StateDir: o.StateDir, CgroupName: o.CgroupName}
			return errors.Join(microvm.Clear(t.Context(), o), microvm.Clear(t.Context(), o))
		})
	})
}

// leftBehind makes what a killed server leaves of its engine, and has it removed.
func leftBehind(t *testing.T, remove func(*microvm.Engine, microvm.Options) error) {
	t.Helper()
	e, o := onDouble(t, newDouble())
	h, err := cgroup.Detect()
	if err != nil {
		t.Fatal(err)
	}
	tree, err := cgroup.Open(h, o.CgroupName)
	if err != nil {
		t.Fatal(err)
	}
	g, err := tree.Create("sb-old")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if err := g.Add(cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(o.StateDir, "templates", "0123456789abcdef-old")
	for _, dir := range []string{old, filepath.Join(o.StateDir, "tmp", "x")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := remove(e, o); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("the process ended by itself")
	}
	wantNoGroups(t, o)
	for _, dir := range []string{old, filepath.Join(o.StateDir, "tmp", "x")} {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left", dir)
		}
	}
}

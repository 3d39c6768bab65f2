package sandboxtest

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/sandboxtest/guest/wire"
)

// checkpoint makes a snapshot of s and returns its directory.
func checkpoint(t testing.TB, s sandbox.Sandbox) string {
	t.Helper()
	dir := t.TempDir()
	if err := s.Checkpoint(withTimeout(t), dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// restore makes a sandbox from a snapshot, with images at targets.
func (h Harness) restore(t testing.TB, e sandbox.Engine, spec sandbox.Spec, dir string, images map[string]string) (sandbox.Sandbox, *Guest) {
	t.Helper()
	spec.ID = newID()
	s := h.createSpec(t, e, spec)
	for target, img := range images {
		if err := s.Attach(withTimeout(t), img, target); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Restore(withTimeout(t), dir); err != nil {
		t.Fatal(err)
	}
	return s, Rejoin(t, s)
}

func wantCount(t testing.TB, g *Guest, want int64) {
	t.Helper()
	if got := g.Must(wire.Request{Op: wire.Count}).N; got != want {
		t.Errorf("the guest counts %d, want %d", got, want)
	}
}

// testRestoreGoesOn: guest and snapshot part where it was taken, all channels lead to the new sandbox, and a restored
// sandbox can be checkpointed in turn.
func testRestoreGoesOn(t *testing.T, h Harness) {
	e := h.engine(t)
	if e.Fingerprint() == "" || e.Fingerprint() != e.Fingerprint() {
		t.Errorf("fingerprint %q, then %q", e.Fingerprint(), e.Fingerprint())
	}
	spec := h.mountSpec(sandbox.Limits{MemoryBytes: 256 * mib})
	original, g := h.startSpec(t, e, spec)
	wantCount(t, g, 1)
	dir := checkpoint(t, original)
	wantCount(t, g, 2)
	wantCount(t, g, 3)

	s, rg := h.restore(t, e, spec, dir, nil)
	wantCount(t, rg, 2)
	for _, c := range []struct {
		req  wire.Request
		file *os.File
	}{
		{wire.Request{Op: wire.Print, Text: strings.Repeat("x", 1000)}, s.Link().Logs},
		{wire.Request{Op: wire.Garbage, N: 1000}, s.Link().Data},
	} {
		rg.Must(c.req)
		if err := c.file.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if n, err := io.CopyN(io.Discard, c.file, 1000); err != nil {
			t.Errorf("%s: %d bytes arrived: %v", c.req.Op, n, err)
		}
	}
	again := checkpoint(t, s)
	wantCount(t, rg, 3)
	if err := s.Destroy(); err != nil {
		t.Fatal(err)
	}
	if err := original.Destroy(); err != nil {
		t.Fatal(err)
	}
	last, lg := h.restore(t, e, spec, again, nil)
	wantCount(t, lg, 3)
	if _, err := lg.Try(wire.Request{Op: wire.Exit, N: 7}); err == nil {
		t.Error("the guest answered instead of exiting")
	}
	wantDone(t, last)
	if got := last.ExitStatus(); got.Code != 7 {
		t.Errorf("exit status %+v, want code 7", got)
	}
}

// testRestoreKeepsTheMachine looks at what a guest has besides its memory.
func testRestoreKeepsTheMachine(t *testing.T, h Harness) {
	e := h.engine(t)
	const tmpBytes = 64 * mib
	spec := h.spec(sandbox.Limits{MemoryBytes: 256 * mib})
	spec.TmpBytes = tmpBytes
	original, g := h.startSpec(t, e, spec)
	long := strings.Repeat("0123456789", 5000)
	g.Must(wire.Request{Op: wire.Write, Path: "/tmp/kept", Text: long})
	if got := g.Must(wire.Request{Op: wire.ReadOn, Path: "/tmp/kept", N: 15}).Text; got != long[:15] {
		t.Fatalf("read %q", got)
	}
	g.Must(wire.Request{Op: wire.AskChild})
	g.Must(wire.Request{Op: wire.AskChild})
	hostname := g.Must(wire.Request{Op: wire.Hostname}).Text

	dir := checkpoint(t, original)
	g.Must(wire.Request{Op: wire.Write, Path: "/tmp/kept", Text: "changed afterwards"})
	g.Must(wire.Request{Op: wire.AskChild})
	_, rg := h.restore(t, e, spec, dir, nil)
	wantFile(t, rg, "/tmp/kept", long)
	if got := rg.Must(wire.Request{Op: wire.ReadOn, N: 10}).Text; got != long[15:25] {
		t.Errorf("the open file goes on with %q", got)
	}
	if got := rg.Must(wire.Request{Op: wire.AskChild}).N; got != 3 {
		t.Errorf("the child was asked %d times, want 3", got)
	}
	if got := rg.Must(wire.Request{Op: wire.Hostname}).Text; got != hostname || got == "" {
		t.Errorf("hostname %q, was %q", got, hostname)
	}
	if got := rg.Must(tenant(wire.TenantFill, "/tmp/full")).Text; !strings.Contains(got, "no space left") {
		t.Errorf("filling /tmp ended with %q", got)
	}
	var wrote int64
	if _, err := fmt.Sscan(rg.Must(tenant(wire.TenantFill, "/tmp/full")).Text, &wrote); err != nil || wrote > tmpBytes || wrote < tmpBytes/2 {
		t.Errorf("wrote %d MiB into a /tmp of %d, %v", wrote/mib, tmpBytes/mib, err)
	}
	if got := g.Must(wire.Request{Op: wire.ReadOn, N: 3}); got.Text == "" {
		t.Errorf("the original cannot read on: %+v", got)
	}
	g.Echo()
}

// testRestoreWithImages: attached images are there again, mapped code included, and take others on top.
func testRestoreWithImages(t *testing.T, h Harness) {
	e := h.engine(t)
	code := CodeImage(t, map[string]string{"/app.txt": strings.Repeat("code", 30_000), "/deep/er.txt": "deep"})
	spec := h.mountSpec(sandbox.Limits{MemoryBytes: 256 * mib})
	s := h.createSpec(t, e, spec)
	if err := s.Attach(withTimeout(t), code, "/var/task"); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(withTimeout(t)); err != nil {
		t.Fatal(err)
	}
	g := Meet(t, s)
	if got := g.Must(wire.Request{Op: wire.ReadOn, Path: "/var/task/app.txt", N: 6}).Text; got != "codeco" {
		t.Fatalf("read %q", got)
	}
	dir := checkpoint(t, s)
	if err := s.Destroy(); err != nil {
		t.Fatal(err)
	}
	r, rg := h.restore(t, e, spec, dir, map[string]string{"/var/task": code})
	if got := rg.Must(wire.Request{Op: wire.ReadOn, N: 6}).Text; got != "decode" {
		t.Errorf("the open file goes on with %q", got)
	}
	wantFile(t, rg, "/var/task/deep/er.txt", "deep")
	wantNames(t, rg, "/opt")
	if err := r.Attach(withTimeout(t), CodeImage(t, map[string]string{"/top.txt": "top"}), "/var/task"); err != nil {
		t.Fatal(err)
	}
	wantNames(t, rg, "/var/task", "top.txt")
	if err := r.Checkpoint(withTimeout(t), t.TempDir()); err == nil {
		t.Error("made a snapshot that cannot be restored")
	}
	rg.Echo()
}

// testRestoreClones restores several at once. They share nothing, randomness above all.
func testRestoreClones(t *testing.T, h Harness) {
	e := h.engine(t)
	spec := h.spec(sandbox.Limits{MemoryBytes: 128 * mib})
	original, g := h.startSpec(t, e, spec)
	seen := map[string]bool{g.Must(wire.Request{Op: wire.Random}).Text: true}
	dir := checkpoint(t, original)

	const clones = 4
	guests := make([]*Guest, clones)
	var wg sync.WaitGroup
	for i := range clones {
		spec.ID = newID()
		s := h.createSpec(t, e, spec)
		wg.Go(func() {
			if err := s.Restore(withTimeout(t), dir); err != nil {
				t.Error(err)
				return
			}
			guests[i] = Rejoin(t, s)
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	for i, c := range append(guests, g) {
		for _, r := range strings.Fields(c.Must(wire.Request{Op: wire.Random}).Text) {
			if seen[r] {
				t.Errorf("clone %d has random numbers that another has as well", i)
			}
			seen[r] = true
		}
		own := fmt.Sprint("clone ", i)
		c.Must(wire.Request{Op: wire.Write, Path: "/tmp/own", Text: own})
		for range i {
			c.Must(wire.Request{Op: wire.Count})
		}
	}
	for i, c := range append(guests, g) {
		wantFile(t, c, "/tmp/own", fmt.Sprint("clone ", i))
		wantCount(t, c, int64(i)+1)
	}
}

// testRestoreClocks restores a while after the checkpoint. Unix time is right; the monotonic clock did not go back, and
// counts the gap at most.
func testRestoreClocks(t *testing.T, h Harness) {
	e := h.engine(t)
	_, neighbour := h.start(t, e, sandbox.Limits{})
	spec := h.spec(sandbox.Limits{})
	original, g := h.startSpec(t, e, spec)
	began := time.Now()
	_, before := guestClocks(t, g)
	dir := checkpoint(t, original)
	work(neighbour, 2*time.Second)
	_, rg := h.restore(t, e, spec, dir, nil)
	asked := time.Now()
	wall, monotonic := guestClocks(t, rg)
	if wall.Before(asked.Add(-100*time.Millisecond)) || wall.After(time.Now().Add(100*time.Millisecond)) {
		t.Errorf("the guest's time is %s, the host's %s", wall, time.Now())
	}
	if passed := monotonic - before; passed < 0 || passed > time.Since(began)+100*time.Millisecond {
		t.Errorf("the monotonic clock went on by %s in %s", passed, time.Since(began))
	}
	later, _ := guestClocks(t, g)
	if d := time.Since(later); d < -100*time.Millisecond || d > time.Second {
		t.Errorf("the original's time is off by %s", d)
	}
}

func guestClocks(t testing.TB, g *Guest) (time.Time, time.Duration) {
	t.Helper()
	resp := g.Must(wire.Request{Op: wire.Clocks})
	mono, err := strconv.ParseInt(resp.Text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Unix(0, resp.N), time.Duration(mono)
}

// testRestoreBusyGuest checkpoints a guest that never rests. What it was doing goes on in both.
func testRestoreBusyGuest(t *testing.T, h Harness) {
	e := h.engine(t)
	spec := h.spec(sandbox.Limits{MemoryBytes: 256 * mib})
	original, g := h.startSpec(t, e, spec)
	for _, how := range []string{wire.BurnThreads, wire.BurnCalls, wire.BurnForks} {
		g.Must(wire.Request{Op: wire.Start, UID: tenantUID, Args: []string{wire.TenantBurn, how}})
	}
	dir := checkpoint(t, original)
	r, rg := h.restore(t, e, spec, dir, nil)
	for _, c := range []struct {
		s sandbox.Sandbox
		g *Guest
	}{{original, g}, {r, rg}} {
		before := cpu(t, c.s)
		work(c.g, 100*time.Millisecond)
		if used := cpu(t, c.s) - before; used < 10*time.Millisecond {
			t.Errorf("used %s in 100 ms with burners inside", used)
		}
		if err := c.s.Destroy(); err != nil {
			t.Error(err)
		}
	}
}

// testRestoreThenPause: a restored sandbox is like any other.
func testRestoreThenPause(t *testing.T, h Harness) {
	e := h.engine(t)
	spec := h.spec(sandbox.Limits{MemoryBytes: 128 * mib})
	original, _ := h.startSpec(t, e, spec)
	dir := checkpoint(t, original)
	s, g := h.restore(t, e, spec, dir, nil)
	Cycle(t, s, g, 20)
	if err := s.Limit(sandbox.Limits{MemoryBytes: 200 * mib, CPUMillis: 500}); err != nil {
		t.Error(err)
	}
	g.Echo()
}

// testRestoreMemoryLimit does what testMemoryLimit does, to a restored sandbox.
func testRestoreMemoryLimit(t *testing.T, h Harness) {
	e := h.engine(t)
	spec := h.spec(sandbox.Limits{MemoryBytes: 128 * mib})
	original, neighbour := h.startSpec(t, e, spec)
	dir := checkpoint(t, original)
	s, g := h.restore(t, e, spec, dir, nil)
	stats, err := s.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if stats.MemoryBytes > 40*mib || stats.PeakMemoryBytes > 60*mib || stats.OOMKills != 0 || stats.CPU <= 0 {
		t.Errorf("after restore: %+v", stats)
	}
	t.Logf("after restore: %d KiB, peak %d KiB, CPU %s", stats.MemoryBytes>>10, stats.PeakMemoryBytes>>10, stats.CPU)
	if got := g.Must(tenant(wire.TenantAlloc, "64")); got.N != 0 {
		t.Errorf("64 MiB under a limit of 128: %+v", got)
	}
	resp, err := g.Try(tenant(wire.TenantAlloc, "512"))
	if err != nil {
		wantDone(t, s)
	} else if resp.N == 0 || strings.Contains(resp.Text, "allocated") {
		t.Errorf("a tenant got 512 MiB under a limit of 128: %+v", resp)
	}
	if stats, err = s.Stats(); err != nil || stats.OOMKills == 0 || stats.PeakMemoryBytes < 64*mib || stats.PeakMemoryBytes > 160*mib {
		t.Errorf("after the kill: %+v, %v", stats, err)
	}
	t.Logf("sandbox survived: %v", err == nil)
	neighbour.Echo()
}

// during calls f when after has passed since start was called, or start has returned, and waits for start.
func during(ctx context.Context, after time.Duration, start func(context.Context) error, f func()) error {
	answered := make(chan error, 1)
	go func() { answered <- start(ctx) }()
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-timer.C:
		f()
		return <-answered
	case err := <-answered:
		f()
		return err
	}
}

package sandboxtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/sandboxtest/guest/wire"
)

const mib = 1 << 20

// tenantUID is a user without rights inside.
const tenantUID = 1000

func tenant(args ...string) wire.Request {
	return wire.Request{Op: wire.Run, UID: tenantUID, Args: args}
}

// testMemoryLimit lets a tenant take four times its memory. The tenant must be killed and the kill counted; the
// sandbox either goes on or ends, and another one notices nothing.
func testMemoryLimit(t *testing.T, h Harness) {
	e := h.engine(t)
	_, neighbour := h.start(t, e, sandbox.Limits{MemoryBytes: 128 * mib})
	s, g := h.start(t, e, sandbox.Limits{MemoryBytes: 128 * mib})
	resp, err := g.Try(tenant(wire.TenantAlloc, "512"))
	if err != nil {
		wantDone(t, s)
	} else if resp.N == 0 || strings.Contains(resp.Text, "allocated") {
		t.Errorf("a tenant got 512 MiB under a limit of 128: %+v", resp)
	}
	stats, serr := s.Stats()
	if serr != nil {
		t.Fatal(serr)
	}
	if stats.OOMKills == 0 {
		t.Error("no OOM kill was counted")
	}
	if stats.PeakMemoryBytes < 64*mib || stats.PeakMemoryBytes > 160*mib {
		t.Errorf("peak memory is %d MiB", stats.PeakMemoryBytes/mib)
	}
	t.Logf("sandbox survived: %v; %d kills, peak %d MiB", err == nil, stats.OOMKills, stats.PeakMemoryBytes/mib)
	neighbour.Echo()
}

func testMemoryIsCounted(t *testing.T, h Harness) {
	s, g := h.start(t, h.engine(t), sandbox.Limits{MemoryBytes: 256 * mib})
	if got := g.Must(tenant(wire.TenantAlloc, "128")); got.N != 0 {
		t.Fatalf("128 MiB under a limit of 256: %+v", got)
	}
	stats, err := s.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if stats.PeakMemoryBytes < 100*mib || stats.PeakMemoryBytes > 256*mib || stats.OOMKills != 0 {
		t.Errorf("after allocating 128 MiB: %+v", stats)
	}
}

// testCPULimit spins on a quarter of a CPU and expects to be charged for about that.
func testCPULimit(t *testing.T, h Harness) {
	s, g := h.start(t, h.engine(t), sandbox.Limits{})
	if err := s.Limit(sandbox.Limits{CPUMillis: 250}); err != nil {
		t.Fatal(err)
	}
	before, err := s.Stats()
	if err != nil {
		t.Fatal(err)
	}
	const wall = 1500 * time.Millisecond
	g.Must(tenant(wire.TenantSpin, fmt.Sprint(wall.Milliseconds())))
	after, err := s.Stats()
	if err != nil {
		t.Fatal(err)
	}
	used := after.CPU - before.CPU
	// The process start around the spinning costs something too, and takes longer than the wall time asked for.
	if used < wall/10 || used > wall/2 {
		t.Errorf("used %s of CPU in a little over %s with a quarter of a CPU", used, wall)
	}
}

// testTmpIsFull writes to /tmp more than it has, and more than there is memory: the end is ENOSPC and no OOM kill.
func testTmpIsFull(t *testing.T, h Harness) {
	const size = 400 * mib
	spec := h.spec(sandbox.Limits{MemoryBytes: 128 * mib})
	spec.TmpBytes = size
	s, g := h.startSpec(t, h.engine(t), spec)
	if got := g.Must(wire.Request{Op: wire.Free, Path: "/tmp"}).N; got != size {
		t.Errorf("/tmp has %d bytes, want %d", got, int64(size))
	}
	resp := g.Must(tenant(wire.TenantFill, "/tmp/big"))
	var wrote int64
	if _, err := fmt.Sscan(resp.Text, &wrote); err != nil || !strings.Contains(resp.Text, "no space left") {
		t.Errorf("filling /tmp ended with %+v", resp)
	}
	if wrote < size-4*mib || wrote > size {
		t.Errorf("wrote %d MiB into a /tmp of %d", wrote/mib, int64(size)/mib)
	}
	if got := g.Do(tenant(wire.TenantFill, "/tmp/another")); !strings.Contains(got.Text, "no space left") {
		t.Errorf("a second file: %+v", got)
	}
	if stats, err := s.Stats(); err != nil || stats.OOMKills != 0 {
		t.Errorf("stats %+v, %v: /tmp must not count as memory", stats, err)
	}
	g.Echo()
}

// testForkBombLimited: the limit on a user's processes holds, so the bomb gets EAGAIN and PID 1 goes on.
func testForkBombLimited(t *testing.T, h Harness) {
	_, g := h.start(t, h.engine(t), sandbox.Limits{MemoryBytes: 256 * mib, Pids: 1000})
	req := tenant(wire.TenantForkBomb)
	req.Processes = 64
	if resp := g.Must(req); !strings.Contains(resp.Text, "temporarily unavailable") {
		t.Errorf("the fork bomb ended with %+v", resp)
	}
	g.Echo()
}

// testForkBombFree: without that limit the sandbox may end, but nothing else may suffer.
func testForkBombFree(t *testing.T, h Harness) {
	e := h.engine(t)
	_, neighbour := h.start(t, e, sandbox.Limits{MemoryBytes: 128 * mib, Pids: 200})
	s, g := h.start(t, e, sandbox.Limits{MemoryBytes: 256 * mib, CPUMillis: 1000, Pids: 200})
	if err := g.link.Control.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() { // ends with the answer, or with the channel by Destroy
		_, err := g.Try(tenant(wire.TenantForkBomb))
		answered <- err
	}()
	select {
	case err := <-answered:
		if err != nil { // the channel broke
			wantDone(t, s)
		}
		t.Logf("answer: error %v, exit status %+v", err, s.ExitStatus())
	case <-s.Done():
		t.Logf("the sandbox ended: %+v", s.ExitStatus())
	case <-time.After(10 * time.Second):
		t.Log("the bomb is still at it after 10 s")
	}
	neighbour.Echo()
	if err := s.Destroy(); err != nil {
		t.Fatal(err)
	}
	neighbour.Echo()
}

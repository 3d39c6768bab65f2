package sandboxtest

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"thaw.dev/thaw/sandbox"
)

// patience bounds every wait for something that must happen. Run sets it.
var patience = 30 * time.Second

// Harness is what the suite has to know of an engine.
type Harness struct {
	// New returns an engine with nothing in it. The suite closes it.
	New func(t testing.TB) sandbox.Engine
	// Root is the root image: RootImage's, or any path for an engine without isolation.
	Root string
	// Crash ends a sandbox's outermost process from the outside, as the OOM killer would.
	Crash func(t testing.TB, id string)
	// Patience bounds every wait for something that must happen; 30 s if 0. It is for engines that emulate processors.
	Patience time.Duration
	// Only names the cases to run, for an engine so slow that not all can be run every time; all if empty.
	Only []string
	// Traces lists what the host has of the engine's sandboxes now: processes, cgroups, files. It is nil for an engine
	// that leaves none.
	Traces func(t testing.TB) []string
}

// ability is one of an engine's, or several.
type ability int

// A case says nothing about an engine that lacks what it needs.
const (
	isolation ability = 1 << iota // it runs what is inside Root
	pausing
	snapshots
)

func abilities(c sandbox.Capabilities) (has ability) {
	for a, is := range map[ability]bool{isolation: c.Isolated, pausing: c.Pause, snapshots: c.Snapshot} {
		if is {
			has |= a
		}
	}
	return has
}

// Run runs the suite on the engine of h.
func Run(t *testing.T, h Harness) {
	if h.Patience > 0 {
		patience = h.Patience
	}
	e := h.New(t)
	has := abilities(e.Capabilities())
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		needs ability
		test  func(*testing.T, Harness)
	}{
		{"LifeCycle", 0, testLifeCycle},
		{"HelloAndEcho", 0, testHello},
		{"Deadlines", 0, testDeadlines},
		{"Logs", 0, testLogs},
		{"LogsBeforeAnswers", 0, testLogsBeforeAnswers},
		{"ExitCode", 0, testExitCode},
		{"Crash", 0, testCrash},
		{"BadSpecs", 0, testBadSpecs},
		{"Attach", isolation, testAttach},
		{"AttachNothing", isolation, testAttachNothing},
		{"NothingOfTheHost", isolation, testNothingOfTheHost},
		{"NoNetwork", isolation, testNoNetwork},
		{"MemoryLimit", isolation, testMemoryLimit},
		{"MemoryIsCounted", isolation, testMemoryIsCounted},
		{"CPULimit", isolation, testCPULimit},
		{"TmpIsFull", isolation, testTmpIsFull},
		{"ForkBombUnderProcessLimit", isolation, testForkBombLimited},
		{"ForkBombUnderPidsLimit", isolation, testForkBombFree},
		{"PauseStopsTheGuest", isolation | pausing, testPauseStopsTheGuest},
		{"PauseStopsBurners", isolation | pausing, testPauseStopsBurners},
		{"PauseCycles", pausing, testPauseCycles},
		{"PauseThenEnd", pausing, testPauseThenEnd},
		{"PauseCancelled", pausing, testPauseCancelled},
		{"BackgroundYields", isolation, testBackgroundYields},
		{"AttachBeforeStart", isolation, testAttachBeforeStart},
		{"AttachBeforeStartBadly", 0, testAttachBeforeStartBadly},
		{"RestoreGoesOn", snapshots, testRestoreGoesOn},
		{"RestoreKeepsTheMachine", isolation | snapshots, testRestoreKeepsTheMachine},
		{"RestoreWithImages", isolation | snapshots, testRestoreWithImages},
		{"RestoreClones", isolation | snapshots, testRestoreClones},
		{"RestoreClocks", isolation | snapshots, testRestoreClocks},
		{"RestoreBusyGuest", isolation | snapshots, testRestoreBusyGuest},
		{"RestoreThenPause", pausing | snapshots, testRestoreThenPause},
		{"RestoreDamaged", snapshots, testRestoreDamaged},
		{"RestoreForeign", snapshots, testRestoreForeign},
		{"RestoreMemoryLimit", isolation | snapshots, testRestoreMemoryLimit},
		{"CheckpointRefused", snapshots, testCheckpointRefused},
		{"CheckpointCancelled", snapshots, testCheckpointCancelled},
		{"RestoreCancelled", snapshots, testRestoreCancelled},
		{"DestroyWhileCheckpointing", snapshots, testDestroyWhileCheckpointing},
		{"DestroyWhileRestoring", snapshots, testDestroyWhileRestoring},
		{"RestoreLeavesNothing", snapshots, testRestoreLeavesNothing},
		{"Garbage", 0, testGarbage},
		{"FloodedChannels", isolation, testFlood},
		{"ConcurrentCreate", 0, testConcurrentCreate},
		{"CancelCreate", 0, testCancelCreate},
		{"DestroyWhileStarting", 0, testDestroyWhileStarting},
		{"DestroyLeavesNothing", 0, testDestroyLeavesNothing},
		{"CloseDestroysAll", 0, testCloseDestroysAll},
		{"CloseWhileCreating", 0, testCloseWhileCreating},
	} {
		if c.needs&^has != 0 || len(h.Only) > 0 && !slices.Contains(h.Only, c.name) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			h.wantNoTraces(t)
			c.test(t, h)
		})
	}
}

// engine returns a guarded engine that is closed with the test.
func (h Harness) engine(t testing.TB) sandbox.Engine {
	t.Helper()
	e := sandbox.Guard(h.New(t))
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close engine: %v", err)
		}
	})
	return e
}

var lastID atomic.Int64

func newID() string { return fmt.Sprintf("box-%d", lastID.Add(1)) }

func (h Harness) spec(limits sandbox.Limits) sandbox.Spec {
	return sandbox.Spec{ID: newID(), Root: h.Root, Args: []string{GuestPath}, Env: []string{"A=b"}, Limits: limits}
}

// create makes a sandbox that is destroyed with the test.
func (h Harness) create(t testing.TB, e sandbox.Engine, limits sandbox.Limits) sandbox.Sandbox {
	t.Helper()
	return h.createSpec(t, e, h.spec(limits))
}

func (h Harness) createSpec(t testing.TB, e sandbox.Engine, spec sandbox.Spec) sandbox.Sandbox {
	t.Helper()
	s, err := e.Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Destroy(); err != nil {
			t.Errorf("destroy: %v", err)
		}
	})
	return s
}

// start makes a sandbox and waits for its guest.
func (h Harness) start(t testing.TB, e sandbox.Engine, limits sandbox.Limits) (sandbox.Sandbox, *Guest) {
	t.Helper()
	return h.startSpec(t, e, h.spec(limits))
}

func (h Harness) startSpec(t testing.TB, e sandbox.Engine, spec sandbox.Spec) (sandbox.Sandbox, *Guest) {
	t.Helper()
	s := h.createSpec(t, e, spec)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, Meet(t, s)
}

// wantNoTraces fails t if something of the engine's sandboxes is left at its end.
func (h Harness) wantNoTraces(t testing.TB) {
	t.Helper()
	if h.Traces == nil {
		return
	}
	t.Cleanup(func() { // registered first, hence after the cleanups that destroy
		if left := h.Traces(t); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
}

// wantDone waits for the end of s.
func wantDone(t testing.TB, s sandbox.Sandbox) {
	t.Helper()
	select {
	case <-s.Done():
	case <-time.After(patience):
		t.Fatal("the sandbox did not end")
	}
}

func withTimeout(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

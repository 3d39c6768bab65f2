package crash_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/internal/testenv"
)

// rounds is how often the server is killed.
const rounds = 8

var seedFlag = flag.Uint64("seed", 0, "repeat the random choices of the test run that printed this seed")

func TestMain(m *testing.M) { leakcheck.Main(m) }

// TestKilledServerLosesNothingAndLeavesNothing kills a server under load in the midst of what it does, again and again.
func TestKilledServerLosesNothingAndLeavesNothing(t *testing.T) {
	testenv.NeedsRoot(t)
	testenv.Short(t)
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64() //nolint:gosec // a test's choice
	}
	t.Logf("repeat with -seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a test's choice
	adopt(t)
	s, all := newSite(t), newFleet(t)
	v, tree, most := s.start(t), "", 0
	t.Logf("first start: ready after %v", v.ready.Round(time.Millisecond))
	for round := range rounds {
		delay := time.Duration(100+r.IntN(1400)) * time.Millisecond
		changes, answers := all.changes.Load(), all.answers.Load()
		running, name := loadAndKill(t, all, v, r.Uint64(), delay)
		if name != "" {
			tree = name
		}
		most = max(most, running)
		old, log := s.remains(t, tree), v.log
		changes, answers = all.changes.Load()-changes, all.answers.Load()-answers

		v = s.start(t)
		left := slices.Concat(orphans(t, v.cmd.Process.Pid), s.mounts(t))
		(&load{fleet: all, t: t, server: v}).check(t.Context(), 2, r)
		left = append(left, old.left()...)
		for _, what := range slices.Compact(left) {
			t.Errorf("round %d: left of the killed server: %s", round, what)
		}
		t.Logf("round %d: killed after %v, %d changes, %d answers, %d sandboxes; ready again after %v",
			round, delay, changes, answers, running, v.ready.Round(time.Millisecond))
		if t.Failed() {
			t.Fatalf("the killed server's log:\n%s\n\nthe new server's log:\n%s", log.Tail(60), v.log.Tail(60))
		}
	}
	if most == 0 {
		t.Error("no server had sandboxes when it was killed: the test shows nothing about them")
	}
	(&load{fleet: all, t: t, server: v}).check(t.Context(), len(all.functions), r)
	if _, name := sandboxes(t, v.cmd.Process.Pid); name != tree {
		t.Errorf("the cgroups are in %q, and of the killed servers they were in %q", name, tree)
	}
	v.stop(t)
	s.checkEmpty(t, tree)
}

// loadAndKill puts load on v and kills it after delay. It returns how many sandboxes there were just before, and the
// name of the directory of their cgroups.
func loadAndKill(t *testing.T, all *fleet, v *server, seed uint64, delay time.Duration) (sandboxCount int, tree string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l := &load{fleet: all, t: t, server: v}
	wait := l.run(ctx, seed)
	select {
	case <-time.After(delay): // the moment of the kill is what the test varies
	case <-ctx.Done():
	}
	ids, tree := sandboxes(t, v.cmd.Process.Pid)
	l.killed.Store(true)
	v.kill()
	cancel()
	wait()
	return len(ids), tree
}

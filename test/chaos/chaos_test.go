package chaos_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/node"
)

// patience is how long the server may take for anything, on a busy machine.
const patience = 60 * time.Second

var (
	seedFlag     = flag.Uint64("seed", 0, "repeat the random choices of the test run that printed this seed")
	durationFlag = flag.Duration("chaos", 20*time.Second, "how long things break")
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

func TestServerSurvivesChaosAndKeepsNothing(t *testing.T) {
	testenv.NeedsRoot(t)
	testenv.Short(t)
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("repeat with -seed %d", seed)
	all := newFleet(t)
	traces := &traces{}
	before := takeInventory(t)
	t.Cleanup(func() { before.compare(t, traces) }) // after the server was closed
	s := thawtest.Start(t, func(c *node.Config) {
		c.MemoryBudget, c.SlotMemory = 3<<30, 512<<20
		c.FreezeAfter, c.KeepAliveMin, c.KeepAlive = 50*time.Millisecond, 500*time.Millisecond, 2*time.Second
		c.SnapshotLatest = true
	})
	everything := append([]*function{all.sheltered}, all.functions...)
	for _, f := range everything {
		f.create(t, s)
	}

	ctx, cancel := context.WithTimeout(t.Context(), *durationFlag)
	defer cancel()
	source := rand.New(rand.NewPCG(seed, 0))
	trouble := &trouble{t: t, server: s, traces: traces, spared: all.sheltered.name}
	var wg sync.WaitGroup
	start := func(work func(context.Context, *rand.Rand)) {
		r := rand.New(rand.NewPCG(source.Uint64(), source.Uint64()))
		wg.Go(func() { work(ctx, r) })
	}
	traffic := &traffic{t: t, server: s, fleet: all}
	start(func(ctx context.Context, r *rand.Rand) { traffic.shelter(ctx, r, trouble) })
	for range callers {
		start(traffic.call)
	}
	for _, f := range all.functions {
		if f.changes {
			start(func(ctx context.Context, r *rand.Rand) { traffic.change(ctx, r, f) })
		}
		if f.limits {
			start(func(ctx context.Context, r *rand.Rand) { traffic.limit(ctx, r, f) })
		}
	}
	start(trouble.kill)
	start(trouble.damage)
	start(trouble.watch)
	wg.Wait()
	t.Log(traffic, trouble)
	traffic.check(trouble)

	atRest(t, s, traces)
	for _, f := range everything {
		f.mustServe(t, s)
	}
	for _, f := range everything {
		if err := s.DeleteFunction(t.Context(), f.name); err != nil {
			t.Errorf("delete %s: %v", f.name, err)
		}
	}
	atRest(t, s, traces)
	empty(t, s)
}

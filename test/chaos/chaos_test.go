package chaos_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/node"
)

const (
	duration = 20 * time.Second
	// concurrency is the account's. Traffic stays below it unless counts leak.
	concurrency = 12
	// patience is how long the server may take to come to rest on a busy machine.
	patience = 60 * time.Second
)

var (
	seedFlag     = flag.Uint64("seed", 0, "repeat the random choices of the test run that printed this seed")
	durationFlag = flag.Duration("chaos", duration, "how long things break")
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
	for _, f := range all.functions {
		f.create(t, s)
	}

	ctx, cancel := context.WithTimeout(t.Context(), *durationFlag)
	defer cancel()
	source := rand.New(rand.NewPCG(seed, 0))
	trouble := &trouble{t: t, server: s, traces: traces}
	var wg sync.WaitGroup
	start := func(work func(context.Context, *rand.Rand)) {
		r := rand.New(rand.NewPCG(source.Uint64(), source.Uint64()))
		wg.Go(func() { work(ctx, r) })
	}
	traffic := &traffic{t: t, server: s, fleet: all}
	for range callers {
		start(traffic.call)
	}
	for _, f := range all.functions {
		if f.changes {
			start(func(ctx context.Context, r *rand.Rand) { traffic.change(ctx, r, f) })
		}
	}
	start(trouble.kill)
	start(trouble.damage)
	start(trouble.watch)
	wg.Wait()
	t.Log(traffic, trouble)
	traffic.check(trouble)

	atRest(t, s, traces)
	for _, f := range all.functions {
		f.mustServe(t, s)
	}
	for _, f := range all.functions {
		if err := s.DeleteFunction(t.Context(), f.name); err != nil {
			t.Errorf("delete %s: %v", f.name, err)
		}
	}
	atRest(t, s, traces)
	empty(t, s)
}

// countsAreZero shows that no invocation is counted that is not under way: as many as may be run at once, and one more
// may not.
func countsAreZero(t *testing.T, s *thawtest.Server, f *function) {
	t.Helper()
	type answer struct {
		out client.InvokeOutput
		err error
	}
	answers := make(chan answer)
	for range concurrency + 1 {
		go func() {
			out, err := s.Invoke(t.Context(), client.InvokeInput{Function: f.name, Payload: []byte(`{"nonce": 1, "do": "sleep", "ms": 3000}`)})
			answers <- answer{out, err}
		}()
	}
	refused := 0
	for range concurrency + 1 {
		a := <-answers
		switch {
		case client.IsCode(a.err, "TooManyRequestsException"):
			refused++
		case a.err != nil:
			t.Errorf("one of %d invocations at once: %v", concurrency+1, a.err)
		case a.out.FunctionError != "":
			t.Errorf("one of %d invocations at once failed: %s", concurrency+1, a.out.Payload)
		}
	}
	if refused != 1 {
		t.Errorf("of %d invocations at once, where %d may be, %d were refused", concurrency+1, concurrency, refused)
	}
}

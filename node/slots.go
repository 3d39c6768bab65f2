package node

import (
	"context"
	"path/filepath"
	"sync"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/pool"
	"thaw.dev/thaw/runtimes"
	"thaw.dev/thaw/snapshot"
	"thaw.dev/thaw/store"
)

// openSnapshots opens the store of function snapshots.
func openSnapshots(c Config) (*snapshot.Store, error) {
	return snapshot.Open(filepath.Join(c.DataDir, "snapshots"), snapshot.Options{MaxBytes: c.SnapshotBytes, Logger: c.Logger})
}

// launch finds what the function's runtime needs.
func launch(ctx context.Context, catalog *runtimes.Catalog, fn *lambda.Config) (pool.Launch, error) {
	img, err := catalog.Ensure(ctx, fn.Runtime)
	if err != nil {
		return pool.Launch{}, err
	}
	return pool.Launch{
		Runtime: fn.Runtime, Version: img.Version, Image: img.Path, Agent: runtimes.AgentPath, Kind: img.Kind(), Argv: img.Argv(), Env: img.Env(),
		OwnStart: runtimes.NeedsOwnStart(fn.Environment), Template: img.Family == lambda.FamilyPython, Wrapper: img.Wrapper(fn.Environment),
	}, nil
}

// expect has slots of a runtime made ready, whose image is built if need be.
func expect(ctx context.Context, catalog *runtimes.Catalog, environments *pool.Pool, runtime string) error {
	l, err := launch(ctx, catalog, &lambda.Config{Runtime: runtime})
	if err != nil {
		return err
	}
	environments.Expect(l)
	return nil
}

// prepareRuntimes looks, in the background, at the images of all runtimes that functions use, so that the first cold
// start after a restart does not have to, and has slots made ready.
func (n *Node) prepareRuntimes(functions *store.Functions, catalog *runtimes.Catalog, environments *pool.Pool) {
	names := map[string]bool{}
	for _, f := range functions.All() {
		if f.Serving != nil {
			names[f.Serving.Runtime] = true
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for name := range names {
			_ = expect(ctx, catalog, environments, name) // a cold start meets the same error and reports it
		}
	})
	n.onClose(func() {
		cancel()
		wg.Wait()
	})
}

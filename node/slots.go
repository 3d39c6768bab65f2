package node

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"thaw.dev/thaw/code"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/pool"
	"thaw.dev/thaw/runtimes"
	"thaw.dev/thaw/snapshot"
)

// openSnapshots opens the store of function snapshots.
func openSnapshots(c Config) (*snapshot.Store, error) {
	return snapshot.Open(filepath.Join(c.DataDir, "snapshots"), snapshot.Options{MaxBytes: c.SnapshotBytes, Logger: c.Logger})
}

// launcher finds what a function starts with.
type launcher struct {
	catalog  *runtimes.Catalog
	engines  *engines
	packages *code.Store
}

// launch finds what the function's runtime needs, and the engine that isolates it.
func (l launcher) launch(ctx context.Context, fn *lambda.Config) (pool.Launch, error) {
	img, err := l.catalog.Ensure(ctx, fn.Runtime)
	if err != nil {
		return pool.Launch{}, err
	}
	own := runtimes.NeedsOwnStart(fn.Environment)
	if !own {
		if own, err = l.hasLibraries(fn); err != nil {
			return pool.Launch{}, err
		}
	}
	return pool.Launch{
		Runtime: fn.Runtime, Version: img.Version, Image: img.Path, Agent: runtimes.AgentPath, Kind: img.Kind(), Argv: img.Argv(), Env: img.Env(),
		OwnStart: own, Template: img.Family == lambda.FamilyPython, Wrapper: img.Wrapper(fn.Environment),
		Engine: l.engines.of(fn),
	}, nil
}

// hasLibraries reports whether the function's package or one of its layers brings shared libraries for the dynamic loader.
func (l launcher) hasLibraries(fn *lambda.Config) (has bool, err error) {
	packages := []string{fn.Code.SHA256}
	for _, layer := range fn.Layers {
		packages = append(packages, layer.Code.SHA256)
	}
	for _, sha := range packages {
		if sha == "" || has || err != nil { // slots have no package
			continue
		}
		has, err = l.packages.HasLibraries(sha)
		if errors.Is(err, fs.ErrNotExist) { // whoever needs the package will say so
			has, err = false, nil
		}
	}
	return has, err
}

// expect has slots made ready for fn's runtime, whose image is built if need be.
func (l launcher) expect(ctx context.Context, environments *pool.Pool, fn *lambda.Config) error {
	launch, err := l.launch(ctx, &lambda.Config{Account: fn.Account, Name: fn.Name, Runtime: fn.Runtime})
	if err != nil {
		return err
	}
	environments.Expect(launch)
	return nil
}

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Guard wraps e so that every sandbox it creates keeps to LifeCycle: a step that is not allowed returns ErrState and
// never reaches the engine, steps that change the state run one after the other, a failed step leaves the sandbox
// broken, and Destroy works at any time, any number of times, from any goroutine. Engines behind a Guard need to
// support one state-changing call at a time, plus Stats and Destroy beside it.
func Guard(e Engine) Engine { return guardedEngine{e} }

type guardedEngine struct{ Engine }

func (g guardedEngine) Create(ctx context.Context, spec Spec) (Sandbox, error) {
	if err := spec.Check(); err != nil {
		return nil, err
	}
	s, err := g.Engine.Create(ctx, spec)
	if err != nil {
		return nil, err
	}
	return &guarded{Sandbox: s, step: make(chan struct{}, 1), gone: make(chan struct{}), state: StateCreated}, nil
}

// guarded is a sandbox under guard. The embedded Sandbox serves ID, Link, Done and ExitStatus, which every state allows.
type guarded struct {
	Sandbox
	step chan struct{} // holds a token while a state-changing step runs
	gone chan struct{} // closed by the first Destroy

	mu    sync.Mutex
	state State // guarded by mu
	cause error // guarded by mu; why the state is broken

	destroyMu sync.Mutex
	destroyed bool // guarded by destroyMu; the engine's Destroy succeeded
}

func (g *guarded) Start(ctx context.Context) error {
	return g.do(ctx, OpStart, func() error { return g.Sandbox.Start(ctx) })
}

func (g *guarded) Restore(ctx context.Context, dir string) error {
	return g.do(ctx, OpRestore, func() error { return g.Sandbox.Restore(ctx, dir) })
}

func (g *guarded) Attach(ctx context.Context, image, target string) error {
	return g.do(ctx, OpAttach, func() error { return g.Sandbox.Attach(ctx, image, target) })
}

func (g *guarded) Pause(ctx context.Context) error {
	return g.do(ctx, OpPause, func() error { return g.Sandbox.Pause(ctx) })
}

func (g *guarded) Resume(ctx context.Context) error {
	return g.do(ctx, OpResume, func() error { return g.Sandbox.Resume(ctx) })
}

func (g *guarded) Checkpoint(ctx context.Context, dir string) error {
	return g.do(ctx, OpCheckpoint, func() error { return g.Sandbox.Checkpoint(ctx, dir) })
}

func (g *guarded) Limit(l Limits) error {
	return g.do(context.Background(), OpLimit, func() error { return g.Sandbox.Limit(l) })
}

// Stats changes nothing, so it waits for nobody. That it fails says nothing about the sandbox either.
func (g *guarded) Stats() (Stats, error) {
	if _, err := g.allowed(OpStats); err != nil {
		return Stats{}, err
	}
	s, err := g.Sandbox.Stats()
	if err != nil {
		_, gone := g.allowed(OpStats)
		return Stats{}, errors.Join(gone, err)
	}
	return s, nil
}

func (g *guarded) Destroy() error {
	g.mu.Lock()
	if g.state != StateDestroyed {
		g.state = StateDestroyed
		close(g.gone)
	}
	g.mu.Unlock()

	// Not behind step: Destroy is what ends a step that hangs.
	g.destroyMu.Lock()
	defer g.destroyMu.Unlock()
	if g.destroyed {
		return nil
	}
	if err := g.Sandbox.Destroy(); err != nil {
		return err // the next call tries again
	}
	g.destroyed = true
	return nil
}

// do runs one state-changing step.
func (g *guarded) do(ctx context.Context, op Op, f func() error) error {
	select {
	case g.step <- struct{}{}:
		defer func() { <-g.step }()
	case <-g.gone:
		return fmt.Errorf("%s %s: %w", op, g.ID(), ErrDestroyed)
	case <-ctx.Done():
		return fmt.Errorf("%s %s: %w", op, g.ID(), context.Cause(ctx))
	}
	to, err := g.allowed(op)
	if err != nil {
		return err
	}
	err = f()

	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.state == StateDestroyed:
		return errors.Join(fmt.Errorf("%s %s: %w", op, g.ID(), ErrDestroyed), err)
	case errors.Is(err, ErrUnsupported) || errors.Is(err, ErrState): // the engine refused, too, and changed nothing
		return err
	case err != nil:
		g.state, g.cause = StateBroken, err
		return err
	}
	g.state = to
	return nil
}

// allowed returns the state op leads to from here, or why it is refused.
func (g *guarded) allowed(op Op) (State, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if to, ok := next(g.state, op); ok {
		return to, nil
	}
	switch g.state {
	case StateDestroyed:
		return 0, fmt.Errorf("%s %s: %w", op, g.ID(), ErrDestroyed)
	case StateBroken:
		return 0, fmt.Errorf("%s %s: %w: it broke: %v", op, g.ID(), ErrState, g.cause)
	}
	return 0, fmt.Errorf("%s %s: %w: it is %s", op, g.ID(), ErrState, g.state)
}

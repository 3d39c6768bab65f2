package pool

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
)

// The values of AWS_LAMBDA_INITIALIZATION_TYPE. Source: AWS Lambda developer guide, "Defined runtime environment
// variables".
const (
	initOnDemand    = "on-demand"
	initProvisioned = "provisioned-concurrency"
	initSnapStart   = "snap-start"
)

func initTypeOf(why Cause) string {
	if why == CauseProvisioned {
		return initProvisioned
	}
	return initOnDemand
}

// placeTries is how often a cold start tries to get a sandbox.
const placeTries = 3

// placeError is a failure before the sandbox had anything of the function: another try may go well.
type placeError struct{ error }

func (e *placeError) Unwrap() error { return e.error }

// errNotNeeded ends a cold start whose caller was served otherwise before it had cost anything.
var errNotNeeded = errors.New("nobody waits for it any more")

// coldStart makes an environment for fn and hands it, or why there is none, to whoever waits longest for one.
func (p *Pool) coldStart(fn *lambda.Config, why Cause) {
	e, err := p.create(p.ctx, fn, why, initTypeOf(why))
	for range placeTries - 1 {
		if _, ours := errors.AsType[*placeError](err); !ours || p.ctx.Err() != nil {
			break
		}
		p.o.Logger.Warn("no place for a cold start; trying again", "function", fn.Name, "error", err)
		e, err = p.create(p.ctx, fn, why, initTypeOf(why))
	}
	k := keyOf(fn)
	p.mu.Lock()
	if p.starting[k]--; p.starting[k] == 0 {
		delete(p.starting, k)
	}
	if err != nil {
		if w := p.nextWant(k); w != nil && !errors.Is(err, errNotNeeded) {
			w.deliver(nil, err)
		}
		p.startMissing(k, fn)
		p.mu.Unlock()
		if !errors.Is(err, errNotNeeded) {
			p.o.Trace(Event{Kind: EventColdStart, Account: fn.Account, Function: fn.Name, Version: fn.Version,
				Runtime: fn.Runtime, Cause: why, Err: err})
		}
		return
	}
	p.coldMean += (time.Since(e.begun) - p.coldMean) / 8
	p.adopt(e)
	p.mu.Unlock()
	p.started(e, why)
	cost := e.Cold.Place + e.Cold.Init // e belongs to somebody else in a moment
	p.Release(e)
	bytes := e.residentBytes() // now that nobody waits for it
	p.mu.Lock()
	p.policy.Started(policyKey(k), cost, bytes)
	p.startMissing(k, fn) // e was retired or died already, and its waiter still waits
	p.mu.Unlock()
}

// adopt needs mu. It counts e among the pool's environments.
func (p *Pool) adopt(e *Environment) {
	p.live[e] = true
	p.alive[e.key]++
	e.since = time.Now()
	p.work.Go(func() { p.watch(e) })
}

// started tells of a cold start that went well.
func (p *Pool) started(e *Environment, why Cause) {
	p.o.Logger.Debug("cold start", "function", e.key.name, "version", e.key.version, "sandbox", e.ID(), "source", string(e.Source),
		"cause", string(why), "place_ms", ms(e.Cold.Place), "code_ms", ms(e.Cold.Code), "init_ms", ms(e.Cold.Init),
		"init_failure", e.InitFailure)
	p.trace(e, Event{Kind: EventColdStart, Cause: why, Phases: e.Cold, Err: e.InitFailure})
	p.considerSnapshot(e)
}

// create runs the phases of a cold start: place, code, init. A failed init is no error here: the environment is handed
// out and the invocation runs init again.
func (p *Pool) create(ctx context.Context, fn *lambda.Config, why Cause, initType string) (_ *Environment, err error) {
	begin := time.Now()
	launch, err := p.o.Launch(ctx, fn)
	if err != nil {
		return nil, fmt.Errorf("find runtime: %w", err)
	}
	p.complete(&launch, fn.MemoryMB)
	if why == CauseSnapshot && !p.hasSnapshots(launch.Engine) {
		return nil, lambda.Errorf(lambda.KindInvalid, "SnapStart needs snapshots, which the engine %s of this server does not have", launch.Engine.Name())
	}
	e := &Environment{
		Function: fn, key: keyOf(fn), launchAs: launch,
		initType: initType, Provisioned: why == CauseProvisioned, sealed: why == CauseSnapshot, zone: p.o.Zone,
	}
	if err := p.findCode(ctx, e); err != nil {
		return nil, err
	}
	e.Log = p.o.OpenLog(fn)
	if p.mayShare(e) { // they are part of the key of its snapshot
		e.credentials = p.credentialsFor(e)
	}
	e.openJournal()
	if e.sealed && p.o.Snapshots.Has(p.snapshotKey(e)) {
		return nil, errHaveSnapshot
	}
	p.findSnapshot(e)
	e.token = e.newToken(p)
	defer func() {
		if e.snapshot != nil {
			p.o.Snapshots.Done(e.snapshot)
		}
	}()
	made, err := p.turn(ctx, e, why)
	if err != nil {
		return nil, err
	}
	if err := p.reserveFor(ctx, e); err != nil {
		made()
		return nil, err
	}
	e.begun = time.Now()
	defer func() {
		if err != nil {
			e.close()
			p.giveUpMemory(e)
		}
	}()
	err = p.place(ctx, e)
	made()
	if err != nil {
		return nil, &placeError{err}
	}
	p.placed(e, why)
	e.Cold.Place = time.Since(begin) - e.restored
	if e.Source == SourceSnapshot {
		err = p.wakeUp(e)
	} else {
		err = p.initialise(ctx, e, why)
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}

// reserveFor reserves e's memory. On error nothing is left or reserved.
func (p *Pool) reserveFor(ctx context.Context, e *Environment) error {
	e.reserved = int64(e.Function.MemoryMB)<<20 + OverheadBytes + e.launchAs.extraBytes()
	if err := p.reserve(ctx, e.reserved); err != nil {
		e.close()
		return err
	}
	return nil
}

// place brings e's sandbox to the point where its agent answers. It says in e.Source what that began with.
func (p *Pool) place(ctx context.Context, e *Environment) error {
	if e.slot != nil && e.slot.session != nil {
		e.Source = SourceHot
		return nil
	}
	if e.snapshot != nil {
		err := p.restore(ctx, e)
		if err == nil || ctx.Err() != nil {
			return err
		}
		p.o.Logger.Warn("snapshot could not be restored; starting without", "function", e.key.name, "version", e.key.version, "error", err)
		p.o.Snapshots.Spoil(e.snapshot)
		p.o.Snapshots.Done(e.snapshot)
		e.slot.close()
		e.slot, e.snapshot = nil, nil
	}
	e.Source = SourceEmpty
	if e.slot != nil { // it was prepared in the background, and is in the foreground from now on
		if err := e.sandbox.Limit(limits(e.Function)); err != nil {
			return fmt.Errorf("set limits: %w", err)
		}
	} else {
		e.Source = SourceNone
		if err := p.createFor(ctx, e); err != nil {
			return err
		}
	}
	if e.sealed {
		if err := e.attachOnce(ctx); err != nil {
			return err
		}
	}
	return p.bringUp(ctx, e)
}

// placed says whose the sandbox is, tells the stocks what was asked of them, and remembers what it took to make it.
func (p *Pool) placed(e *Environment, why Cause) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inside[e.ID()] = e.Function
	if why != CauseSnapshot {
		p.ask(e)
	}
	if e.Source == SourceEmpty || e.Source == SourceNone {
		p.makeMean += (time.Since(e.begun) - p.makeMean) / 8
	}
}

// createFor creates a sandbox made to e's measure.
func (p *Pool) createFor(ctx context.Context, e *Environment) error {
	e.slot = &slot{launch: e.launchAs}
	from := ""
	if e.snapshot != nil {
		from = e.snapshot.Dir()
	} else if t := p.template(e); t != nil {
		from = t.Dir()
		p.o.Snapshots.Done(t)
	}
	return e.slot.create(ctx, from, int64(e.Function.EphemeralMB)<<20, limits(e.Function))
}

// initialise gives the slot its function: limits, code, runtime, handler.
func (p *Pool) initialise(ctx context.Context, e *Environment, why Cause) error {
	e.open()
	e.describe(e.session)
	bundled := e.launch.Kind == link.KindFrames
	var attaching errgroup.Group
	attaching.Go(func() error { // overlaps with the runtime's start
		if err := e.sandbox.Limit(limits(e.Function)); err != nil {
			return fmt.Errorf("set limits: %w", err)
		}
		return e.attachOnce(ctx)
	})
	begin := time.Now()
	// What needs no code is done meanwhile.
	if !p.mayShare(e) {
		e.credentials = p.credentialsFor(e)
	}
	specialisation := e.specialisation()
	e.sayInitStart(e.phase())
	var failure error
	if e.running && e.launchAs.OwnStart {
		e.Source = SourceEmpty // the runtime that is up is of no use
		failure = e.Reset(nil)
	}
	early := bundled && !e.launchAs.OwnStart // needs no code to start
	if failure == nil && early && !e.running {
		failure = e.startRuntime()
	}
	if err := attaching.Wait(); err != nil {
		return &placeError{err}
	}
	if !early {
		begin = time.Now()
	}
	deadline := begin.Add(initTimeout(e.Function, why))
	if failure == nil {
		failure = e.extend(deadline)
	}
	if failure == nil && !early {
		failure = e.startRuntime()
	}
	if failure == nil {
		failure = e.awaitReady(&specialisation, deadline)
	}
	e.Cold.Init = time.Since(begin)
	e.sayInitDone(e.phase(), e.Cold.Init, failure)
	return e.settleInit(failure)
}

// attachOnce is the code phase, unless that is over.
func (e *Environment) attachOnce(ctx context.Context) error {
	if e.attached {
		return nil
	}
	begin := time.Now()
	if err := e.attach(ctx); err != nil {
		return fmt.Errorf("attach code: %w", err)
	}
	e.attached, e.Cold.Code = true, time.Since(begin)
	return nil
}

// settleInit ends an init phase. One that failed leaves the environment without a runtime; the next invocation tries
// again.
func (e *Environment) settleInit(failure error) error {
	e.journal.Settle()
	if failure != nil {
		e.InitFailure = failure
		e.DrainOutput()
		if err := e.Reset(failure); err != nil {
			return fmt.Errorf("%w (%w): %w", ErrLost, failure, err)
		}
	}
	if err := e.limit(); err != nil {
		return fmt.Errorf("set limits: %w", err)
	}
	return nil
}

// longInitTimeout bounds the init of environments that no request waits for; a longer function timeout takes its place.
// Source: AWS Lambda developer guide, "Lambda execution environment lifecycle".
const longInitTimeout = 130 * time.Second

func initTimeout(fn *lambda.Config, why Cause) time.Duration {
	if why == CauseProvisioned || why == CauseSnapshot {
		return max(longInitTimeout, fn.TimeoutDuration())
	}
	return lambda.InitTimeout
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

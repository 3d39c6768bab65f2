package pool

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/sandbox"
)

// bootTimeout bounds the time from a sandbox's start to its agent's hello.
const bootTimeout = 20 * time.Second

// coldStart makes an environment for fn and hands it, or why there is none, to whoever waits longest for one.
func (p *Pool) coldStart(fn *lambda.Config) {
	e, err := p.create(p.ctx, fn)
	k := keyOf(fn)
	p.mu.Lock()
	if p.starting[k]--; p.starting[k] == 0 {
		delete(p.starting, k)
	}
	if err != nil {
		if w := p.nextWant(k); w != nil {
			w.deliver(nil, err)
		}
		p.mu.Unlock()
		p.o.Trace(Event{Kind: EventColdStart, Function: fn.Name, Err: err})
		return
	}
	p.live[e] = true
	p.work.Go(func() { p.watch(e) })
	p.mu.Unlock()
	p.o.Logger.Debug("cold start", "function", fn.Name, "sandbox", e.ID(), "place_ms", ms(e.Cold.Place),
		"code_ms", ms(e.Cold.Code), "init_ms", ms(e.Cold.Init), "init_failure", e.InitFailure)
	p.o.Trace(Event{Kind: EventColdStart, Function: fn.Name, Phases: e.Cold, Err: e.InitFailure})
	p.Release(e)
	p.mu.Lock()
	p.startMissing(k, fn) // e was retired or died already, and its waiter still waits
	p.mu.Unlock()
}

// create runs the phases of a cold start: place, code, init. A failed init is no error here: the environment is handed
// out and the invocation runs init again.
func (p *Pool) create(ctx context.Context, fn *lambda.Config) (_ *Environment, err error) {
	begin := time.Now()
	launch, err := p.o.Launch(ctx, fn)
	if err != nil {
		return nil, fmt.Errorf("find runtime: %w", err)
	}
	launch.region = p.o.Region
	code, err := p.o.CodeImage(ctx, fn)
	if err != nil {
		return nil, fmt.Errorf("find code: %w", err)
	}
	e := &Environment{Function: fn, key: keyOf(fn), launch: launch, Log: p.o.OpenLog(fn)}
	if err := p.place(ctx, e); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			e.close()
			p.giveUpMemory(e)
		}
	}()
	var attached time.Duration
	var attaching errgroup.Group
	attaching.Go(func() error { // overlaps with the agent's and the runtime's start
		at := time.Now()
		defer func() { attached = time.Since(at) }()
		return e.attach(ctx, code)
	})
	if err := e.greet(ctx); err != nil {
		_ = attaching.Wait()
		return nil, err
	}
	e.Cold.Place = time.Since(begin)
	initBegin := time.Now()
	initErr := error(nil)
	if launch.Kind == link.KindFrames { // a bundled runtime needs no code to start
		initErr = e.startRuntime()
	}
	if err := attaching.Wait(); err != nil {
		return nil, fmt.Errorf("attach code: %w", err)
	}
	e.Cold.Code = attached
	if launch.Kind == link.KindHTTP {
		initBegin = time.Now()
		initErr = e.startRuntime()
	}
	if initErr == nil {
		initErr = e.awaitReady(initBegin.Add(lambda.InitTimeout))
	}
	e.Cold.Init = time.Since(initBegin)
	if initErr != nil {
		e.InitFailure = initErr
		e.DrainOutput()
		if err := e.Reset(); err != nil {
			return nil, fmt.Errorf("%w (%w): %w", ErrLost, initErr, err)
		}
	}
	if err := e.limit(); err != nil {
		return nil, fmt.Errorf("set limits: %w", err)
	}
	return e, nil
}

// place reserves the memory and brings a sandbox up. On error nothing is left or reserved.
func (p *Pool) place(ctx context.Context, e *Environment) error {
	e.reserved = int64(e.Function.MemoryMB)<<20 + OverheadBytes
	if err := p.reserve(ctx, e.reserved); err != nil {
		return err
	}
	err := p.createSandbox(ctx, e)
	if err != nil {
		p.giveUpMemory(e)
	}
	return err
}

func (p *Pool) createSandbox(ctx context.Context, e *Environment) error {
	select { // more at once would only make each slower
	case p.starts <- struct{}{}:
		defer func() { <-p.starts }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	sb, err := p.o.Engine.Create(ctx, sandbox.Spec{
		ID:       newID(),
		Root:     e.launch.Image,
		Args:     []string{e.launch.Agent},
		TmpBytes: int64(e.Function.EphemeralMB) << 20,
		Egress:   p.o.Engine.Capabilities().Network,
		Limits:   limits(e.Function),
	})
	if err != nil {
		return fmt.Errorf("create sandbox: %w", err)
	}
	e.sandbox = sb
	if err := e.sandbox.Start(ctx); err != nil {
		_ = e.sandbox.Destroy()
		return fmt.Errorf("start sandbox %s: %w", sb.ID(), err)
	}
	return nil
}

// greet opens the conversation with the agent.
func (e *Environment) greet(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	l := e.sandbox.Link()
	if e.output, err = link.NewLogs(l.Logs, func(b []byte) { _, _ = e.Log.Write(b) }); err != nil {
		return fmt.Errorf("open log channel: %w", err)
	}
	go e.output.Run() // ends when Destroy closes the channel
	if e.session, err = link.Open(ctx, l.Control, l.Data); err != nil {
		return fmt.Errorf("sandbox %s: %w", e.ID(), err)
	}
	return nil
}

func newID() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return "sb-" + hex.EncodeToString(b[:])
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

package invoke

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/pool"
)

// Functions resolves a function to what runs for it now.
type Functions interface {
	// Resolve returns the configuration to run. Errors are *lambda.Error: KindNotFound, KindConflict while the
	// function is being created, KindNotReady.
	Resolve(account, name, qualifier string) (*lambda.Config, error)
}

// Environments is the part of *pool.Pool that an invocation needs.
type Environments interface {
	Acquire(ctx context.Context, fn *lambda.Config) (*pool.Environment, error)
	Release(e *pool.Environment)
	Settle(e *pool.Environment)
	Discard(e *pool.Environment)
}

// Invoker runs invocations. Its methods may be called concurrently.
type Invoker struct {
	functions    Functions
	environments Environments
	admission    admission
	logger       *slog.Logger
}

// New returns an Invoker.
func New(functions Functions, environments Environments, logger *slog.Logger) *Invoker {
	return &Invoker{functions: functions, environments: environments, logger: logger}
}

// Sync runs one invocation and returns the function's answer. If ctx ends before an environment was found, the
// invocation does not happen; after that it runs to its end, as on Lambda.
//
// Errors are *lambda.Error for what the caller can mend or must wait for; any other error is ours.
func (i *Invoker) Sync(ctx context.Context, req *Request) (*Result, error) {
	fn, err := i.functions.Resolve(req.Account, req.Function, req.Qualifier)
	if err != nil {
		return nil, err
	}
	leave, err := i.admission.enter(req.Account)
	if err != nil {
		return nil, err
	}
	defer leave()
	env, err := i.environments.Acquire(ctx, fn)
	switch {
	case errors.Is(err, pool.ErrNoMemory):
		return nil, &lambda.Error{Kind: lambda.KindThrottled, Reason: concurrentLimit, Msg: "Rate Exceeded.", Err: err}
	case errors.Is(err, pool.ErrLost):
		i.logger.Warn("sandbox ended during init", "function", fn.Name, "request_id", req.ID, "error", err)
		return lost(req, fn.Version), nil
	case err != nil:
		return nil, err
	}
	run := run{Invoker: i, req: req, env: env, deadline: time.Now().Add(fn.TimeoutDuration())}
	return run.do(), nil
}

// run is one invocation in its environment.
type run struct {
	*Invoker
	req      *Request
	env      *pool.Environment
	deadline time.Time
}

func (r *run) do() *Result {
	fn, log := r.env.Function, r.env.Log
	log.Begin()
	report := report{id: r.req.ID, memoryMB: fn.MemoryMB}
	if r.env.FirstUse() {
		report.init = r.env.Cold.Init
		if r.env.InitFailure != nil {
			r.logInitFailure()
			report.init = 0
		}
	}
	log.Printf("START RequestId: %s Version: %s", r.req.ID, fn.Version)
	begin := time.Now()
	reply, err := r.deliver()
	report.duration = time.Since(begin)
	r.env.DrainOutput()

	result := &Result{Payload: reply.Payload, ExecutedVersion: fn.Version}
	if f := r.failure(reply, err); f != nil {
		result.Payload, result.FunctionError = f.payload, unhandled
		report.status, report.errorType = f.status, f.errorType
		if f.status == statusTimeout {
			log.Printf("%s %s Task timed out after %.2f seconds", time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
				r.req.ID, fn.TimeoutDuration().Seconds())
		}
	}
	if len(result.Payload) == 0 {
		result.Payload = []byte("null")
	}
	report.peakMB = r.env.PeakMemoryMB(report.duration)
	log.Printf("END RequestId: %s", r.req.ID)
	log.Printf("%s", report.String())
	if r.req.LogTail {
		result.LogTail = log.Tail()
	}
	log.Flush()
	result.Phases = phases(&report, r.env)
	r.giveBack(reply, err)
	return result
}

// deliver brings the event to the runtime, after running init again if there is no initialised runtime.
func (r *run) deliver() (link.Reply, error) {
	if err := r.env.Revive(); err != nil {
		return link.Reply{}, err
	}
	if !r.env.Ready() {
		if err := r.env.Init(r.deadline); err != nil {
			return link.Reply{}, err
		}
	}
	return r.env.Deliver(&link.Event{
		EventMeta: link.EventMeta{
			ID:            r.req.ID,
			DeadlineMS:    r.deadline.UnixMilli(),
			ARN:           r.req.ARN,
			TraceID:       r.req.TraceID,
			ClientContext: r.req.ClientContext,
		},
		Payload: r.req.Payload,
	}, r.deadline)
}

// giveBack returns the environment before the caller gets its answer, so that its next request finds it. A custom
// runtime that answered has yet to ask for its next event: that is waited for in the background, until the invocation's
// deadline.
func (r *run) giveBack(reply link.Reply, err error) {
	switch {
	case err != nil:
		r.reset()
	case reply.Idle:
		r.environments.Release(r.env)
	default:
		r.environments.Settle(r.env)
		go r.finish() // ends at the deadline; closing the pool ends it earlier
	}
}

func (r *run) finish() {
	if err := r.env.AwaitIdle(r.deadline); err != nil {
		r.reset()
		return
	}
	r.env.DrainOutput()
	r.environments.Release(r.env)
}

// reset makes the environment fit for its next invocation, or discards it.
func (r *run) reset() {
	if err := r.env.Reset(); err != nil {
		r.logger.Debug("environment discarded", "function", r.env.Function.Name, "sandbox", r.env.ID(), "error", err)
		r.environments.Discard(r.env)
		return
	}
	r.env.DrainOutput()
	r.environments.Release(r.env)
}

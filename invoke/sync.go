package invoke

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/pool"
	"thaw.dev/thaw/telemetry"
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

// Options configure an Invoker. Members are required unless they say otherwise.
type Options struct {
	Functions    Functions
	Environments Environments
	Shares       Shares
	// MayLoop says whether a function may be invoked by a loop of invocations; nil means that none may.
	MayLoop func(account, name string) bool
	// StreamRate bounds the average rate of each streamed answer, in bytes per second, once its first StreamBurst
	// bytes are out. 0 means no bound.
	StreamRate int64
	// ReportEngine has REPORT lines name what isolates the function; its owner reads them.
	ReportEngine bool
	// Observe is told of each invocation when its caller gets the answer; may be nil. It must be quick.
	Observe func(Observation)
	Logger  *slog.Logger
}

// Invoker runs invocations. Its methods may be called concurrently.
type Invoker struct {
	functions    Functions
	environments Environments
	admission    *admission
	streamRate   int64
	reportEngine bool
	mayLoop      func(account, name string) bool
	observe      func(Observation)
	sampler      sampler
	logger       *slog.Logger
}

// New returns an Invoker.
func New(o Options) *Invoker {
	if o.Observe == nil {
		o.Observe = func(Observation) {}
	}
	if o.MayLoop == nil {
		o.MayLoop = func(string, string) bool { return false }
	}
	return &Invoker{
		functions: o.Functions, environments: o.Environments, admission: newAdmission(o.Shares),
		mayLoop: o.MayLoop, streamRate: o.StreamRate, reportEngine: o.ReportEngine, observe: o.Observe, logger: o.Logger,
	}
}

// Sync runs one invocation and returns the function's answer. If ctx ends before an environment was found, the
// invocation does not happen; after that it runs to its end, as on Lambda.
//
// Errors are *lambda.Error for what the caller can mend or must wait for; any other error is ours.
func (i *Invoker) Sync(ctx context.Context, req *Request) (*Result, error) {
	return i.run(ctx, req, nil)
}

// run runs one invocation; a streamed answer goes to out, or into the result if out is nil.
func (i *Invoker) run(ctx context.Context, req *Request, out *output) (*Result, error) {
	run := &run{Invoker: i, req: req, out: out, seen: Observation{Outcome: OutcomeInternal}}
	defer run.end() // also when something below panics
	result, err := run.sync(ctx)
	if err != nil {
		run.seen.Outcome, run.seen.Reason = outcome(ctx, err)
	}
	return result, err
}

// run is one invocation.
type run struct {
	*Invoker
	req      *Request
	out      *output // takes a streamed answer; nil to collect it
	place    place
	env      *pool.Environment
	holds    bool // env is to be given back
	settles  bool // finish gives env and place back
	first    bool // env's first invocation
	deadline time.Time
	trace    trace
	account  account
	late     bool // extensions are at work after the answer: finish reports
	seen     Observation
}

func (r *run) sync(ctx context.Context) (*Result, error) {
	fn, err := r.functions.Resolve(r.req.Account, r.req.Function, r.req.Qualifier)
	if err != nil {
		return nil, err
	}
	if fn, err = fn.ForTenant(r.req.Tenant); err != nil {
		return nil, err
	}
	r.seen.Account, r.seen.Function, r.seen.Version = fn.Account, fn.Name, fn.Version
	if err := r.endLoop(fn); err != nil {
		return nil, err
	}
	begin := time.Now()
	if r.place, err = r.admission.enter(ctx, fn, begin, r.req.Queued); err != nil {
		return nil, err
	}
	r.env, err = r.environments.Acquire(ctx, fn)
	r.seen.Wait = time.Since(begin)
	switch {
	case errors.Is(err, pool.ErrLost):
		r.logger.Warn("sandbox ended during init", "function", fn.Name, "request_id", r.req.ID, "error", err)
		r.seen.Outcome = OutcomeFunctionError
		return lost(r.req, fn.Version), nil
	case err != nil:
		return nil, refusal(err)
	}
	r.trace = r.sampler.trace(r.req.TraceID, fn, time.Now())
	r.trace.header, _ = lambda.Lineage(r.trace.header, fn.Account, fn.Name)
	r.holds, r.deadline = true, time.Now().Add(fn.TimeoutDuration())
	return r.do(), nil
}

// end gives back what the invocation holds. Its environment is still among that only if something panicked.
func (r *run) end() {
	if r.holds {
		r.environments.Discard(r.env)
	}
	if !r.settles {
		r.leave()
	}
	r.observe(r.seen)
}

// leave gives the invocation's place back, if it has one.
func (r *run) leave() {
	if r.place.function != nil {
		r.admission.leave(&r.place)
	}
}

func (r *run) do() *Result {
	fn, log := r.env.Function, r.env.Log
	log.Begin()
	r.account = account{id: r.req.ID, trace: r.trace, memoryMB: fn.MemoryMB}
	account := &r.account
	if r.reportEngine {
		account.engine = r.env.Engine()
	}
	r.first = r.env.FirstUse()
	if r.first {
		if r.env.Source != pool.SourceSnapshot || r.env.InitFailure != nil { // a copy's registered in another environment
			r.sayExtensions(r.env.InitFailure)
		}
		r.env.SayInitFailed()
	}
	r.env.Say(account.start(fn.Version))
	account.begun = time.Now()
	reply, err := r.deliver()
	account.answered(reply)
	r.env.DrainOutput()

	result := &Result{Payload: reply.Payload, ExecutedVersion: fn.Version, StreamedBytes: reply.Streamed, TraceID: r.trace.header}
	r.seen.Outcome, r.seen.Duration = OutcomeOK, account.took
	if f := r.failure(reply, err); f != nil {
		result.Payload, result.FunctionError, result.ErrorType = f.payload, unhandled, f.errorType
		account.status, account.errorType = f.status, f.errorType
		r.seen.Outcome = OutcomeFunctionError
		if f.status == telemetry.Timeout {
			r.seen.Outcome = OutcomeTimeout
			r.env.Say(telemetry.TimedOut{At: time.Now(), RequestID: r.req.ID, After: fn.TimeoutDuration()})
		}
	}
	account.runtimeDone(r.env)
	if r.late = err == nil && !reply.Idle && r.env.Announces(); r.late && r.req.LogTail { // the report belongs to the tail
		err = r.awaitExtensions()
		reply.Idle, r.late = err == nil, false
	}
	if !r.late {
		account.report(r.env, r.first)
	}
	if len(result.Payload) == 0 {
		result.Payload = []byte("null")
	}
	if r.req.LogTail {
		result.LogTail = log.Tail()
	}
	log.Flush()
	result.Phases = phases(r.env, r.first, r.seen.Duration)
	r.giveBack(reply, err)
	return result
}

// deliver brings the event to the runtime, after running init again if there is no initialised runtime.
func (r *run) deliver() (link.Reply, error) {
	if err := r.env.Revive(); err != nil {
		return link.Reply{}, err
	}
	if !r.env.Ready() {
		err := r.env.Init(r.deadline)
		r.sayExtensions(err)
		if err != nil {
			return link.Reply{}, err
		}
	}
	event := &link.Event{
		EventMeta: link.EventMeta{
			ID:            r.req.ID,
			DeadlineMS:    r.deadline.UnixMilli(),
			ARN:           r.req.ARN,
			TraceID:       r.trace.header,
			ClientContext: r.req.ClientContext,
			Stream:        r.out != nil,
			TenantID:      r.req.Tenant,
		},
		Payload: r.req.Payload,
	}
	if r.out == nil {
		return r.env.Deliver(event, r.deadline)
	}
	return r.env.Stream(event, r.deadline, r.out.from(r))
}

// awaitExtensions waits until runtime and extensions are through with an invocation that was answered. What they take is
// part of its duration, and their failure of its account; the answer stays what it was. The error is that of AwaitIdle.
func (r *run) awaitExtensions() error {
	err := r.env.AwaitIdle(r.deadline)
	r.account.took = time.Since(r.account.begun)
	r.env.DrainOutput()
	if f := r.failure(link.Reply{}, err); f != nil {
		r.account.status, r.account.errorType = f.status, f.errorType
		if f.status == telemetry.Timeout {
			r.env.Say(telemetry.TimedOut{At: time.Now(), RequestID: r.req.ID, After: r.env.Function.TimeoutDuration()})
		}
	}
	return err
}

// giveBack returns the environment before the caller gets its answer, so that its next request finds it. A custom
// runtime that answered has yet to ask for its next event, and so may extensions: that is waited for in the background,
// until the invocation's deadline. The invocation counts until then, because the function's code goes on.
func (r *run) giveBack(reply link.Reply, err error) {
	r.holds = false
	switch {
	case err != nil && r.env.Extended(): // they have up to two seconds to end
		r.settles = true
		r.admission.settle(&r.place)
		go func() { // ends within those; closing the pool ends it earlier
			defer r.leave()
			r.reset(err)
		}()
	case err != nil:
		r.reset(err)
	case reply.Idle:
		r.environments.Release(r.env)
	default:
		r.settles = true
		r.admission.settle(&r.place)
		r.environments.Settle(r.env)
		go r.finish() // ends at the deadline; closing the pool ends it earlier
	}
}

func (r *run) finish() {
	defer r.leave() // after the environment was given back: who comes in then finds it
	var err error
	if r.late {
		err = r.awaitExtensions()
		r.account.report(r.env, r.first)
		r.env.Log.Flush()
	} else {
		err = r.env.AwaitIdle(r.deadline)
	}
	if err != nil {
		r.reset(err)
		return
	}
	r.env.DrainOutput()
	r.environments.Release(r.env)
}

// reset makes the environment fit for its next invocation after something went wrong, or discards it.
func (r *run) reset(why error) {
	if err := r.env.Reset(why); err != nil {
		r.logger.Debug("environment discarded", "function", r.env.Function.Name, "sandbox", r.env.ID(), "error", err)
		r.environments.Discard(r.env)
		return
	}
	r.env.DrainOutput()
	r.environments.Release(r.env)
}

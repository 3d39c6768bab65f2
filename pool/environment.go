package pool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/logs"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/snapshot"
	"thaw.dev/thaw/telemetry"
)

// The user that runtimes are inside a sandbox, and where things are there. Source: AWS Lambda execution environments.
const (
	userID   = 993
	groupID  = 990
	taskRoot = "/var/task"
	// layerRoot is where layers are.
	layerRoot = "/opt"
)

// resetTimeout bounds how long a sandbox may take to kill a runtime before it is destroyed instead. An emulated
// machine has longer, see Launch.allow.
const resetTimeout = 2 * time.Second

// Environment is one execution environment: a sandbox that holds one revision of one function. Between Acquire and
// Release it belongs to one goroutine.
type Environment struct {
	// Function is what the environment serves; immutable.
	Function *lambda.Config
	// Log is its log stream.
	Log *logs.Stream
	// Source is what its cold start began with; immutable.
	Source Source
	// Provisioned says that it belongs to provisioned concurrency; immutable.
	Provisioned bool
	// Cold are the phases of its cold start.
	Cold Phases
	// Thawed is how long it took to thaw the environment for the invocation that has it now; 0 if it was not frozen.
	Thawed time.Duration
	// InitFailure is why the init phase failed, nil if it did not. The next invocation runs init again.
	InitFailure error

	key key
	*slot
	journal     *telemetry.Journal
	forward     forwarder
	launchAs    Launch             // how this function's runtime is started, where it is not up in the slot already
	code        string             // host path of the code's image
	layers      string             // host path of the layers' image, "" without layers
	credentials Credentials        // immutable
	initType    string             // the value of AWS_LAMBDA_INITIALIZATION_TYPE
	zone        string             // the availability zone's id
	token       string             // that code inside must show who asks for metadata
	snapshot    *snapshot.Snapshot // what it starts from, during the cold start only
	sealed      bool               // the code is attached before the start, so that a snapshot can be made
	attached    bool               // the code is there
	begun       time.Time          // when its cold start had what it needs of the host
	restored    time.Duration      // how long restoring its snapshot took
	reserved    int64              // bytes of the budget
	ready       bool               // the runtime is up and idle
	served      atomic.Int64       // invocations begun
	oomKills    int                // seen so far
	peakAt      time.Time
	peak        int64

	ice ice

	// Guarded by the pool's mu.
	retired  bool
	settling *time.Timer // not nil between Settle and Release, or the end of settlePatience
	dead     bool
	idle     bool
	invoked  bool      // an invocation has it, which the policy knows of
	since    time.Time // when it became what it is: idle or busy
	keep     time.Time // when its keep-alive ends, while idle; zero if never
	prewarm  time.Duration
	worth    float64     // the policy's priority when it became idle; the lowest is evicted first
	timer    *time.Timer // runs wake
	alarm    time.Time   // when timer fires; zero if it does not
}

// Engine is the name of what isolates the environment.
func (e *Environment) Engine() string { return e.launchAs.Engine.Name() }

// Ready reports whether the runtime is initialised. If not, Init must succeed before Deliver.
func (e *Environment) Ready() bool { return e.ready }

// Revive resets an environment whose runtime ended while it was idle, so that Init can start another. It does nothing
// otherwise. After an error the environment must be discarded.
func (e *Environment) Revive() error {
	if !e.ready {
		return nil
	}
	if ended := e.session.Ended(); ended != nil {
		return e.Reset(ended)
	}
	return nil
}

// FirstUse reports, once, that this is the environment's first invocation.
func (e *Environment) FirstUse() bool {
	return e.served.Add(1) == 1
}

// Init starts extensions and runtime and waits until they are initialised. Errors are link's: *link.InitError,
// *link.ExitError, *link.ExtensionError, link.ErrTimeout, link.ErrProtocol, link.ErrClosed; after any of them the
// environment needs Reset.
func (e *Environment) Init(deadline time.Time) error {
	begin := time.Now()
	e.journal.Restart()
	e.sayInitStart(telemetry.PhaseInvoke)
	err := e.extend(deadline)
	if err == nil {
		err = e.startRuntime()
	}
	if err == nil {
		specialisation := e.specialisation()
		err = e.awaitReady(&specialisation, deadline)
	}
	e.sayInitDone(telemetry.PhaseInvoke, time.Since(begin), err)
	e.journal.Settle()
	return err
}

// Deliver gives an event to the runtime and waits for its answer. Errors as Init's, and link.ErrStreamTooLong.
func (e *Environment) Deliver(ev *link.Event, deadline time.Time) (link.Reply, error) {
	return e.Stream(ev, deadline, nil)
}

// Stream is Deliver for somebody who takes a streamed answer as it comes. If to is nil it is collected.
func (e *Environment) Stream(ev *link.Event, deadline time.Time, to link.Receiver) (link.Reply, error) {
	reply, err := e.session.Stream(ev, deadline, lambda.MaxResponseBytes, to)
	e.ready = err == nil && reply.Idle
	return reply, err
}

// AwaitIdle waits until a runtime that answered, and every extension that was told of the invocation, asks for its next
// event. After link.ErrTimeout it may be called again.
func (e *Environment) AwaitIdle(deadline time.Time) error {
	err := e.session.AwaitIdle(deadline)
	e.ready = err == nil
	return err
}

// Reset ends the runtime, the extensions and everything they started, because of why: extensions get their time to end,
// everything else is killed. /tmp and the log stream stay. After an error the environment must be discarded.
func (e *Environment) Reset(why error) error {
	e.ready = false
	reason := link.ReasonFailure
	if errors.Is(why, link.ErrTimeout) {
		reason = link.ReasonTimeout
	}
	if err := e.session.Shutdown(reason); err != nil {
		return err
	}
	return e.session.Reset(time.Now().Add(e.launchAs.allow(resetTimeout)))
}

// DrainOutput brings everything the runtime wrote so far into Log.
func (e *Environment) DrainOutput() { e.output.Drain() }

// peakEvery is how old the last reading of the memory peak may be for an invocation that was shorter than it.
const peakEvery = 100 * time.Millisecond

// PeakMemoryMB is the most memory the environment has used so far, in MiB rounded up, at most its limit. took is how
// long the invocation lasted: after very short ones a recent reading serves.
func (e *Environment) PeakMemoryMB(took time.Duration) int {
	if now := time.Now(); took >= peakEvery/10 || now.Sub(e.peakAt) >= peakEvery {
		if s, err := e.sandbox.Stats(); err == nil {
			e.peak, e.peakAt = max(e.peak, s.PeakMemoryBytes), now
		}
	}
	return min(e.Function.MemoryMB, int((e.peak+1<<20-1)>>20))
}

// residentBytes is what the environment takes of the host's memory, as far as it can be known.
func (e *Environment) residentBytes() int64 {
	s, err := e.sandbox.Stats()
	if err != nil {
		return e.reserved
	}
	return emptySlotBytes + e.launchAs.extraBytes() + s.MemoryBytes
}

// OutOfMemory reports whether the memory limit killed something since the last call. gone says that the sandbox ended:
// an engine's own process may give up at the limit before the kernel kills anything.
func (e *Environment) OutOfMemory(gone bool) bool {
	s, err := e.sandbox.Stats()
	if err != nil {
		return false
	}
	killed := s.OOMKills > e.oomKills
	e.oomKills = s.OOMKills
	limit := int64(e.Function.MemoryMB) << 20
	return killed || (gone && s.PeakMemoryBytes >= limit-limit/20)
}

// startRuntime begins the runtime process with the function's variables.
func (e *Environment) startRuntime() error {
	return e.slot.startRuntime(e.launchAs.Wrapper, e.variables(), int64(e.Function.EphemeralMB)<<20)
}

// specialisation is what a bundled runtime needs to know of its function.
func (e *Environment) specialisation() link.Specialisation {
	sp := link.Specialisation{Handler: e.Function.Handler, TaskRoot: taskRoot}
	if sp.KeepEnv = len(e.launchAs.Wrapper) > 0; !sp.KeepEnv {
		sp.Env = e.variables()
	}
	return sp
}

// awaitReady gives a bundled runtime its function and waits for the end of init.
func (e *Environment) awaitReady(sp *link.Specialisation, deadline time.Time) error {
	e.running = false
	if e.launchAs.Kind == link.KindFrames {
		err := e.session.Specialise(*sp, deadline)
		if err != nil {
			return err
		}
	}
	err := e.session.AwaitReady(deadline)
	if err == nil && e.initType == initSnapStart && !e.sealed {
		err = e.passSnapshot(deadline)
	}
	e.ready = err == nil
	return err
}

// limit sets what an initialised environment may use. During init only memory is limited, as on Lambda.
func (e *Environment) limit() error {
	l := limits(e.Function)
	l.CPUMillis = lambda.CPUMillis(e.Function.MemoryMB)
	return e.sandbox.Limit(l)
}

// limits are those that hold from a sandbox's creation on. The function meets its own limit of processes inside, where
// fork fails; the one outside, for the engine's processes as well, is the second line.
func limits(fn *lambda.Config) sandbox.Limits {
	return sandbox.Limits{MemoryBytes: int64(fn.MemoryMB) << 20, Pids: maxPids}
}

const maxPids = 2 * lambda.MaxProcesses

// variables are the runtime's environment variables: the image's, then the function's, then the reserved ones.
// Source: AWS Lambda developer guide, "Defined runtime environment variables".
func (e *Environment) variables() map[string]string {
	fn := e.Function
	v := baseVariables(e.launchAs)
	maps.Copy(v, fn.Environment)
	maps.Copy(v, map[string]string{
		"_HANDLER":                        fn.Handler,
		"AWS_LAMBDA_FUNCTION_NAME":        fn.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     fn.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(fn.MemoryMB),
		"AWS_LAMBDA_LOG_GROUP_NAME":       e.Log.Group(),
		"AWS_LAMBDA_LOG_STREAM_NAME":      e.Log.Name(),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  e.initType,
	})
	if fn.LogsJSON() {
		v["AWS_LAMBDA_LOG_FORMAT"] = lambda.LogFormatJSON
		v["AWS_LAMBDA_LOG_LEVEL"] = cmp.Or(fn.ApplicationLogLevel, lambda.LogLevelInfo)
	}
	maps.Copy(v, platformVariables(e.launchAs))
	v["AWS_LAMBDA_METADATA_API"] = apiAddress
	v["AWS_LAMBDA_METADATA_TOKEN"] = e.token
	maps.Copy(v, e.credentials.Env)
	return v
}

// baseVariables are the image's and the platform's: what a runtime has before it knows its function.
func baseVariables(l Launch) map[string]string {
	v := maps.Clone(l.Env)
	if v == nil {
		v = map[string]string{}
	}
	maps.Copy(v, platformVariables(l))
	return v
}

// Where AWS has its X-Ray daemon.
const (
	xrayHost = "169.254.100.1"
	xrayPort = "2000"
)

// platformVariables are the reserved ones that depend on no function.
func platformVariables(l Launch) map[string]string {
	v := map[string]string{
		"AWS_REGION":         l.region,
		"AWS_DEFAULT_REGION": l.region,
		"LAMBDA_TASK_ROOT":   taskRoot,
		"LAMBDA_RUNTIME_DIR": "/var/runtime",

		"AWS_LAMBDA_RUNTIME_API": apiAddress,

		// Where libraries send what they trace; nothing listens there, and they are not to fail for it.
		"AWS_XRAY_DAEMON_ADDRESS":  xrayHost + ":" + xrayPort,
		"_AWS_XRAY_DAEMON_ADDRESS": xrayHost,
		"_AWS_XRAY_DAEMON_PORT":    xrayPort,
		"AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
	}
	if name := lambda.ExecutionEnv(l.Runtime); name != "" {
		v["AWS_EXECUTION_ENV"] = name
	}
	return v
}

// apiAddress is where the agent serves the Runtime API, the Extensions API and the metadata.
const apiAddress = "127.0.0.1:9001"

func flatten(vars map[string]string) []string {
	out := make([]string, 0, len(vars))
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		out = append(out, name+"="+vars[name])
	}
	return out
}

// close destroys the sandbox and waits for everything that read from it.
func (e *Environment) close() {
	if e.slot != nil {
		e.slot.close()
	}
	e.forward.work.Wait()
	e.Log.Flush()
}

// findCode finds the images that attach needs.
func (p *Pool) findCode(ctx context.Context, e *Environment) (err error) {
	if e.code, err = p.o.CodeImage(ctx, e.Function); err != nil {
		return fmt.Errorf("find code: %w", err)
	}
	if len(e.Function.Layers) == 0 {
		return nil
	}
	if e.layers, err = p.o.LayersImage(ctx, e.Function); err != nil {
		return fmt.Errorf("find layers: %w", err)
	}
	return nil
}

// attach makes the function's code visible at /var/task, and its layers at /opt.
func (e *Environment) attach(ctx context.Context) error {
	if err := e.sandbox.Attach(ctx, e.code, taskRoot); err != nil || e.layers == "" {
		return err
	}
	if err := e.sandbox.Attach(ctx, e.layers, layerRoot); err != nil {
		return fmt.Errorf("layers: %w", err)
	}
	return nil
}

// open lets what is printed in the slot from now on into the environment's log.
func (e *Environment) open() {
	if e.output != nil {
		e.output.Drain() // what came before belongs to nobody
	}
	sink := func(b []byte) { _, _ = e.Log.Write(b) }
	e.sink.Store(&sink)
}

package durable

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"time"

	"github.com/google/uuid"

	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

// executionName is what an execution may be called. Source: Lambda API model, DurableExecutionName.
var executionName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// checkName refuses a name that no execution may have. Errors: lambda.KindValidation.
func checkName(name string) error {
	if executionName.MatchString(name) {
		return nil
	}
	return lambda.Errorf(lambda.KindValidation, "1 validation error detected: Value '%.128s' at 'durableExecutionName' failed to satisfy constraint: "+
		"Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+ and have length between 1 and 64", name)
}

// origin says how an execution comes about.
type origin struct {
	id              string // "": one is made up
	name            string // "": one is made up
	sync            bool   // somebody waits for the result
	parent          string // id of the execution whose chained invoke it is; "" if it is none
	parentOperation string
}

// Durable reports whether the function that a request is for is durable, and refuses a request which such a function does not
// take. Errors: those of Functions.Resolve, lambda.KindInvalid.
func (e *Executions) Durable(req *invoke.Request) (*lambda.Config, error) {
	fn, err := e.functions.Resolve(req.Account, req.Function, req.Qualifier)
	if err != nil || fn.Durable == nil {
		return nil, err
	}
	if req.Qualifier == "" {
		return nil, lambda.Errorf(lambda.KindInvalid, "You cannot invoke a durable function using an unqualified ARN.")
	}
	if _, err := fn.ForTenant(req.Tenant); err != nil {
		return nil, err
	}
	return fn, nil
}

// Start begins an execution for which nobody waits, or finds that of the same name and input. "" makes up a name. fn is what
// Durable returned for the request. When Start returns nil the execution is on disk, and it will run whatever happens; after an error
// that is ours it may. Errors: lambda.KindTooLarge, KindThrottled when too many executions are kept, KindExecutionExists for another input, KindValidation.
func (e *Executions) Start(ctx context.Context, fn *lambda.Config, req *invoke.Request, name string) (lambda.ExecutionRef, error) {
	if len(req.Payload) > lambda.MaxEventPayloadBytes {
		return lambda.ExecutionRef{}, lambda.Errorf(lambda.KindTooLarge, "Request must be smaller than %d bytes for the InvokeFunction operation", lambda.MaxEventPayloadBytes)
	}
	x, err := e.launch(ctx, fn, req, origin{name: name})
	if err != nil {
		return lambda.ExecutionRef{}, err
	}
	return e.summary(x).Ref(e.region), nil
}

func (e *Executions) summary(x *execution) Summary {
	e.mu.Lock()
	defer e.mu.Unlock()
	return x.summary
}

// launch stores a new execution and has it begin, or finds the one of its name.
func (e *Executions) launch(ctx context.Context, fn *lambda.Config, req *invoke.Request, o origin) (*execution, error) {
	if o.name != "" {
		if err := checkName(o.name); err != nil {
			return nil, err
		}
	}
	if o.id == "" {
		o.id = uuid.NewString()
	}
	if o.name == "" {
		o.name = uuid.NewString()
	}
	sum := sha256.Sum256(req.Payload)
	now := time.Now().UTC().Truncate(time.Millisecond)
	s := Summary{
		ID: o.id, Account: fn.Account, Function: fn.Name, Version: fn.Version, Qualifier: req.Qualifier, Name: o.name,
		Status: Running, Started: now, Days: fn.Durable.RetentionDays, Sum: hex.EncodeToString(sum[:]), Open: true,
	}
	x, known, err := e.reserve(s)
	if err != nil {
		return nil, err
	}
	if known {
		return x, e.same(ctx, x, s.Sum)
	}
	defer e.give(x)
	x.wantTail = req.LogTail
	payload := string(req.Payload)
	err = e.record(ctx, x, Event{
		Type: ExecutionStarted, Operation: o.id, Name: o.name, Payload: &payload, Seconds: fn.Durable.ExecutionTimeout,
		Start: &Start{
			ID: o.id, Account: fn.Account, Function: fn.Name, Version: fn.Version, Qualifier: req.Qualifier, Name: o.name,
			FunctionARN: req.ARN, Tenant: req.Tenant, Trace: req.TraceID, Sync: o.sync, RetentionDays: fn.Durable.RetentionDays,
			Parent: o.parent, ParentOperation: o.parentOperation,
		},
	})
	if err != nil {
		e.mu.Lock()
		e.delist(x)
		e.mu.Unlock()
		return nil, err
	}
	e.proceed(x)
	return x, nil
}

// reserve takes a new execution into the index and has its turn, or returns the one that has its name.
func (e *Executions) reserve(s Summary) (x *execution, known bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return nil, false, errStopped
	}
	if x := e.names[nameKey{s.Account, s.Function, s.Name}]; x != nil {
		return x, true, nil
	}
	if len(e.executions) >= e.most {
		return nil, false, &lambda.Error{
			Kind: lambda.KindThrottled, Reason: "CallerRateLimitExceeded", Msg: "Rate Exceeded.", RetryAfter: time.Minute,
			Err: fmt.Errorf("%d durable executions are kept", e.most),
		}
	}
	x = newExecution(s.ID)
	<-x.turn
	x.state = &state{}
	e.enlist(x, s)
	e.setTimer(x, time.Time{}) // launch goes on with it
	return x, false, nil
}

// same waits until an execution that somebody else started is on disk, and refuses it if its input was another one.
func (e *Executions) same(ctx context.Context, x *execution, sum string) error {
	select {
	case <-x.turn:
		x.turn <- struct{}{}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	e.mu.Lock()
	there := e.executions[x.id] == x
	s := x.summary
	e.mu.Unlock()
	if !there {
		return errNotStored
	}
	if s.Sum != sum {
		return lambda.Errorf(lambda.KindExecutionExists,
			"A durable execution with the name %s has already been started with a different payload: %s", s.Name, s.Ref(e.region).ARN())
	}
	return nil
}

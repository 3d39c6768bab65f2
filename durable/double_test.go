package durable_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/durable"
	"thaw.dev/thaw/durable/durabletest"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

const (
	region  = "us-east-1"
	account = "123456789012"
)

// program is a handler. It panics with suspended{} to answer PENDING.
type program func(h *handler) (result string, err *durable.Error)

type suspended struct{}

// crash is what a program panics with to fail its invocation.
type crash struct{ message string }

// refuse is what a program panics with to have its invocation refused.
type refuse struct{ err error }

// functions are the functions of a test: durable ones have programs, others a Go function.
type functions struct {
	mu       sync.Mutex
	programs map[string]program
	plain    map[string]func(payload string) (string, error)
	durable  map[string]*lambda.Durable
	invoked  map[string]int
	service  *durable.Executions
}

func (f *functions) Resolve(acct, name, qualifier string) (*lambda.Config, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.programs[name] == nil && f.plain[name] == nil {
		return nil, lambda.Errorf(lambda.KindNotFound, "Function not found: %s", lambda.FunctionARN(region, acct, name, qualifier))
	}
	version := qualifier
	if qualifier == "" {
		version = lambda.Latest
	}
	if qualifier == "live" {
		version = "7"
	}
	return &lambda.Config{Account: acct, Name: name, Version: version, Timeout: 60, Durable: f.durable[name]}, nil
}

func (f *functions) Stream(context.Context, *invoke.Request, invoke.Sink) (*invoke.StreamResult, error) {
	return &invoke.StreamResult{}, nil
}

func (f *functions) Sync(ctx context.Context, req *invoke.Request) (result *invoke.Result, err error) {
	f.mu.Lock()
	program, plain, service := f.programs[req.Function], f.plain[req.Function], f.service
	f.invoked[req.Function]++
	f.mu.Unlock()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	result = &invoke.Result{ExecutedVersion: req.Qualifier, LogTail: []byte("tail of " + req.Function)}
	if plain != nil {
		payload, err := plain(string(req.Payload))
		if err != nil {
			result.FunctionError, payload = "Unhandled", err.Error()
		}
		result.Payload = []byte(payload)
		return result, nil
	}
	h := &handler{ctx: ctx, service: service, operations: map[string]durable.Shown{}}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case suspended:
			result.Payload = []byte(`{"Status":"PENDING"}`)
		case crash:
			result.FunctionError, result.Payload = "Unhandled", fmt.Appendf(nil, `{"errorType":"Crash","errorMessage":%q}`, p.message)
		case refuse:
			result, err = nil, p.err
		default:
			panic(p)
		}
	}()
	h.open(req.Payload)
	value, why := program(h)
	answer := struct {
		Status string
		Result *string        `json:",omitempty"`
		Error  *durable.Error `json:",omitempty"`
	}{Status: "SUCCEEDED", Result: &value, Error: why}
	if why != nil {
		answer.Status, answer.Result = "FAILED", nil
	}
	result.Payload, err = json.Marshal(answer)
	return result, err
}

// handler is what an SDK does, as little of it as tests need.
type handler struct {
	ctx        context.Context
	service    *durable.Executions
	ref        lambda.ExecutionRef
	token      string
	input      string
	operations map[string]durable.Shown
	replayed   int // how many operations the handler was invoked with
}

func (h *handler) open(payload []byte) {
	var event struct {
		DurableExecutionArn, CheckpointToken string
		InitialExecutionState                struct {
			Operations []durable.Shown
			NextMarker string
		}
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		panic(err)
	}
	h.ref, _ = lambda.ParseExecutionARN(event.DurableExecutionArn)
	h.token = event.CheckpointToken
	list, next := event.InitialExecutionState.Operations, event.InitialExecutionState.NextMarker
	for next != "" {
		more, following, err := h.service.State(h.ctx, h.ref, h.token, next, 100)
		h.must(err)
		for i := range more {
			list = append(list, more[i].Show(func(t time.Time) json.Number { return json.Number(fmt.Sprint(t.UnixMilli())) }))
		}
		next = following
	}
	for _, o := range list {
		h.operations[o.ID] = o
	}
	h.replayed = len(list)
	h.input = *list[0].ExecutionDetails.InputPayload
}

// must fails the invocation as SDKs do when a checkpoint was refused or did not arrive.
func (h *handler) must(err error) {
	if err != nil {
		panic(crash{err.Error()})
	}
}

func (h *handler) checkpoint(updates ...durable.Update) {
	a, err := h.service.Checkpoint(h.ctx, h.ref, durable.Checkpoint{Token: h.token, Updates: updates})
	h.must(err)
	h.token = a.Token
	for i := range a.Operations {
		o := a.Operations[i].Show(func(t time.Time) json.Number { return json.Number(fmt.Sprint(t.UnixMilli())) })
		h.operations[o.ID] = o
	}
}

// step runs do unless the step ended before.
func (h *handler) step(id string, do func() string) string {
	if o, ok := h.operations[id]; ok && o.Status == durable.Succeeded {
		return *o.StepDetails.Result
	}
	result := do()
	h.checkpoint(durable.Update{ID: id, Type: durable.TypeStep, Action: durable.ActionSucceed, Payload: &result})
	return result
}

// await starts an operation with u unless it is there, and suspends until it ended.
func (h *handler) await(u durable.Update) durable.Shown {
	if _, ok := h.operations[u.ID]; !ok {
		h.checkpoint(u)
	}
	switch o := h.operations[u.ID]; o.Status {
	case durable.Started, durable.Pending:
		panic(suspended{})
	default:
		return o
	}
}

func (h *handler) wait(id string, seconds int) {
	h.await(durable.Update{ID: id, Type: durable.TypeWait, Action: durable.ActionStart, WaitSeconds: seconds})
}

func (h *handler) callback(id string, timeout, heartbeat int) durable.Shown {
	return h.await(durable.Update{ID: id, Type: durable.TypeCallback, Action: durable.ActionStart, TimeoutSeconds: timeout, HeartbeatSeconds: heartbeat})
}

func (h *handler) chain(id, function, payload string) durable.Shown {
	ref, _ := lambda.ParseFunctionRef(function)
	return h.await(durable.Update{
		ID: id, Type: durable.TypeChainedInvoke, Action: durable.ActionStart, Payload: &payload,
		Chained: &durable.Chained{Function: ref, Named: function},
	})
}

// harness is executions over doubles.
type harness struct {
	t *testing.T
	*durable.Executions
	functions *functions
	journals  *durabletest.Journals
}

func newHarness(t *testing.T) *harness {
	h := &harness{t: t, journals: durabletest.New(), functions: &functions{
		programs: map[string]program{}, plain: map[string]func(string) (string, error){}, durable: map[string]*lambda.Durable{}, invoked: map[string]int{},
	}}
	h.open()
	return h
}

func (h *harness) open() {
	h.functions.mu.Lock()
	defer h.functions.mu.Unlock()
	h.Executions = durable.Open(durable.Options{
		Region: region, Journals: h.journals, Functions: h.functions, Invoker: h.functions, Logger: slog.New(slog.DiscardHandler),
	})
	h.functions.service = h.Executions
}

// restart is a kill of the process, and another one with what is on disk.
func (h *harness) restart() {
	h.journals.Kill(1, false)
	h.Close()
	h.journals.Revive()
	h.open()
}

// define makes a durable function.
func (h *harness) define(name string, p program) {
	h.functions.programs[name] = p
	h.functions.durable[name] = &lambda.Durable{ExecutionTimeout: 600, RetentionDays: 2}
}

func request(function, payload string) *invoke.Request {
	return &invoke.Request{ID: "00000000-0000-4000-8000-000000000000", Account: account, Function: function, Qualifier: lambda.Latest, Payload: []byte(payload),
		ARN: lambda.FunctionARN(region, account, function, lambda.Latest)}
}

func (h *harness) start(function, payload, name string) lambda.ExecutionRef {
	h.t.Helper()
	req := request(function, payload)
	fn, err := h.Durable(req)
	if err != nil {
		h.t.Fatal(err)
	}
	ref, err := h.Start(h.t.Context(), fn, req, name)
	if err != nil {
		h.t.Fatal(err)
	}
	return ref
}

// history is an execution's, one word for each event.
func (h *harness) history(ref lambda.ExecutionRef) []string {
	h.t.Helper()
	events, _, err := h.History(h.t.Context(), ref, "", 1000, false)
	if err != nil {
		h.t.Fatal(err)
	}
	var list []string
	for i, e := range events {
		if e.Number != i+1 {
			h.t.Errorf("event %d has number %d", i+1, e.Number)
		}
		list = append(list, string(e.Type))
	}
	return list
}

// details is an execution as it stands.
func (h *harness) details(ref lambda.ExecutionRef) *durable.Details {
	h.t.Helper()
	d, err := h.Get(h.t.Context(), ref)
	if err != nil {
		h.t.Fatal(err)
	}
	return d
}

func value(s *string) string {
	if s == nil {
		return "<nil>"
	}
	return *s
}

package invoke_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/pool"
)

func TestRefusalNamesWhatThePoolSays(t *testing.T) {
	t.Parallel()
	for err, reason := range map[error]string{
		pool.ErrScaling:    "FunctionInvocationRateLimitExceeded",
		pool.ErrNoMemory:   "ConcurrentInvocationLimitExceeded",
		pool.ErrOverloaded: "ConcurrentInvocationLimitExceeded",
		pool.ErrTenants:    "ConcurrentInvocationLimitExceeded",
	} {
		for range 3 { // however deep it lies
			got, ok := errors.AsType[*lambda.Error](invoke.Refusal(err))
			if !ok || got.Kind != lambda.KindThrottled || got.Reason != reason || got.RetryAfter != time.Second || got.Msg != "Rate Exceeded." {
				t.Errorf("%v: %+v", err, got)
			}
			if !errors.Is(got, err) {
				t.Errorf("%v is lost", err)
			}
			err = fmt.Errorf("place f: %w", err)
		}
	}
	for _, err := range []error{pool.ErrClosed, context.Canceled, errors.New("no such image"), lambda.Errorf(lambda.KindInvalid, "no")} {
		if got := invoke.Refusal(err); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}

// environments is a pool whose Acquire is the function.
type environments struct {
	*pool.Pool
	acquire func(context.Context) (*pool.Environment, error)
}

func (e environments) Acquire(ctx context.Context, _ *lambda.Config) (*pool.Environment, error) {
	return e.acquire(ctx)
}
func (environments) Discard(*pool.Environment) {}

// TestCountsAndOutcomes goes through all ways in which an invocation ends without having run, and finds nothing counted
// after each.
func TestCountsAndOutcomes(t *testing.T) {
	t.Parallel()
	broken := errors.New("no such image")
	for name, c := range map[string]struct {
		acquire  func(context.Context) (*pool.Environment, error)
		function string
		outcome  invoke.Outcome
		reason   string
	}{
		"cancelled":  {acquire: func(ctx context.Context) (*pool.Environment, error) { return nil, ctx.Err() }, outcome: "abandoned"},
		"cold start": {acquire: func(context.Context) (*pool.Environment, error) { return nil, broken }, outcome: "internal"},
		"no memory": {
			acquire: func(context.Context) (*pool.Environment, error) { return nil, pool.ErrNoMemory },
			outcome: "throttled", reason: "ConcurrentInvocationLimitExceeded",
		},
		"lost":          {acquire: func(context.Context) (*pool.Environment, error) { return nil, pool.ErrLost }, outcome: "function_error"},
		"panic":         {acquire: func(context.Context) (*pool.Environment, error) { panic("broken invariant") }, outcome: "internal"},
		"panic later":   {acquire: func(context.Context) (*pool.Environment, error) { return &pool.Environment{}, nil }, outcome: "internal"},
		"no function":   {function: "nope", outcome: "refused"},
		"reserved zero": {function: "full", outcome: "throttled", reason: "ReservedFunctionConcurrentInvocationLimitExceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen []invoke.Observation
			s := newShares(1)
			s.unreserved[""] = 1
			s.reserved[version{"", "full", ""}] = 0
			i := invoke.New(invoke.Options{
				Functions: functions{"f": {Name: "f"}, "full": {Name: "full"}}, Environments: environments{acquire: c.acquire}, Shares: s,
				Observe: func(o invoke.Observation) { seen = append(seen, o) }, Logger: discard,
			})
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if c.function == "" {
				c.function = "f"
			}
			func() {
				defer func() {
					if r := recover(); (r != nil) != strings.HasPrefix(name, "panic") {
						t.Errorf("recovered %v", r)
					}
				}()
				r, err := i.Sync(ctx, &invoke.Request{Function: c.function})
				if (r == nil) == (err == nil) {
					t.Errorf("got %v, %v", r, err)
				}
			}()
			if left := i.Counts(); len(left) > 0 {
				t.Errorf("counted for ever: %v", left)
			}
			if len(seen) != 1 || seen[0].Outcome != c.outcome || seen[0].Reason != c.reason || (seen[0].Function == "") != (c.function == "nope") {
				t.Errorf("observed %+v", seen)
			}
		})
	}
}

func TestOutcomesOfWhatRan(t *testing.T) {
	t.Parallel()
	p, fns, _ := newPool(t)
	var seen []invoke.Observation
	i := invoke.New(invoke.Options{
		Functions: fns, Environments: p, Shares: fixed{Reserved: 1}, Logger: discard,
		Observe: func(o invoke.Observation) { seen = append(seen, o) },
	})
	for event, want := range map[string]invoke.Outcome{`1`: "ok", `"error"`: "function_error", `"hang"`: "timeout"} {
		seen = nil
		call(t, i, event)
		if len(seen) != 1 || seen[0].Outcome != want || seen[0].Function != "f" || seen[0].Version != lambda.Latest || seen[0].Duration == 0 || seen[0].Wait == 0 {
			t.Errorf("%s: observed %+v", event, seen)
		}
	}
}

// releases tells of each environment that is released.
type releases struct {
	*pool.Pool
	released chan struct{}
}

func (r releases) Release(e *pool.Environment) {
	r.Pool.Release(e)
	r.released <- struct{}{}
}

// TestCodeThatGoesOnAfterItsAnswerCounts would otherwise let a function run in any number of environments at once.
func TestCodeThatGoesOnAfterItsAnswerCounts(t *testing.T) {
	t.Parallel()
	p, fns, _ := newPool(t)
	e := releases{p, make(chan struct{}, 10)}
	i := newInvokerOf(fns, e, 1)
	for range 2 {
		if r := call(t, i, `"linger"`); string(r.Payload) != `"answered"` {
			t.Fatalf("got %s", r.Payload)
		}
		if counts := i.Counts(); len(counts) != 1 || counts[0].Running != 1 {
			t.Errorf("while the runtime goes on: %v", counts)
		}
		_, err := i.Sync(t.Context(), &invoke.Request{ID: "the-id", Account: "0", Function: "f", Payload: []byte(`1`)})
		if err, ok := errors.AsType[*lambda.Error](err); !ok || err.Reason != "ReservedFunctionConcurrentInvocationLimitExceeded" {
			t.Errorf("while the runtime goes on: %v", err)
		}
		<-e.released                                                    // at the deadline of the function
		if r := call(t, i, `"again"`); string(r.Payload) != `"again"` { // the count may follow a moment later, for which it waits
			t.Errorf("got %s", r.Payload)
		}
		<-e.released
	}
	if left := i.Counts(); len(left) > 0 {
		t.Errorf("counted for ever: %v", left)
	}
}

// TestSequentialCallsOfACustomRuntimeFitAReservationOfOne although its environment is free only after the answer.
func TestSequentialCallsOfACustomRuntimeFitAReservationOfOne(t *testing.T) {
	t.Parallel()
	p, fns, engine := newPool(t)
	i := newInvokerOf(fns, p, 1)
	for range 200 {
		// From the queue, where no rate bounds it.
		r, err := i.Sync(t.Context(), &invoke.Request{ID: "the-id", Account: "0", Function: "f", Payload: []byte(`"soon"`), Queued: true})
		if err != nil || string(r.Payload) != `"answered"` {
			t.Fatalf("got %+v, %v", r, err)
		}
	}
	if n := len(engine.Sandboxes()); n != 1 {
		t.Errorf("%d sandboxes were made for one caller", n)
	}
}

func TestReportOfColdStarts(t *testing.T) {
	t.Parallel()
	const head = "REPORT RequestId: the-id\tDuration: 10.50 ms\tBilled Duration: %s ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\t"
	cold := pool.Phases{Place: 3 * time.Millisecond, Code: time.Millisecond, Init: 20*time.Millisecond + 400*time.Microsecond}
	for name, c := range map[string]struct {
		env  *pool.Environment
		want string
	}{
		"hot":         {&pool.Environment{Cold: cold, Source: pool.SourceHot}, fmt.Sprintf(head, "31") + "Init Duration: 20.40 ms\t"},
		"snapshot":    {&pool.Environment{Cold: cold, Source: pool.SourceSnapshot}, fmt.Sprintf(head, "31") + "Restore Duration: 20.40 ms\tBilled Restore Duration: 21 ms\t"},
		"provisioned": {&pool.Environment{Cold: cold, Source: pool.SourceNone, Provisioned: true}, fmt.Sprintf(head, "31") + "Init Duration: 20.40 ms\t"},
		"failed init": {&pool.Environment{Cold: cold, Source: pool.SourceNone, InitFailure: link.ErrTimeout}, fmt.Sprintf(head, "11")},
	} {
		if got := invoke.ReportLine(c.env, 10*time.Millisecond+500*time.Microsecond); got != c.want {
			t.Errorf("%s:\n%q\n%q", name, got, c.want)
		}
	}
}

func TestPhasesAreWhatTheCallerWaitedFor(t *testing.T) {
	t.Parallel()
	cold := pool.Phases{Place: 3, Code: 2, Init: 1}
	thawed := &pool.Environment{Cold: cold, Source: pool.SourceHot, Thawed: 5}
	for _, c := range []struct {
		env   *pool.Environment
		first bool
		want  string
	}{
		{&pool.Environment{Cold: cold, Source: pool.SourceHot}, true, "[{place 3ns hot} {code 2ns } {init 1ns } {invoke 9ns }]"},
		{&pool.Environment{Cold: cold, Source: pool.SourceHot}, false, "[{invoke 9ns }]"},
		{thawed, false, "[{thaw 5ns } {invoke 9ns }]"},
		{&pool.Environment{Cold: cold, Source: pool.SourceNone, Provisioned: true}, true, "[{invoke 9ns }]"},
		{&pool.Environment{Cold: cold, Source: pool.SourceNone, InitFailure: link.ErrTimeout}, true, "[{invoke 9ns }]"},
	} {
		if got := fmt.Sprint(invoke.PhasesOf(c.env, c.first, 9)); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

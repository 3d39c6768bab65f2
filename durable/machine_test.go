package durable_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"thaw.dev/thaw/durable"
	"thaw.dev/thaw/lambda"
)

// bubble runs a test on a clock of its own.
func bubble(t *testing.T, test func(t *testing.T, h *harness)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t)
		test(t, h)
		h.Close()
	})
}

func (h *harness) wantHistory(ref lambda.ExecutionRef, want ...string) {
	h.t.Helper()
	if got := h.history(ref); !slices.Equal(got, want) {
		h.t.Errorf("history %v, want %v", got, want)
	}
}

func TestStepsAndWaitsRunOnceAndInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		ran := map[string]int{}
		h.define("f", func(p *handler) (string, *durable.Error) {
			a := p.step("a", func() string { ran["a"]++; return `"A"` })
			p.wait("w", 90)
			b := p.step("b", func() string { ran["b"]++; return `"B"` })
			return "[" + a + "," + b + "," + p.input + "]", nil
		})
		begin := time.Now()
		result, err := h.Sync(t.Context(), request("f", `{"n":1}`))
		if err != nil || string(result.Payload) != `["A","B",{"n":1}]` || result.FunctionError != "" {
			t.Fatalf("%+v, %v", result, err)
		}
		if took := time.Since(begin); took != 90*time.Second {
			t.Errorf("took %s", took)
		}
		if ran["a"] != 1 || ran["b"] != 1 || h.functions.invoked["f"] != 2 {
			t.Errorf("steps %v, %d invocations", ran, h.functions.invoked["f"])
		}
		list, _ := h.List(account, "f", durable.Filter{}, "", 10)
		h.wantHistory(list[0].Ref(region), "ExecutionStarted", "StepSucceeded", "WaitStarted", "InvocationCompleted", "WaitSucceeded", "StepSucceeded",
			"InvocationCompleted", "ExecutionSucceeded")
	})
}

func TestWaitsSurviveTheProcess(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.define("f", func(p *handler) (string, *durable.Error) {
			p.wait("w", 300)
			return `"done"`, nil
		})
		ref := h.start("f", "{}", "")
		time.Sleep(100 * time.Second)
		h.restart()
		time.Sleep(199 * time.Second)
		if s := h.details(ref).Status; s != durable.Running {
			t.Fatalf("%s before its time", s)
		}
		time.Sleep(2 * time.Second)
		if d := h.details(ref); d.Status != durable.Succeeded || value(d.Result) != `"done"` || d.Ended.Sub(d.Started) != 300*time.Second {
			t.Errorf("%+v", d)
		}
	})
}

func TestStepRetries(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.define("f", func(p *handler) (string, *durable.Error) {
			o, known := p.operations["s"]
			if known && o.Status == durable.Pending {
				panic(suspended{})
			}
			if known && o.Status == durable.Ready && o.StepDetails.Attempt == 2 {
				return p.step("s", func() string { return `"third time"` }), nil
			}
			message := "no"
			p.checkpoint(durable.Update{ID: "s", Type: durable.TypeStep, Action: durable.ActionStart},
				durable.Update{ID: "s", Type: durable.TypeStep, Action: durable.ActionRetry, RetrySeconds: 10, Error: &durable.Error{ErrorMessage: &message}})
			panic(suspended{})
		})
		begin := time.Now()
		result, err := h.Sync(t.Context(), request("f", ""))
		if err != nil || string(result.Payload) != `"third time"` || time.Since(begin) != 20*time.Second {
			t.Fatalf("%+v, %v after %s", result, err, time.Since(begin))
		}
		list, _ := h.List(account, "f", durable.Filter{}, "", 10)
		events, _, _ := h.History(t.Context(), list[0].Ref(region), "", 100, false)
		var failures []int
		for _, e := range events {
			if e.Type == durable.StepFailed {
				failures = append(failures, e.Attempt, e.Seconds)
			}
		}
		if !slices.Equal(failures, []int{1, 10, 2, 10}) {
			t.Errorf("attempts and delays %v", failures)
		}
	})
}

func TestCallbacks(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		var id string
		h.define("f", func(p *handler) (string, *durable.Error) {
			p.step("s", func() string { return "1" })
			if _, ok := p.operations["c"]; !ok {
				p.checkpoint(durable.Update{ID: "c", Type: durable.TypeCallback, Action: durable.ActionStart, TimeoutSeconds: 100, HeartbeatSeconds: 10})
				id = p.operations["c"].CallbackDetails.CallbackID
			}
			o := p.callback("c", 100, 10)
			if o.Status == durable.Succeeded {
				return value(o.CallbackDetails.Result), nil
			}
			return "", o.CallbackDetails.Error
		})
		ctx := t.Context()
		for _, test := range []struct {
			what  string
			act   func()
			want  durable.Status
			text  string
			after time.Duration
		}{
			{"success", func() {
				if err := h.SucceedCallback(ctx, account, id, []byte(`"yes"`)); err != nil {
					t.Error(err)
				}
			}, durable.Succeeded, `"yes"`, 0},
			{"failure", func() {
				message := "refused"
				if err := h.FailCallback(ctx, account, id, &durable.Error{ErrorMessage: &message}); err != nil {
					t.Error(err)
				}
			}, durable.Failed, "refused", 0},
			{"silence", func() { time.Sleep(11 * time.Second) }, durable.Failed, "Callback timed out on heartbeat", 10 * time.Second},
			{"heartbeats", func() {
				for range 11 {
					time.Sleep(9 * time.Second)
					if err := h.Heartbeat(ctx, account, id); err != nil {
						t.Error(err)
					}
				}
				time.Sleep(2 * time.Second)
			}, durable.Failed, "Callback timed out", 100 * time.Second},
		} {
			ref := h.start("f", "{}", test.what)
			synctest.Wait()
			if err := h.SucceedCallback(ctx, "999999999999", id, nil); lambda.KindOf(err) != lambda.KindNotFound {
				t.Errorf("another account's callback: %v", err)
			}
			if err := h.SucceedCallback(ctx, account, strings.Repeat("QUJD", 30), nil); lambda.KindOf(err) != lambda.KindNotFound {
				t.Errorf("a made up callback: %v", err)
			}
			test.act()
			synctest.Wait()
			d := h.details(ref)
			got := value(d.Result)
			if d.Error != nil {
				got = value(d.Error.ErrorMessage)
			}
			if d.Status != test.want || got != test.text || d.Ended.Sub(d.Started) != test.after {
				t.Errorf("%s: %s %q after %s", test.what, d.Status, got, d.Ended.Sub(d.Started))
			}
			for _, err := range []error{h.SucceedCallback(ctx, account, id, nil), h.FailCallback(ctx, account, id, nil), h.Heartbeat(ctx, account, id)} {
				if lambda.KindOf(err) != lambda.KindCallbackTimeout {
					t.Errorf("%s: a callback that ended: %v", test.what, err)
				}
			}
		}
	})
}

// Callbacks that come while the handler still runs are not lost.
func TestACallbackBeforeTheHandlerSuspends(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.define("f", func(p *handler) (string, *durable.Error) {
			if _, ok := p.operations["c"]; !ok {
				p.checkpoint(durable.Update{ID: "c", Type: durable.TypeCallback, Action: durable.ActionStart})
				if err := h.SucceedCallback(p.ctx, account, p.operations["c"].CallbackDetails.CallbackID, []byte("1")); err != nil {
					t.Error(err)
				}
			}
			return value(p.callback("c", 0, 0).CallbackDetails.Result), nil
		})
		result, err := h.Sync(t.Context(), request("f", ""))
		if err != nil || string(result.Payload) != "1" || h.functions.invoked["f"] != 2 {
			t.Errorf("%+v, %v, %d invocations", result, err, h.functions.invoked["f"])
		}
	})
}

func TestChainedInvokes(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.functions.plain["plain"] = func(payload string) (string, error) { return "[" + payload + "]", nil }
		h.functions.plain["broken"] = func(string) (string, error) {
			return "", errors.New(`{"errorType":"ValueError","errorMessage":"bad","stackTrace":["line"]}`)
		}
		h.define("child", func(p *handler) (string, *durable.Error) {
			p.wait("w", 50)
			return `"child of ` + strings.Trim(p.input, `"`) + `"`, nil
		})
		h.define("slow", func(p *handler) (string, *durable.Error) { p.wait("w", 9999); return "", nil })
		h.define("parent", func(p *handler) (string, *durable.Error) {
			var target string
			_ = target
			o := p.chain("c", strings.Trim(p.input, `"`), p.input)
			if o.Status == durable.Succeeded {
				return value(o.ChainedInvokeDetails.Result), nil
			}
			return "", o.ChainedInvokeDetails.Error
		})
		for _, test := range []struct{ target, want, event string }{
			{"plain", `["plain"]`, "ChainedInvokeSucceeded"},
			{"broken", "ValueError: bad", "ChainedInvokeFailed"},
			{"child:$LATEST", `"child of child:$LATEST"`, "ChainedInvokeSucceeded"},
			{"child:live", `"child of child:live"`, "ChainedInvokeSucceeded"},
			{"child", "InvalidParameterValueException: You cannot invoke a durable function using an unqualified ARN.", "ChainedInvokeFailed"},
			{"nobody", "ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:123456789012:function:nobody", "ChainedInvokeFailed"},
			{"slow:$LATEST", "ChainedInvoke.Timeout: CHAINED_INVOKE timed out after 600 seconds.", "ChainedInvokeTimedOut"},
		} {
			h.functions.durable["parent"] = &lambda.Durable{ExecutionTimeout: 700, RetentionDays: 1}
			ref := h.start("parent", `"`+test.target+`"`, "")
			time.Sleep(650 * time.Second)
			d := h.details(ref)
			got := value(d.Result)
			if d.Error != nil {
				got = value(d.Error.ErrorType) + ": " + value(d.Error.ErrorMessage)
			}
			if got != test.want {
				t.Errorf("%s: %s %s, want %s", test.target, d.Status, got, test.want)
			}
			if !slices.Contains(h.history(ref), test.event) {
				t.Errorf("%s: history %v", test.target, h.history(ref))
			}
		}
		list, _ := h.List(account, "child", durable.Filter{Qualifier: "7"}, "", 10)
		if len(list) != 1 || list[0].Qualifier != "live" {
			t.Errorf("children of version 7: %+v", list)
		}
	})
}

func TestStoppingAChildTellsItsParent(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.define("child", func(p *handler) (string, *durable.Error) { p.wait("w", 50); return "", nil })
		h.define("parent", func(p *handler) (string, *durable.Error) {
			o := p.chain("c", "child:$LATEST", "{}")
			return "", o.ChainedInvokeDetails.Error
		})
		ref := h.start("parent", "{}", "")
		synctest.Wait()
		h.restart()
		synctest.Wait()
		list, _ := h.List(account, "child", durable.Filter{}, "", 10)
		if len(list) != 1 {
			t.Fatalf("%d children", len(list))
		}
		events, _, _ := h.History(t.Context(), ref, "", 100, false)
		if events[1].Child != list[0].Ref(region).ARN() {
			t.Errorf("the parent's child is %q, not %s", events[1].Child, list[0].Ref(region).ARN())
		}
		message := "enough"
		at, err := h.StopExecution(t.Context(), list[0].Ref(region), &durable.Error{ErrorMessage: &message})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		again, err := h.StopExecution(t.Context(), list[0].Ref(region), nil)
		if err != nil || !again.Equal(at) {
			t.Errorf("stopped at %s, then at %s, %v", at, again, err)
		}
		if d := h.details(ref); d.Status != durable.Failed || value(d.Error.ErrorMessage) != message {
			t.Errorf("parent %s %+v", d.Status, d.Error)
		}
		if !slices.Contains(h.history(ref), "ChainedInvokeStopped") {
			t.Errorf("history %v", h.history(ref))
		}
	})
}

func TestFailedInvocationsAreMadeAgain(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		n := 0
		h.define("f", func(p *handler) (string, *durable.Error) {
			p.step("s", func() string { return "1" })
			if n++; n%5 != 0 {
				panic(crash{"boom"})
			}
			return `"at last"`, nil
		})
		begin := time.Now()
		result, err := h.Sync(t.Context(), request("f", ""))
		if err != nil || string(result.Payload) != `"at last"` || time.Since(begin) != (1+2+4+8)*time.Second {
			t.Errorf("%+v, %v after %s", result, err, time.Since(begin))
		}
		h.define("g", func(*handler) (string, *durable.Error) { panic(crash{"boom"}) })
		result, err = h.Sync(t.Context(), request("g", ""))
		if err != nil || result.FunctionError != "Unhandled" || string(result.Payload) != `{"errorType":"Crash","errorMessage":"boom"}` || h.functions.invoked["g"] != 5 {
			t.Errorf("%+v %s, %v after %d invocations", result, result.Payload, err, h.functions.invoked["g"])
		}
		list, _ := h.List(account, "g", durable.Filter{}, "", 10)
		events, _, _ := h.History(t.Context(), list[0].Ref(region), "", 100, false)
		if len(events) != 7 || value(events[3].Error.ErrorMessage) != "boom" || events[3].RequestID == "" {
			t.Errorf("history %+v", events)
		}
	})
}

func TestRefusedInvocationsWaitForRoom(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		n := 0
		h.define("f", func(*handler) (string, *durable.Error) {
			if n++; n < 8 {
				panic(refuse{lambda.Errorf(lambda.KindThrottled, "Rate Exceeded.")})
			}
			return "1", nil
		})
		begin := time.Now()
		result, err := h.Sync(t.Context(), request("f", ""))
		if err != nil || string(result.Payload) != "1" || time.Since(begin) != (1+2+4+8+16+32+60)*time.Second {
			t.Errorf("%+v, %v after %s", result, err, time.Since(begin))
		}
		h.define("g", func(*handler) (string, *durable.Error) { panic(refuse{lambda.Errorf(lambda.KindRecursive, "a loop")}) })
		result, err = h.Sync(t.Context(), request("g", ""))
		if err != nil || string(result.Payload) != `{"errorType":"RecursiveInvocationException","errorMessage":"a loop"}` {
			t.Errorf("%s, %v", result.Payload, err)
		}
	})
}

func TestExecutionsTimeOut(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.define("f", func(p *handler) (string, *durable.Error) { p.wait("w", 601); return "", nil })
		begin := time.Now()
		result, err := h.Sync(t.Context(), request("f", ""))
		if err != nil || string(result.Payload) != `{"errorMessage":"Execution timed out after 600 seconds."}` || time.Since(begin) != 600*time.Second {
			t.Errorf("%s, %v after %s", result.Payload, err, time.Since(begin))
		}
		h.functions.durable["f"].ExecutionTimeout = 901
		if _, err := h.Sync(t.Context(), request("f", "")); lambda.KindOf(err) != lambda.KindInvalid {
			t.Errorf("a function that takes longer than anybody waits: %v", err)
		}
		ref := h.start("f", "{}", "")
		time.Sleep(602 * time.Second)
		if d := h.details(ref); d.Status != durable.Succeeded {
			t.Errorf("%s %+v", d.Status, d.Error)
		}
	})
}

func TestAnswersThatMakeNoSense(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		for name, test := range map[string]struct {
			answer, want string
			invocations  int
		}{
			"text":    {`"hello"`, "Invalid Status in invocation output.", 1},
			"garbage": {`{`, "Invalid Status in invocation output.", 1},
			"status":  {`{"Status":"DONE"}`, "Invalid Status in invocation output.", 1},
			"both":    {`{"Status":"FAILED","Result":"1"}`, "Cannot provide a Result for FAILED status.", 1},
			"error":   {`{"Status":"SUCCEEDED","Error":{}}`, "Cannot provide an Error for SUCCEEDED status.", 1},
			"idle":    {`{"Status":"PENDING"}`, "Cannot return PENDING status with no pending operations.", 3},
			"large":   {`{"Status":"SUCCEEDED","Result":"` + strings.Repeat("x", lambda.MaxOperationPayloadBytes+1) + `"}`, "Execution output payload size must be less than or equal to 1048576 bytes.", 1},
		} {
			h.functions.plain[name] = func(string) (string, error) { return test.answer, nil }
			h.functions.durable[name] = &lambda.Durable{ExecutionTimeout: 60, RetentionDays: 1}
			ref := h.start(name, "{}", "")
			time.Sleep(10 * time.Second)
			d := h.details(ref)
			if d.Status != durable.Failed || d.Error == nil || value(d.Error.ErrorMessage) != test.want || h.functions.invoked[name] != test.invocations {
				t.Errorf("%s: %s %v after %d invocations", name, d.Status, d.Error, h.functions.invoked[name])
			}
		}
	})
}

func TestNames(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.define("f", func(p *handler) (string, *durable.Error) { p.wait("w", 10); return p.input, nil })
		h.define("g", h.functions.programs["f"])
		ref := h.start("f", "1", "order-1")
		if again := h.start("f", "1", "order-1"); again != ref {
			t.Errorf("%s began as %s", again.ARN(), ref.ARN())
		}
		if other := h.start("g", "2", "order-1"); other.ID == ref.ID {
			t.Error("two functions share an execution")
		}
		req := request("f", "2")
		fn, err := h.Durable(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Start(t.Context(), fn, req, "order-1"); lambda.KindOf(err) != lambda.KindExecutionExists {
			t.Errorf("another input: %v", err)
		}
		if _, err := h.Start(t.Context(), fn, req, "order 1"); lambda.KindOf(err) != lambda.KindValidation {
			t.Errorf("a malformed name: %v", err)
		}
		time.Sleep(20 * time.Second)
		result, got, err := h.Await(t.Context(), fn, request("f", "1"), "order-1")
		if err != nil || got != ref || string(result.Payload) != "1" {
			t.Errorf("waiting for one that ended: %s, %s, %v", result.Payload, got.ARN(), err)
		}
		time.Sleep(48*time.Hour - 5*time.Second)
		if _, err := h.Get(t.Context(), ref); lambda.KindOf(err) != lambda.KindNotFound {
			t.Errorf("an execution whose retention is over: %v", err)
		}
		if again := h.start("f", "3", "order-1"); again.ID == ref.ID {
			t.Error("a name is taken for ever")
		}
		if n := h.journals.Len(); n != 1 {
			t.Errorf("%d journals are left", n)
		}
	})
}

func TestUnqualifiedAndOtherInvocations(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.define("f", func(p *handler) (string, *durable.Error) { return p.input, nil })
		h.functions.plain["plain"] = func(payload string) (string, error) { return payload, nil }
		req := request("f", "1")
		req.Qualifier = ""
		if _, err := h.Sync(t.Context(), req); lambda.KindOf(err) != lambda.KindInvalid {
			t.Errorf("unqualified: %v", err)
		}
		if _, err := h.Stream(t.Context(), request("f", "1"), nil); lambda.KindOf(err) != lambda.KindInvalid {
			t.Errorf("streamed: %v", err)
		}
		if r, err := h.Sync(t.Context(), request("plain", "1")); err != nil || string(r.Payload) != "1" {
			t.Errorf("a function that is not durable: %v, %v", r, err)
		}
		later := durable.Later{Executions: h.Executions}
		for range 2 {
			if r, err := later.Sync(t.Context(), request("f", "1")); err != nil || string(r.Payload) != "null" {
				t.Errorf("for nobody: %v, %v", r, err)
			}
		}
		synctest.Wait()
		if list, _ := h.List(account, "f", durable.Filter{}, "", 10); len(list) != 1 || list[0].Status != durable.Succeeded {
			t.Errorf("%d executions of one request", len(list))
		}
		if r, err := later.Sync(t.Context(), request("plain", "2")); err != nil || string(r.Payload) != "2" {
			t.Errorf("a function that is not durable: %v, %v", r, err)
		}
		tail := request("f", "2")
		tail.LogTail = true
		if r, err := h.Sync(t.Context(), tail); err != nil || string(r.LogTail) != "tail of f" {
			t.Errorf("log tail %q, %v", r.LogTail, err)
		}
	})
}

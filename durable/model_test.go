package durable_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"thaw.dev/thaw/durable"
	"thaw.dev/thaw/lambda"
)

// plan is a program made up by chance, and its result.
type plan struct {
	kinds  []string
	result string
}

func newPlan(r *rand.Rand) plan {
	var p plan
	for i := range 1 + r.IntN(7) {
		kind := []string{"step", "retry", "wait", "callback", "plain", "child", "wave"}[r.IntN(7)]
		p.kinds = append(p.kinds, kind)
		p.result += fmt.Sprintf("%s%d;", kind, i)
	}
	return p
}

// run is the plan's handler. counts says how often each step's code ran.
func (p plan) run(h *handler, counts map[string]int) string {
	out := ""
	for i, kind := range p.kinds {
		id := fmt.Sprintf("%s%d", kind, i)
		switch kind {
		case "step":
			out += h.step(id, func() string { counts[id]++; return id })
		case "retry":
			o, known := h.operations[id]
			if known && o.Status == durable.Pending {
				panic(suspended{})
			}
			if !known {
				h.checkpoint(durable.Update{ID: id, Type: durable.TypeStep, Action: durable.ActionStart},
					durable.Update{ID: id, Type: durable.TypeStep, Action: durable.ActionRetry, RetrySeconds: 3, Error: &durable.Error{}})
				panic(suspended{})
			}
			out += h.step(id, func() string { counts[id]++; return id })
		case "wait":
			h.wait(id, 5)
			out += id
		case "callback":
			out += value(h.callback(id, 0, 0).CallbackDetails.Result)
		case "plain", "child":
			function := kind
			if kind == "child" {
				function += ":$LATEST"
			}
			out += value(h.chain(id, function, id).ChainedInvokeDetails.Result)
		case "wave": // several at once
			for n := range 3 {
				if sub := fmt.Sprint(id, "-", n); h.operations[sub].ID == "" {
					h.checkpoint(durable.Update{ID: sub, Type: durable.TypeWait, Action: durable.ActionStart, WaitSeconds: 1 + n})
				}
			}
			for n := range 3 {
				h.wait(fmt.Sprint(id, "-", n), 1+n)
			}
			out += id
		}
		out += ";"
	}
	return out
}

// TestKilledAtAnyMoment runs programs made up by chance in a process that is killed at moments made up by chance, some of them
// between the write of an entry and its answer. Whatever comes, the result is that of the program, and the history tells one story.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // chance that can be repeated
			p := newPlan(r)
			h := newHarness(t)
			counts := map[string]int{}
			h.functions.plain["plain"] = func(payload string) (string, error) { return payload, nil }
			h.define("child", func(c *handler) (string, *durable.Error) { c.wait("w", 2); return c.input, nil })
			h.define("f", func(c *handler) (string, *durable.Error) { return p.run(c, counts), nil })
			ref := h.start("f", "{}", "order-1")
			for kills := 0; ; kills++ {
				if kills < 12 {
					h.journals.Kill(1+r.IntN(6), r.IntN(2) == 0)
				}
				h.live(t, ref, r)
				d, err := h.Get(t.Context(), ref)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if h.journals.Killed() || d.Status == durable.Running {
					if kills > 12 {
						t.Fatalf("seed %d: %v does not end: %+v\n%v", seed, p.kinds, d, h.history(ref))
					}
					h.Close()
					h.journals.Revive()
					h.open()
					continue
				}
				if d.Status != durable.Succeeded || value(d.Result) != p.result {
					t.Errorf("seed %d: %s %s, want %s\n%v", seed, d.Status, value(d.Result), p.result, h.history(ref))
				}
				break
			}
			h.oneStory(t, seed, ref)
			h.Close()
		})
	}
}

// live lets time pass and answers callbacks until the execution ended or the process died.
func (h *harness) live(t *testing.T, ref lambda.ExecutionRef, r *rand.Rand) {
	t.Helper()
	for range 120 {
		time.Sleep(time.Second)
		synctest.Wait()
		d, err := h.Get(t.Context(), ref)
		if err != nil || h.journals.Killed() || d.Status != durable.Running {
			return
		}
		events, _, err := h.History(t.Context(), ref, "", 1000, false)
		if err != nil {
			return
		}
		for _, e := range events {
			if e.Type == durable.CallbackStarted && r.IntN(3) == 0 {
				_ = h.SucceedCallback(t.Context(), account, e.CallbackID, []byte(e.Operation)) // it may have ended, or the store died
			}
		}
	}
}

// oneStory checks a history against itself.
func (h *harness) oneStory(t *testing.T, seed uint64, ref lambda.ExecutionRef) {
	t.Helper()
	events, _, err := h.History(t.Context(), ref, "", 1000, false)
	if err != nil {
		t.Fatal(err)
	}
	open, ended := map[string]bool{}, map[string]bool{}
	over := false
	for i, e := range events {
		name := string(e.Type)
		switch {
		case e.Number != i+1:
			t.Errorf("seed %d: event %d has number %d", seed, i+1, e.Number)
		case e.Type == durable.InvocationCompleted:
			continue
		case over:
			t.Errorf("seed %d: %s of %s after the end", seed, e.Type, e.Operation)
		case strings.HasSuffix(name, "Started"):
			if open[e.Operation] && e.Type != durable.StepStarted {
				t.Errorf("seed %d: %s began twice", seed, e.Operation)
			}
			open[e.Operation] = true
		case e.Seconds > 0 && (e.Type == durable.StepFailed || e.Type == durable.StepSucceeded): // to be tried again
		default:
			if ended[e.Operation] {
				t.Errorf("seed %d: %s ended twice", seed, e.Operation)
			}
			ended[e.Operation] = true
		}
		over = over || strings.HasPrefix(name, "Execution") && e.Type != durable.ExecutionStarted
	}
	for id := range open {
		if !ended[id] {
			t.Errorf("seed %d: %s did not end", seed, id)
		}
	}
}

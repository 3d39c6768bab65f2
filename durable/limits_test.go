package durable_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"thaw.dev/thaw/durable"
	"thaw.dev/thaw/durable/durabletest"
	"thaw.dev/thaw/lambda"
)

func TestLimits(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		large := strings.Repeat("x", lambda.MaxOperationPayloadBytes)
		larger := large + "x"
		h.define("f", func(p *handler) (string, *durable.Error) {
			send := func(updates ...durable.Update) error {
				a, err := h.Checkpoint(p.ctx, p.ref, durable.Checkpoint{Token: p.token, Updates: updates})
				if err == nil {
					p.token = a.Token
				}
				return err
			}
			refused := func(what, text string, updates ...durable.Update) {
				if err := send(updates...); lambda.KindOf(err) != lambda.KindInvalid || !strings.Contains(err.Error(), text) {
					t.Errorf("%s: %v", what, err)
				}
			}
			step := func(id string, payload *string) durable.Update {
				return durable.Update{ID: id, Type: durable.TypeStep, Action: durable.ActionSucceed, Payload: payload}
			}
			refused("a large result", "STEP payload size must be less than or equal to 1048576 bytes.", step("s", &larger))
			refused("a large error", "Error object size", durable.Update{ID: "s", Type: durable.TypeStep, Action: durable.ActionFail, Error: &durable.Error{ErrorMessage: &larger}})
			refused("a large result of the execution", "Execution output payload size", durable.Update{ID: "e", Type: durable.TypeExecution, Action: durable.ActionSucceed, Payload: &larger})
			refused("one that is not last", "must be the last", durable.Update{ID: "e", Type: durable.TypeExecution, Action: durable.ActionSucceed}, step("s", nil))
			refused("the same twice", "same ID", step("s", nil), step("s", nil))
			refused("a parent that is none", "parent", durable.Update{ID: "s", Parent: "nobody", Type: durable.TypeStep, Action: durable.ActionStart})
			refused("a wait without an end", "WaitOptions", durable.Update{ID: "w", Type: durable.TypeWait, Action: durable.ActionStart})
			refused("the end of a wait", "Invalid action", durable.Update{ID: "w", Type: durable.TypeWait, Action: durable.ActionSucceed})
			refused("a callback's end", "Invalid action", durable.Update{ID: "c", Type: durable.TypeCallback, Action: durable.ActionSucceed})
			refused("another account", "another account", durable.Update{ID: "i", Type: durable.TypeChainedInvoke, Action: durable.ActionStart,
				Chained: &durable.Chained{Function: lambda.FunctionRef{Account: "999999999999", Name: "f"}}})
			refused("nothing", "requires ChainedInvokeOptions", durable.Update{ID: "i", Type: durable.TypeChainedInvoke, Action: durable.ActionStart})
			var many []durable.Update
			for i := range lambda.MaxOperations {
				many = append(many, step(fmt.Sprint("m", i), nil))
			}
			refused("too many operations", "Number of operations", append(many, step("one more", nil))...)
			if err := send(many[10:]...); err != nil {
				t.Error(err)
			}
			refused("too many operations in two", "Number of operations", append(many[:10:10], step("one more", nil))...)
			refused("a step that ended", "Invalid current STEP state", step("m20", nil))
			refused("another type", "Inconsistent operation type", durable.Update{ID: "m20", Type: durable.TypeWait, Action: durable.ActionStart, WaitSeconds: 1})
			refused("another name", "Inconsistent operation name", durable.Update{ID: "m20", Name: "n", Type: durable.TypeStep, Action: durable.ActionSucceed})
			return "", nil
		})
		ref := h.start("f", "{}", "")
		synctest.Wait()
		if d := h.details(ref); d.Status != durable.Succeeded {
			t.Errorf("%s %+v", d.Status, d.Error)
		}
		one := durable.Open(durable.Options{
			Region: region, Journals: durabletest.New(), Functions: h.functions, Invoker: h.functions, MaxExecutions: 1, Logger: slog.New(slog.DiscardHandler),
		})
		defer one.Close()
		h.define("g", func(*handler) (string, *durable.Error) { return "", nil })
		fn, err := one.Durable(request("g", "1"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := one.Start(t.Context(), fn, request("g", "1"), "a"); err != nil {
			t.Error(err)
		}
		if _, err := one.Start(t.Context(), fn, request("g", "1"), "b"); lambda.KindOf(err) != lambda.KindThrottled {
			t.Errorf("one execution too many: %v", err)
		}
		if _, err := one.Start(t.Context(), fn, request("g", large+"x"), "a"); lambda.KindOf(err) != lambda.KindTooLarge {
			t.Errorf("a large event: %v", err)
		}
	})
}

// A state that does not fit an event is fetched in pages, also an input that alone is too large; what was done in a context that ended is left out.
func TestLargeStateComesInPages(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.define("f", func(p *handler) (string, *durable.Error) {
			if p.replayed == 1 {
				payload := strings.Repeat("y", 1<<20)
				for i := range 7 {
					p.checkpoint(durable.Update{ID: fmt.Sprint("s", i), Type: durable.TypeStep, Action: durable.ActionSucceed, Payload: &payload})
				}
				p.checkpoint(durable.Update{ID: "x", Type: durable.TypeContext, Action: durable.ActionStart},
					durable.Update{ID: "inside", Parent: "x", Type: durable.TypeStep, Action: durable.ActionSucceed})
				p.checkpoint(durable.Update{ID: "x", Type: durable.TypeContext, Action: durable.ActionSucceed})
				p.checkpoint(durable.Update{ID: "z", Type: durable.TypeContext, Action: durable.ActionStart},
					durable.Update{ID: "replayed", Parent: "z", Type: durable.TypeStep, Action: durable.ActionSucceed})
				p.checkpoint(durable.Update{ID: "z", Type: durable.TypeContext, Action: durable.ActionSucceed, ReplayChildren: true})
			}
			p.wait("w", 1)
			if _, there := p.operations["inside"]; there || p.replayed != 1+7+1+2+1 {
				t.Errorf("%d operations, that of a context which ended among them: %t", p.replayed, there)
			}
			return fmt.Sprint(len(p.input)), nil
		})
		input := `"` + strings.Repeat("z", lambda.MaxSyncPayloadBytes-2) + `"`
		result, err := h.Sync(t.Context(), request("f", input))
		if err != nil || string(result.Payload) != fmt.Sprint(len(input)) {
			t.Errorf("%+v, %v", result, err)
		}
	})
}

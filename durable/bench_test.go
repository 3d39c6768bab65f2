package durable_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"thaw.dev/thaw/durable"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// onDisk is executions on a real store.
func onDisk(b *testing.B, p program) *harness {
	b.Helper()
	st, err := store.Open(b.Context(), store.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = st.Close() })
	h := &harness{functions: &functions{
		programs: map[string]program{"f": p}, plain: map[string]func(string) (string, error){}, invoked: map[string]int{},
		durable: map[string]*lambda.Durable{"f": {ExecutionTimeout: 600, RetentionDays: 1}},
	}}
	h.Executions = durable.Open(durable.Options{Region: region, Journals: st.Journals(), Functions: h.functions, Invoker: h.functions, Logger: slog.New(slog.DiscardHandler)})
	h.functions.service = h.Executions
	b.Cleanup(h.Close)
	return h
}

// BenchmarkCheckpoint is a checkpoint that ends a step: one synced write.
func BenchmarkCheckpoint(b *testing.B) {
	h := onDisk(b, func(h *handler) (string, *durable.Error) {
		n := 0
		for b.Loop() {
			result := "1"
			h.checkpoint(durable.Update{ID: fmt.Sprint("s", n%lambda.MaxOperations), Type: durable.TypeStep, Action: durable.ActionSucceed, Payload: &result})
			if n++; n%lambda.MaxOperations == 0 {
				panic("more iterations than an execution has operations: use -benchtime 2000x")
			}
		}
		return "", nil
	})
	if _, err := h.Sync(b.Context(), request("f", "{}")); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkExecution is a whole execution with one step, from one caller and from many.
func BenchmarkExecution(b *testing.B) {
	p := func(h *handler) (string, *durable.Error) { return h.step("s", func() string { return "1" }), nil }
	once := func(ctx context.Context, h *harness) error {
		_, err := h.Sync(ctx, &invoke.Request{Account: account, Function: "f", Qualifier: lambda.Latest, Payload: []byte("{}")})
		return err
	}
	b.Run("callers=1", func(b *testing.B) {
		h := onDisk(b, p)
		for b.Loop() {
			if err := once(b.Context(), h); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("callers=32", func(b *testing.B) {
		h := onDisk(b, p)
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := once(b.Context(), h); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
